import QQProtocol
import Testing

@Suite struct FileFrameTests {
  private static let id = someIDText
  private static let digest = Digest(of: [1, 2, 3])
  private static let tree = TreeHash(digest)
  private static let time = Timestamp(milliseconds: 1_500)

  @Test(
    "a client's frame about files is written as one line and read back as it was",
    arguments: [
      (
        .send(.init(ref: 1, id: someID, to: ["bob"], text: "", file: FileInfo(name: "a.txt", size: nil))),
        #"{"type":"offer","ref":1,"id":"\#(id)","to":["bob"],"name":"a.txt"}"#
      ),
      (
        .send(
          .init(
            ref: nil, id: someID, to: ["@all"], text: "", wantsReceipts: true, lastSeen: true,
            file: FileInfo(name: "фото", size: 9, manifest: 3, mode: 0o755, modified: time))),
        #"{"type":"offer","id":"\#(id)","to":["@all"],"name":"фото","size":9,"manifest":3,"mode":493,"#
          + #""modified":"1970-01-01T00:00:01.500Z","receipts":true,"last_seen":true}"#
      ),
      (.upload(ref: 2, id: someID), #"{"type":"upload","ref":2,"id":"\#(id)"}"#),
      (
        .put(Chunk(offset: 1_048_576, size: 5, hash: digest)),
        #"{"type":"put","offset":1048576,"size":5,"hash":"\#(digest)"}"#
      ),
      (
        .finish(ref: 3, size: 0, hash: tree),
        #"{"type":"finish","ref":3,"size":0,"hash":"qq-tree-sha256:\#(digest)"}"#
      ),
      (.get(.init(ref: 4, file: .id(someID))), #"{"type":"get","ref":4,"id":"\#(id)","offset":0}"#),
      (
        .get(.init(ref: 4, file: .seq(7), offset: 1_048_576, hash: tree)),
        #"{"type":"get","ref":4,"seq":7,"offset":1048576,"hash":"qq-tree-sha256:\#(digest)"}"#
      ),
      (.withdraw(ref: 2, id: someID), #"{"type":"withdraw","ref":2,"id":"\#(id)"}"#),
      (.got(offset: 0), #"{"type":"got","offset":0}"#),
      (.saved(ref: 5, seq: 6), #"{"type":"saved","ref":5,"seq":6}"#),
      (.files(ref: nil, after: 0), #"{"type":"files"}"#),
      (.files(ref: 1, after: 7), #"{"type":"files","ref":1,"after":7}"#),
    ] as [(ClientFrame, String)])
  func client(_ frame: ClientFrame, _ line: String) {
    #expect(frame.line == line + "\n")
    #expect(clientFrame(line) == .success(frame))
  }

  @Test(
    "a hub's frame about files is written as one line and read back as it was",
    arguments: [
      (
        .file(
          .init(
            ref: 1, id: someID, seq: 2, time: time, from: "alice", address: "::1", to: ["bob"],
            info: FileInfo(name: "a", size: 0, mode: 0))),
        #"{"type":"file","ref":1,"id":"\#(id)","seq":2,"time":"1970-01-01T00:00:01.500Z","from":"alice","#
          + #""address":"::1","to":["bob"],"name":"a","size":0,"mode":0}"#
      ),
      (
        .complete(
          .init(id: someID, seq: 3, time: time, from: "alice", to: ["bob"], name: "a", size: 1, hash: tree)),
        #"{"type":"complete","id":"\#(id)","seq":3,"time":"1970-01-01T00:00:01.500Z","from":"alice","#
          + #""to":["bob"],"name":"a","size":1,"hash":"qq-tree-sha256:\#(digest)"}"#
      ),
      (
        .chunk(Chunk(offset: 0, size: 1_048_576, hash: digest)),
        #"{"type":"chunk","offset":0,"size":1048576,"hash":"\#(digest)"}"#
      ),
      (.end(size: 5, hash: tree), #"{"type":"end","size":5,"hash":"qq-tree-sha256:\#(digest)"}"#),
      (
        .progress(id: someID, nick: "bob", bytes: 4),
        #"{"type":"progress","id":"\#(id)","nick":"bob","bytes":4}"#
      ),
      (
        .ok(.init(ref: 1, seq: 2, more: true, offset: 0, hash: tree)),
        #"{"type":"ok","ref":1,"seq":2,"more":true,"offset":0,"hash":"qq-tree-sha256:\#(digest)"}"#
      ),
    ] as [(HubFrame, String)])
  func hub(_ frame: HubFrame, _ line: String) {
    #expect(frame.line == line + "\n")
    #expect(hubFrame(line) == .success(frame))
  }

  @Test(
    "sizes, offsets and hashes that can't be are refused",
    arguments: [
      #"{"type":"put","offset":0,"size":0,"hash":"\#(digest)"}"#,
      #"{"type":"put","offset":0,"size":1048577,"hash":"\#(digest)"}"#,
      #"{"type":"put","offset":5,"size":1,"hash":"\#(digest)"}"#,
      #"{"type":"put","offset":-1048576,"size":1,"hash":"\#(digest)"}"#,
      #"{"type":"put","offset":0,"size":1,"hash":"abc"}"#,
      #"{"type":"put","offset":0,"size":1}"#,
      #"{"type":"got","offset":-1}"#,
      #"{"type":"finish","size":1,"hash":"sha256:\#(digest)"}"#,
      #"{"type":"get"}"#,
      #"{"type":"get","seq":1,"offset":1}"#,
      #"{"type":"saved","seq":-1}"#,
      #"{"type":"upload","id":"x"}"#,
      #"{"type":"offer","id":"\#(id)","to":["a"]}"#,
      #"{"type":"offer","id":"\#(id)","to":[],"name":"a"}"#,
      #"{"type":"offer","id":"\#(id)","to":["a"],"name":"a","size":-1}"#,
      #"{"type":"offer","id":"\#(id)","to":["a"],"name":"a","manifest":1}"#,
      #"{"type":"offer","id":"\#(id)","to":["a"],"name":"a","size":1,"manifest":2}"#,
      #"{"type":"offer","id":"\#(id)","to":["a"],"name":"a","size":99999999,"manifest":16777217}"#,
    ])
  func refused(_ line: String) {
    guard case .failure(let fault) = clientFrame(line) else {
      Issue.record("accepted")
      return
    }
    #expect(fault.code == .badField)
  }

  @Test("raw bytes behind a line are handed on as they come, wherever the stream is cut")
  func raw() {
    let stream = Array("one\n5\nab\ncdtwo\n0\n3\n\n\n\nend\n".utf8)
    for first in 0...stream.count {
      for second in first...stream.count {
        var framer = LineFramer()
        var lines: [String] = []
        var bytes: [UInt8] = []
        for part in [stream[..<first], stream[first..<second], stream[second...]] {
          let part = Array(part)
          try? framer.feed(
            part.span.bytes,
            { line throws(ErrorCode) in
              let text = line.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
              lines.append(text)
              return Int(text) ?? 0
            },
            raw: { raw in raw.withUnsafeBytes { bytes.append(contentsOf: $0) } })
        }
        #expect(lines == ["one", "5", "two", "0", "3", "end"])
        #expect(bytes == Array("ab\ncd\n\n\n".utf8))
        #expect(!framer.isWithin)
      }
    }
  }
}
