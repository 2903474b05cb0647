import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct RecordCodecTests {
  private static let v6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: .max)

  /// Every kind of body, with the ends of every range.
  private static let records: [Record] = [
    .message(1),
    Record(
      time: Timestamp(milliseconds: .min), origin: Origin(hub: .max, session: .max, ref: .min),
      body: .message(
        MessageBody(
          sender: UserID(.max), from: "", address: v6, id: MessageID(high: .max, low: 0),
          targets: [
            .nick("боб"), .group(""), .address("2001:db8::1", users: [UserID(0), UserID(.max)]),
            .address("10.0.0.1", users: []),
          ],
          text: "e\u{301}\u{e9}\0\r\n👩‍👩‍👧‍👦" + String(repeating: "x", count: 65_536), replyTo: MessageID(high: 0, low: .max))
      )),
    Record(
      time: Timestamp(milliseconds: .max), origin: Origin(hub: 0, session: 0, ref: .max),
      body: .message(
        MessageBody(
          sender: UserID(0), from: "a", address: IPAddress(v4: 0), id: MessageID(high: 0, low: 0), targets: [], text: ""
        ))),
    admit(key: Array(0..<32), isExplicit: true, address: v6),
    admit(key: nil, isExplicit: false, address: IPAddress(v4: .max)),
    admit(key: [], isExplicit: false, address: IPAddress(v4: 1)),
    record(.rename(UserID(300), nick: "ann")),
    .join(1, "ops", at: 0),
    record(.leave(UserID(2), group: "ops")),
    record(.cursors([])),
    record(
      .cursors([
        CursorMove(user: UserID(1), name: "listen", seq: .max), CursorMove(user: UserID(2), name: "", seq: .min),
      ])),
    record(.seen(UserID(9), address: v6)),
    record(.admit(AdmitBody(key: [7], nick: "ann", isExplicit: true, address: v6, host: "", invite: Digest(of: [1])))),
    record(.admit(AdmitBody(key: [7], nick: "ann", isExplicit: true, address: v6, host: "", isOwner: true))),
    record(.invite(InviteBody(by: UserID(.max), hash: Digest(of: []), nick: "боб", expires: Record.time(9)))),
    record(.invite(InviteBody(by: UserID(1), hash: Digest(of: []), nick: nil, expires: Record.time(-1)))),
    record(.revoke(Digest(of: [2]))), record(.remove(UserID(7))), record(.restore(UserID(.max))),
    record(.prune(through: 5, UserID(1)...UserID(.max))),
    record(.saved(UserID(.max), file: .max)), record(.discard([])), record(.discard([1, .max])),
    attached(.file(FileInfo(name: "", size: nil))),
    attached(.file(FileInfo(name: "фото", size: .max, manifest: 0, mode: 0o777, modified: Record.time(1)))),
    attached(.complete(file: 7, size: 0, hash: TreeHash(Digest(of: [])))),
  ]

  private static func record(_ body: Record.Body) -> Record {
    Record(time: Record.time(0), origin: Origin(hub: 1, session: 2, ref: 3), body: body)
  }

  private static func attached(_ attachment: QQJournal.Attachment) -> Record {
    record(
      .message(
        MessageBody(
          sender: UserID(1), from: "a", address: v6, id: MessageID(high: 1, low: 2), targets: [.nick("b")], text: "n",
          attachment: attachment)))
  }

  private static func admit(key: [UInt8]?, isExplicit: Bool, address: IPAddress) -> Record {
    record(.admit(AdmitBody(key: key, nick: "ann", isExplicit: isExplicit, address: address, host: "box")))
  }

  private func bytes(_ record: Record) -> [UInt8] {
    var bytes: [UInt8] = []
    RecordCodec.encode(record, into: &bytes)
    return bytes
  }

  private func decode(_ bytes: [UInt8]) throws -> Record {
    try RecordCodec.decode(bytes.span)
  }

  @Test("every record is read as it was written", arguments: records.indices)
  func roundTrip(_ index: Int) throws {
    let record = Self.records[index]
    #expect(try decode(bytes(record)) == record)
  }

  @Test("texts are kept byte by byte, not normalized")
  func texts() throws {
    let record = Record.message(1, text: "e\u{301} \u{e9}")
    guard case .message(let message) = try decode(bytes(record)).body else {
      Issue.record("no message")
      return
    }
    #expect(Array(message.text.utf8) == Array("e\u{301} \u{e9}".utf8))
  }

  @Test("a record is appended to what is there")
  func appending() {
    var output: [UInt8] = [1, 2, 3]
    RecordCodec.encode(.message(1), into: &output)
    #expect(output == [1, 2, 3] + bytes(.message(1)))
  }

  @Test("version 1 stays what it is")
  func frozen() {
    let hex = bytes(.message(3, to: [.nick("bob"), .address("10.0.0.1", users: [UserID(300)])])).hex
    #expect(
      hex == "010186b083c598680000000701060105757365723104c0a8000100000000000000090000000000000003"
        + "020103626f62030831302e302e302e3101ac020674657874203300")
  }

  @Test("a record that ends early is refused, wherever it ends", arguments: records.indices)
  func truncated(_ index: Int) {
    let all = bytes(Self.records[index])
    for length in Set((0..<min(all.count, 300)).map { $0 } + [all.count - 1]) {
      #expect(throws: ByteCodingError.self) { try decode(Array(all[..<length])) }
    }
  }

  @Test("bytes after the record, an unknown version, an unknown kind and wrong UTF-8 are refused")
  func refused() {
    let good = bytes(Self.record(.rename(UserID(1), nick: "ann")))
    #expect(throws: ByteCodingError.trailing) { try decode(good + [0]) }
    #expect(throws: ByteCodingError.version(2)) { try decode([2] + good.dropFirst()) }
    #expect(throws: ByteCodingError.value) { try decode([1, 99] + good.dropFirst(2)) }
    #expect(throws: ByteCodingError.utf8) { try decode(good.dropLast() + [0xff]) }
  }

  @Test("a length beyond the bytes allocates nothing and is refused")
  func hugeLength() {
    let head = bytes(Self.record(.cursors([]))).dropLast()
    let huge: [UInt8] = Array(repeating: 0xff, count: 9) + [0x01]
    #expect(throws: ByteCodingError.truncated) { try decode(head + huge) }
    #expect(throws: ByteCodingError.value) { try decode(head + huge.dropLast() + [0x02]) }
    #expect(throws: ByteCodingError.truncated) { try decode(head + [0x7f]) }
  }

  @Test("damaged bytes are refused or read, and what is read can be written again")
  func damaged() throws {
    var random = SplitMix64(seed: 6)
    let originals = Self.records.map(bytes).filter { $0.count < 1_000 }
    var refused = 0
    for round in 0..<200_000 {
      var damaged = originals[round % originals.count]
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      guard let record = try? decode(damaged) else {
        refused += 1
        continue
      }
      #expect(try decode(bytes(record)) == record)
    }
    #expect(refused > 100_000)
  }
}

extension [UInt8] {
  var hex: String { map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}
