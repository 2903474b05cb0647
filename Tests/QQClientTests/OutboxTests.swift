import QQClient
import QQProtocol
import Testing

private func id(_ number: UInt64) -> MessageID { MessageID(high: 1, low: number) }

private func message(_ number: UInt64, to: [String] = ["bob"], text: String = "hi") -> OutgoingMessage {
  OutgoingMessage(id: id(number), to: to, text: text)
}

private func sent(_ ref: Int64, _ number: UInt64, to: String = "bob", awaiting: [String]? = nil) -> HubFrame {
  .sent(.init(ref: ref, id: id(number), seq: 10 + ref, to: to, awaiting: awaiting))
}

@Suite("Outbox")
struct OutboxTests {
  @Test("what is submitted is written once on a connection, in order")
  func writtenOnce() {
    var outbox = Outbox()
    outbox.submit(message(1))
    outbox.submit(message(2))
    #expect(outbox.takeUnwritten().map(\.id) == [id(1), id(2)])
    #expect(outbox.takeUnwritten().isEmpty)
    outbox.submit(message(3))
    #expect(outbox.takeUnwritten().map(\.id) == [id(3)])
  }

  @Test("what is unanswered when the connection is lost is written again, in the same order")
  func writtenAgain() {
    var outbox = Outbox()
    for number in 1...3 { outbox.submit(message(UInt64(number))) }
    let first = outbox.takeUnwritten()
    #expect(outbox.received(sent(first[1].ref ?? 0, 2)).count == 1)
    outbox.lost()
    #expect(outbox.takeUnwritten().map(\.id) == [id(1), id(3)])
  }

  @Test("of what is stored and waits for readers only the newest are kept, and nothing that isn't stored goes")
  func lettingGo() {
    var outbox = Outbox(wantsReceipts: true)
    for number in 1...4 { outbox.submit(message(UInt64(number))) }
    let refs = outbox.takeUnwritten().map { $0.ref ?? 0 }
    for number in [1, 3, 4] { _ = outbox.received(sent(refs[number - 1], UInt64(number), awaiting: ["bob"])) }
    #expect(outbox.unstored.map(\.id) == [id(2)])
    #expect(outbox.letGo(keeping: 3) == [])
    #expect(outbox.letGo(keeping: 1) == [id(1), id(3)])
    #expect(outbox.ids == [id(2), id(4)])
    outbox.lost()
    #expect(outbox.takeUnwritten().map(\.id) == [id(2), id(4)])
    #expect(outbox.unstored.map(\.id) == [id(2)])
  }

  @Test("stored messages whose readers stay away never make it full, however long they are")
  func lettingGoOfBytes() {
    var outbox = Outbox(wantsReceipts: true, maximumBytes: 10_000)
    for number in 1...8 {
      outbox.submit(message(UInt64(number), text: String(repeating: "x", count: 1_300)))
    }
    #expect(outbox.isFull)
    let refs = outbox.takeUnwritten().map { $0.ref ?? 0 }
    for number in 1...7 { _ = outbox.received(sent(refs[number - 1], UInt64(number), awaiting: ["bob"])) }
    #expect(outbox.letGo(keeping: 200) == [id(1), id(2), id(3), id(4)])
    #expect(outbox.unstored.map(\.id) == [id(8)])
    #expect(!outbox.isFull)
  }

  @Test("a message is done when every target is answered, and each answer is told once")
  func everyTarget() {
    var outbox = Outbox()
    outbox.submit(message(1, to: ["bob", "bbo", "bob"]))
    #expect(outbox.takeUnwritten().first?.to == ["bob", "bbo"])
    #expect(outbox.received(sent(1, 1)).count == 1)
    #expect(!outbox.isEmpty)
    outbox.lost()
    _ = outbox.takeUnwritten()
    #expect(outbox.received(sent(1, 1)).isEmpty)
    let failure = HubFrame.Failure(ref: 1, .unknownTarget, "nobody", to: "bbo", id: id(1))
    #expect(outbox.received(.error(failure)) == [.failed(failure)])
    #expect(outbox.isEmpty)
  }

  @Test("an error about the message as a whole ends it")
  func wholeMessage() {
    var outbox = Outbox()
    outbox.submit(message(1, to: ["a", "b"]))
    _ = outbox.takeUnwritten()
    let failure = HubFrame.Failure(ref: 1, .idConflict, "another message", id: id(1))
    #expect(outbox.received(.error(failure)) == [.failed(failure)])
    #expect(outbox.isEmpty)
  }

  @Test("with receipts a message is done when everybody awaited has it")
  func receipts() {
    var outbox = Outbox(wantsReceipts: true)
    outbox.submit(message(1, to: ["@ops"]))
    #expect(outbox.takeUnwritten().first?.wantsReceipts == true)
    _ = outbox.received(sent(1, 1, to: "@ops", awaiting: ["bob", "carol"]))
    #expect(outbox.isStored)
    #expect(outbox.missing == ["bob", "carol"])
    let time = Timestamp(milliseconds: 0)
    #expect(outbox.received(.receipt(.init(time: time, id: id(1), nick: "bob"))).count == 1)
    #expect(outbox.missing == ["carol"])
    #expect(outbox.received(.receipt(.init(time: time, id: id(1), nick: "carol"))).count == 1)
    #expect(outbox.isEmpty)
  }

  @Test("it is full at a thousand messages, or at its bytes, and takes more once answered")
  func full() {
    var outbox = Outbox(maximumCount: 2, maximumBytes: 1_000)
    outbox.submit(message(1))
    #expect(!outbox.isFull)
    outbox.submit(message(2))
    #expect(outbox.isFull)
    _ = outbox.takeUnwritten()
    _ = outbox.received(sent(1, 1))
    #expect(!outbox.isFull)
    outbox.submit(message(3, text: String(repeating: "x", count: 2_000)))
    #expect(outbox.isFull)
    #expect(outbox.unanswered.map(\.id) == [id(2), id(3)])
  }
}
