import QQProtocol
import Testing

@Suite struct FrameLimitTests {
  private func send(to: String = #""bob""#, text: String) -> Result<ClientFrame, FrameFault> {
    clientFrame(#"{"type":"send","ref":3,"id":"\#(someIDText)","to":\#(to),"text":"\#(text)"}"#)
  }

  private let tooLong = FrameFault(.textTooLong, "the text is longer than 65536 bytes", ref: 3)

  @Test(
    "a text of exactly 64 KiB is taken, one byte more is too long, however it is written",
    arguments: [("x", 1), ("é", 2), ("😀", 4), (#"\n"#, 1), (#"\u0041"#, 1), (#"\u00e9"#, 2)])
  func text(_ unit: String, _ bytes: Int) throws {
    let full = String(repeating: unit, count: ProtocolLimits.text / bytes / (unit.utf8.count > 2 ? 4 : 1))
    let rest = String(repeating: "y", count: ProtocolLimits.text - full.utf8.count / unit.utf8.count * bytes)
    guard case .send(let frame) = try send(text: full + rest).get() else { return }
    #expect(frame.text.utf8.count == ProtocolLimits.text)
    #expect(send(text: full + rest + "z") == .failure(tooLong))
  }

  @Test("a text that a message's line has no room for is too long, whatever it looks like as it is sent")
  func expansion() throws {
    let refusal = FrameFault(
      .textTooLong, "the message takes more than 262144 bytes as JSON: escaped characters count with all they need",
      ref: 3)
    // Six bytes each in the line that others are sent.
    for unit in ["\u{7f}", #"\b"#, #"\f"#] {
      #expect(send(text: String(repeating: unit, count: ProtocolLimits.text)) == .failure(refusal))
      #expect(throws: Never.self) { try send(text: String(repeating: unit, count: 43_000)).get() }
    }
    let targets =
      "[" + (0..<256).map { _ in "\"\(String(repeating: "\u{7f}", count: 200))\"" }.joined(separator: ",") + "]"
    #expect(send(to: targets, text: "") == .failure(refusal))
  }

  @Test("no message that is taken makes a line that is too long")
  func everyMessageFits() throws {
    let longestTargets = (0..<256).map { _ in String(repeating: "t", count: 128) }
    for count in stride(from: 30_000, through: ProtocolLimits.text, by: 97) {
      let text = String(repeating: "\u{7f}", count: count)
      let sent = ClientFrame.Send(ref: 1, id: someID, to: longestTargets, text: text, replyTo: someID)
      // Raw, as a client may send it.
      let targets = longestTargets.map { "\"\($0)\"" }.joined(separator: ",")
      let line =
        #"{"type":"send","ref":1,"id":"\#(someIDText)","to":[\#(targets)],"text":"\#(text)","reply_to":"\#(someIDText)"}"#
      guard clientFrame(line) == .success(.send(sent)) else { continue }
      let message = HubFrame.message(
        .init(
          id: someID, seq: 1 << 53 - 1, time: Timestamp(milliseconds: .max),
          from: String(repeating: "\u{20000}", count: 32), address: "1111:2222:3333:4444:5555:6666:7777:8888",
          to: longestTargets, text: text, replyTo: someID))
      #expect(message.line.utf8.count <= ProtocolLimits.line)
    }
  }

  @Test("256 targets are taken, one more is not")
  func targets() {
    func list(_ count: Int) -> String { "[" + Array(repeating: "\"a\"", count: count).joined(separator: ",") + "]" }
    #expect(
      send(to: list(256), text: "")
        == .success(.send(.init(ref: 3, id: someID, to: Array(repeating: "a", count: 256), text: ""))))
    #expect(
      send(to: list(257), text: "")
        == .failure(FrameFault(.badField, #""to" must hold at most 256 strings"#, ref: 3)))
  }

  @Test("a name of 1,024 bytes is taken, one byte more is not, alone or among others")
  func names() throws {
    let name = String(repeating: "n", count: 1_024)
    let refused = FrameFault(.badField, #""to" must hold strings of at most 1024 bytes"#, ref: 3)
    #expect(throws: Never.self) { try send(to: "\"\(name)\"", text: "").get() }
    #expect(throws: Never.self) { try send(to: "[\"a\",\"\(name)\"]", text: "").get() }
    #expect(send(to: "\"\(name)x\"", text: "") == .failure(refused))
    #expect(send(to: "[\"a\",\"\(name)x\"]", text: "") == .failure(refused))
    #expect(clientFrame(#"{"type":"join","group":"\#(name)"}"#) == .success(.join(ref: nil, group: name)))
    #expect(
      clientFrame(#"{"type":"join","group":"\#(name)x"}"#)
        == .failure(FrameFault(.badField, #""group" is longer than 1024 bytes"#)))
  }

  @Test("a cursor's name and a reader's have 64 bytes at most")
  func cursors() {
    let name = String(repeating: "é", count: 32)
    #expect(
      clientFrame(#"{"type":"listen","cursor":"\#(name)","reader":"\#(name)"}"#)
        == .success(.listen(.init(ref: nil, after: .unread, cursor: name, reader: name))))
    for field in ["cursor", "reader"] {
      #expect(
        clientFrame(#"{"type":"listen","ref":1,"\#(field)":"\#(name)x"}"#)
          == .failure(FrameFault(.badField, "\"\(field)\" is longer than 64 bytes", ref: 1)))
    }
  }
}
