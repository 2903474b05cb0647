import QQClient
import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct ReceiptTests {
  private func awaiting(_ frames: [HubFrame]) -> [[String]?] {
    frames.compactMap { if case .sent(let sent) = $0 { .some(sent.awaiting) } else { nil } }
  }

  private func receipts(_ frames: [HubFrame]) -> [String] {
    frames.compactMap { if case .receipt(let receipt) = $0 { receipt.nick } else { nil } }
  }

  @Test("a sender that asked is told who has it, once each has processed it and that is committed")
  func told() {
    let hub = HubHarness()
    let ids = ["alice", "bob", "carol"].enumerated().map { hub.connect($1, key: UInt8($0 + 1)) }
    let (alice, bob, carol) = (ids[0], ids[1], ids[2])
    for id in ids { hub.listen(id, holds: true) }
    hub.post(alice, 1, to: "bob", "@all", ref: 1, wantsReceipts: true)
    #expect(awaiting(hub.take(alice)) == [["bob"], ["bob", "carol"]])
    let seq = hub.take(bob).seqs[0]
    hub.say(bob, .ack(seq: seq))
    #expect(hub.take(alice) == [])
    hub.advance(200)
    #expect(
      hub.take(alice) == [.receipt(.init(time: hub.now, id: MessageID(high: 0, low: 1), nick: "bob"))])
    hub.say(bob, .ack(seq: seq))
    hub.say(carol, .ack(seq: seq))
    hub.advance(1_000)
    #expect(receipts(hub.take(alice)) == ["carol"])
    #expect(hub.violations == [])
  }

  @Test("an answer that would name thousands comes in parts that each fit into a line")
  func many() {
    let hub = HubHarness { $0.interfaces = [CIDR("10.0.0.0/8")].compactMap { $0 } }
    let alice = hub.connect("alice", key: 1)
    let count = ProtocolLimits.awaiting * 2 + 7
    hub.say(alice, .join(ref: nil, group: "@all"))
    for number in 0..<count {
      let id = hub.open("127.0.0.1", keyBytes: [UInt8(number >> 8), UInt8(number & 255)])
      hub.say(id, .hello(.init(nick: String(repeating: "\u{10400}", count: 28) + "-\(number)", isExplicit: false)))
      hub.disconnect(id)
    }
    _ = hub.take(alice)
    hub.post(alice, 1, to: "@all", ref: 5, wantsReceipts: true)
    let sent = hub.take(alice).compactMap { if case .sent(let sent) = $0 { sent } else { nil } }
    #expect(sent.map { $0.awaiting?.count } == [1000, 1000, 7])
    #expect(sent.map(\.more) == [true, true, false])
    #expect(Set(sent.flatMap { $0.awaiting ?? [] }).count == count)
    for part in sent {
      var writer = JSONWriter()
      HubFrame.sent(part).encode(into: &writer)
      #expect(writer.bytes.count <= ProtocolLimits.line)
    }
    // A client takes them for one answer.
    var outbox = Outbox(wantsReceipts: true)
    outbox.submit(OutgoingMessage(id: MessageID(high: 0, low: 1), to: ["@all"], text: ""))
    #expect(outbox.takeUnwritten().map(\.ref) == [1])
    let results = sent.map { part in
      var part = part
      part.ref = 1
      return outbox.received(.sent(part)).count
    }
    #expect(results == [0, 0, 1])
    #expect(outbox.missing.count == count)
  }

  @Test("who doesn't ask is told nothing")
  func notAsked() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, holds: true)
    hub.post(alice, 1, to: "bob")
    #expect(awaiting(hub.take(alice)) == [nil])
    hub.say(bob, .ack(seq: 9))
    hub.advance(200)
    #expect(hub.take(alice) == [])
  }

  @Test("a retry names only those who are still missing, and waits on")
  func retry() {
    let hub = HubHarness()
    let ids = ["alice", "bob", "carol"].enumerated().map { hub.connect($1, key: UInt8($0 + 1)) }
    for id in ids[1...] { hub.listen(id, holds: true) }
    hub.post(ids[0], 1, to: "@all", wantsReceipts: true)
    #expect(awaiting(hub.take(ids[0])) == [["bob", "carol"]])
    hub.disconnect(ids[0])
    hub.say(ids[1], .ack(seq: hub.hub.applied))
    hub.advance(200)
    let again = hub.connect("alice", key: 1)
    hub.post(again, 1, to: "@all", wantsReceipts: true)
    #expect(awaiting(hub.take(again)) == [["carol"]])
    hub.say(ids[2], .ack(seq: hub.hub.applied))
    hub.advance(200)
    #expect(receipts(hub.take(again)) == ["carol"])
    hub.post(again, 1, to: "@all", wantsReceipts: true)
    #expect(awaiting(hub.take(again)) == [[]])
  }

  @Test("who sends to nobody else waits for the own reader; in a group the own one doesn't count")
  func oneself() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    let reader = hub.connect("alice", key: 1)
    hub.listen(reader, holds: true)
    hub.post(alice, 1, to: "alice", wantsReceipts: true)
    #expect(awaiting(hub.take(alice)) == [["alice"]])
    hub.say(reader, .ack(seq: hub.hub.applied))
    hub.advance(200)
    #expect(receipts(hub.take(alice)) == ["alice"])
    _ = hub.connect("bob", key: 2)
    hub.post(alice, 2, to: "@all", wantsReceipts: true)
    #expect(awaiting(hub.take(alice)) == [["bob"]])
  }

  @Test("a group is awaited as it was when the message came, and guests who aren't here are not")
  func members() {
    let hub = HubHarness { $0.plaintext = .loopback }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    let (gone, here) = (hub.connect("gone", key: nil), hub.connect("here", key: nil))
    hub.listen(here, after: .now)
    hub.disconnect(gone)
    for id in [alice, bob] { hub.say(id, .join(ref: nil, group: "@ops")) }
    hub.post(alice, 1, to: "@ops", "@all")
    hub.say(bob, .leave(ref: nil, group: "@ops"))
    _ = hub.connect("carol", key: 3)
    _ = hub.take(alice)
    hub.post(alice, 1, to: "@ops", "@all", wantsReceipts: true)
    #expect(awaiting(hub.take(alice)) == [["bob"], ["bob", "here"]])
  }

  @Test("any of a user's named readers will do")
  func anyCursor() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, cursor: "backup", holds: true)
    hub.post(alice, 1, to: "bob", wantsReceipts: true)
    _ = hub.take(alice)
    hub.say(bob, .ack(seq: hub.hub.applied))
    hub.advance(200)
    #expect(receipts(hub.take(alice)) == ["bob"])
  }
}
