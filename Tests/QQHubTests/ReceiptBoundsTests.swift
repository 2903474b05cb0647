import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite("bounds of receipts") struct ReceiptBoundsTests {
  private func receipts(_ frames: [HubFrame]) -> [String] {
    frames.compactMap { if case .receipt(let receipt) = $0 { "\(receipt.nick) \(receipt.id.low)" } else { nil } }
  }

  @Test("a user waits for so many messages; of more the oldest is waited for no longer, and others' are")
  func lists() {
    let hub = HubHarness()
    let (alice, bob, carol) = (
      hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3)
    )
    hub.listen(carol, holds: true)
    hub.post(bob, 5_000, to: "carol", wantsReceipts: true)
    for number: UInt64 in 1...1_200 { hub.post(alice, number, to: "carol", wantsReceipts: true) }
    #expect(hub.hub.footprint.receipts == 1_001 && hub.hub.footprint.awaited == 1_001)
    _ = (hub.take(alice), hub.take(bob))
    hub.say(carol, .ack(seq: hub.hub.applied))
    hub.advance(1_000)
    #expect(receipts(hub.take(alice)) == (201...1_200).map { "carol \($0)" })
    #expect(receipts(hub.take(bob)) == ["carol 5000"])
    #expect(hub.hub.footprint.receipts == 0 && hub.hub.footprint.awaited == 0)
  }

  @Test("a retry waits in the place of the one before, of messages and of offers")
  func retries() {
    let hub = HubHarness()
    let (alice, carol) = (hub.connect("alice", key: 1), hub.connect("carol", key: 2))
    for _ in 0..<500 { hub.post(alice, 1, to: "carol", wantsReceipts: true) }
    for _ in 0..<500 {
      hub.say(
        alice,
        .send(
          .init(
            ref: 1, id: MessageID(high: 0, low: 2), to: ["carol"], text: "", wantsReceipts: true,
            file: FileInfo(name: "f", size: 3))))
    }
    #expect(hub.hub.footprint.receipts == 2 && hub.hub.footprint.awaited == 2)
    hub.disconnect(alice)
    #expect(hub.hub.footprint.receipts == 0)
    _ = carol
  }

  @Test("whoever is renamed while somebody waits is named as the one that is waited for")
  func renames() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, holds: true)
    hub.post(alice, 1, to: "bob", wantsReceipts: true)
    hub.say(bob, .nick(ref: nil, nick: "bert"))
    hub.post(alice, 2, to: "bert", wantsReceipts: true)
    hub.say(bob, .nick(ref: nil, nick: "bill"))
    hub.post(alice, 3, to: "bill", wantsReceipts: true)
    _ = hub.take(alice)
    hub.say(bob, .ack(seq: hub.hub.applied))
    hub.advance(1_000)
    #expect(receipts(hub.take(alice)) == ["bob 1", "bert 2", "bill 3"])
  }
}
