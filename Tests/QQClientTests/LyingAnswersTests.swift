import QQClient
import QQProtocol
import Testing

/// What a hub that isn't one may say, to what keeps what it says.
@Suite("answers of hubs that lie") struct LyingAnswersTests {
  private let id = MessageID(high: 1, low: 1)

  private func submitted(to targets: [String] = ["bob"]) -> (outbox: Outbox, ref: Int64) {
    var outbox = Outbox(wantsReceipts: true)
    outbox.submit(OutgoingMessage(id: id, to: targets, text: "hi"))
    return (outbox, outbox.takeUnwritten()[0].ref ?? 0)
  }

  @Test("names without end are a flood, on this connection; and what it was is kept no longer")
  func flood() {
    var (outbox, ref) = submitted()
    var number = 0
    while !outbox.isFlooded, number < 3_000_000 {
      let nicks = (0..<1_000).map { "a-name-that-nobody-has-\(number + $0)" }
      number += nicks.count
      _ = outbox.received(.sent(.init(ref: ref, id: id, seq: 1, to: "bob", awaiting: nicks, more: true)))
    }
    #expect(outbox.isFlooded)
    #expect((500_000...1_500_000).contains(number))
    outbox.lost()
    #expect(!outbox.isFlooded)
  }

  @Test("targets that nobody asked for answer nothing")
  func foreignTargets() {
    var (outbox, ref) = submitted(to: ["bob", "carol"])
    for number in 0..<1_000 {
      #expect(outbox.received(.sent(.init(ref: ref, id: id, seq: 1, to: "x\(number)", awaiting: []))) == [])
    }
    #expect(outbox.count == 1)
    #expect(outbox.received(.sent(.init(ref: ref, id: id, seq: 1, to: "bob", awaiting: []))).count == 1)
    #expect(outbox.received(.sent(.init(ref: ref, id: id, seq: 1, to: "carol", awaiting: []))).count == 1)
    #expect(outbox.isEmpty)
  }

  private struct Kept: DownloadTarget {
    var hasher = TreeHasher()
    mutating func restart(at offset: Int64) {}
    mutating func write(_ chunk: Chunk, _ bytes: [UInt8]) { hasher.add(chunk.hash, size: chunk.size) }
    mutating func finish(_ hash: TreeHash) -> String? { "there" }
    func discard() {}
  }

  private func download(size: Int64?, bytes: [UInt8]) throws -> SavedFile? {
    var download = Download<Kept>(.id(id))
    _ = download.connected()
    func open(_ file: HubFrame.File) throws(FileError) -> Kept { Kept() }
    let file = HubFrame.File(
      ref: 1, id: id, seq: 4, time: Timestamp(milliseconds: 0), from: "alice", address: "10.0.0.1", to: ["bob"],
      info: FileInfo(name: "f", size: size))
    var hasher = TreeHasher()
    let hash = Digest(of: bytes)
    hasher.add(hash, size: bytes.count)
    _ = try download.received(.file(file), open: open)
    _ = try download.received(.ok(.init(ref: 1, seq: 4, offset: 0)), open: open)
    if !bytes.isEmpty {
      _ = try download.received(
        .chunk(Chunk(offset: 0, size: bytes.count, hash: hash)), raw: bytes, open: open)
    }
    let whole = bytes.isEmpty ? TreeHasher().hash : hasher.hash
    _ = try download.received(.end(size: Int64(bytes.count), hash: whole), open: open)
    return download.saved
  }

  @Test("a file is as long as it was offered, or it isn't that file")
  func lengths() throws {
    #expect(try download(size: 3, bytes: [1, 2, 3]) != nil)
    #expect(try download(size: nil, bytes: [1, 2]) != nil)
    #expect(try download(size: 0, bytes: []) != nil)
    for bytes: [UInt8] in [[], [1, 2]] {
      #expect(throws: FileError.self) { try download(size: 3, bytes: bytes) }
    }
  }

  @Test("an answer has so many lines and bytes")
  func bound() throws {
    let endpoint = Endpoint(host: "h", port: 1)
    func taken(_ bound: AnswerBound, _ line: HubLine) -> Int {
      var bound = bound
      var count = 0
      while count < 10_000, (try? bound.take(line, of: endpoint)) != nil { count += 1 }
      return count
    }
    #expect(taken(AnswerBound(lines: 7, bytes: 1_000), HubLine(frame: nil, bytes: [1])) == 7)
    #expect(
      taken(AnswerBound(lines: 700, bytes: 1_000), HubLine(frame: nil, bytes: [UInt8](repeating: 1, count: 100))) == 10)
    #expect(taken(.page, HubLine(frame: nil, bytes: [])) == 1_024)
  }
}
