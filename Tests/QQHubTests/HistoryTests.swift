import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct HistoryTests {
  /// alice, bob and carol; alice and bob are in @ops, where carol joins after text 5.
  private func started() -> (hub: HubHarness, alice: SessionID, bob: SessionID, carol: SessionID) {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1, "192.168.1.5"), hub.connect("bob", key: 2))
    for id in [alice, bob] { hub.say(id, .join(ref: nil, group: "@ops")) }
    hub.post(alice, 1, to: "@all")
    hub.post(alice, 2, to: "bob")
    let carol = hub.connect("carol", key: 3)
    hub.advance(1_000)
    hub.post(bob, 3, to: "alice")
    hub.post(bob, 4, to: "carol")
    hub.post(bob, 5, to: "@ops")
    hub.say(carol, .join(ref: nil, group: "@ops"))
    hub.post(alice, 6, to: "@ops", "carol")
    hub.post(carol, 7, to: "192.168.1.5", lastSeen: true)
    hub.post(carol, 8, to: "carol")
    hub.post(bob, 9, to: "@all")
    for id in [alice, bob, carol] { _ = hub.take(id) }
    return (hub, alice, bob, carol)
  }

  private func numbers(_ hub: HubHarness, _ id: SessionID, _ request: ClientFrame.HistoryRequest) -> [String] {
    hub.say(id, .history(request))
    let frames = hub.take(id)
    #expect(frames.count { if case .ok = $0 { true } else { false } } == 1)
    return frames.texts.map { $0.replacing("text ", with: "") }
  }

  @Test("a user reads what was to the user, to all and to its groups while in them, and what it said")
  func access() {
    let (hub, alice, bob, carol) = started()
    #expect(numbers(hub, alice, .init(ref: 1)) == ["1", "2", "3", "5", "6", "9"])
    #expect(numbers(hub, bob, .init(ref: 1)) == ["1", "2", "3", "4", "5", "6", "9"])
    #expect(numbers(hub, carol, .init(ref: 1)) == ["4", "6", "8", "9"])
    // Since nobody listens at alice's address, 7 reached nobody.
    hub.listen(alice, after: .now)
    hub.post(carol, 10, to: "192.168.1.5")
    _ = hub.take(carol)
    #expect(numbers(hub, carol, .init(ref: 1)) == ["4", "6", "8", "9", "10"])
  }

  @Test("a guest reads nothing of what was said before it came, also where another guest had its name")
  func guest() {
    let hub = HubHarness { $0.plaintext = .loopback }
    let (alice, visitor) = (hub.connect("alice", key: 1), hub.connect("visitor", key: nil))
    hub.post(alice, 1, to: "visitor")
    hub.post(alice, 2, to: "@all")
    hub.post(visitor, 3, to: "alice")
    hub.disconnect(visitor)
    let next = hub.connect("visitor", key: nil)
    #expect(numbers(hub, next, .init(ref: 1)) == [])
    #expect(numbers(hub, next, .init(ref: 1, target: "@all")) == [])
    hub.listen(next, after: .seq(0))
    #expect(hub.texts(next) == [])
    hub.say(next, .history(.init(ref: 2, target: "alice")))
    #expect(hub.errors(next).map(\.code) == ["guest"])
  }

  @Test("one conversation is what passed between two, or in a group")
  func conversations() {
    let (hub, alice, bob, carol) = started()
    #expect(numbers(hub, alice, .init(ref: 1, target: "bob")) == ["2", "3"])
    #expect(numbers(hub, bob, .init(ref: 1, target: "ALICE")) == ["2", "3"])
    #expect(numbers(hub, bob, .init(ref: 1, target: "192.168.1.5")) == ["2", "3"])
    #expect(numbers(hub, alice, .init(ref: 1, target: "carol")) == ["6"])
    #expect(numbers(hub, carol, .init(ref: 1, target: "alice")) == ["6"])
    #expect(numbers(hub, carol, .init(ref: 1, target: "carol")) == ["8"])
    #expect(numbers(hub, alice, .init(ref: 1, target: "@ops")) == ["5", "6"])
    #expect(numbers(hub, carol, .init(ref: 1, target: "@OPS")) == ["6"])
    #expect(numbers(hub, alice, .init(ref: 1, target: "@all")) == ["1", "9"])
    #expect(numbers(hub, carol, .init(ref: 1, target: "@all")) == ["9"])
    hub.say(carol, .leave(ref: nil, group: "@ops"))
    hub.post(alice, 11, to: "@ops")
    _ = hub.take(carol)
    #expect(numbers(hub, carol, .init(ref: 1, target: "@ops")) == ["6"])
  }

  @Test("what can't be read is refused as what can't be sent to is")
  func refused() {
    let (hub, alice, bob, _) = started()
    let dave = hub.connect("dave", key: 4)
    hub.say(dave, .history(.init(ref: 1, target: "@ops")), .history(.init(ref: 2, target: "@nothing")))
    hub.say(dave, .history(.init(ref: 3, target: "alicf")), .history(.init(ref: 4, target: "10.9.9.9")))
    #expect(
      hub.errors(dave) == [
        .init(ref: 1, .notMember, "you are not in @ops (qq join @ops lets you in)", to: "@ops"),
        .init(ref: 2, .unknownTarget, "no group called @nothing (qq join @nothing makes it)", to: "@nothing"),
        .init(ref: 3, .unknownTarget, #"nobody called "alicf" (did you mean "alice"?)"#, to: "alicf"),
        .init(ref: 4, .unknownTarget, "nobody is online at 10.9.9.9", to: "10.9.9.9"),
      ])
    #expect(numbers(hub, dave, .init(ref: 5, target: "alice")) == [])
    _ = (alice, bob)
    #expect(hub.violations == [])
  }

  @Test("without a place it is the newest, oldest first; with one it goes from there; more says that there are")
  func pages() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    for number in 1...10 {
      hub.advance(1_000)
      hub.post(alice, UInt64(number), to: "@all")
    }
    _ = hub.take(alice)
    // Text n has the seq n + 1.
    let table: [(ClientFrame.HistoryRequest, [String], Bool)] = [
      (.init(ref: 1), (1...10).map(String.init), false), (.init(ref: 1, limit: 3), ["8", "9", "10"], true),
      (.init(ref: 1, before: 9, limit: 3), ["5", "6", "7"], true), (.init(ref: 1, before: 3, limit: 3), ["1"], false),
      (.init(ref: 1, after: 0, limit: 3), ["1", "2", "3"], true),
      (.init(ref: 1, after: 4, limit: 3), ["4", "5", "6"], true),
      (.init(ref: 1, after: 9, limit: 3), ["9", "10"], false), (.init(ref: 1, after: 4, before: 7), ["4", "5"], false),
      (.init(ref: 1, after: 9, before: 9), [], false), (.init(ref: 1, before: 0), [], false),
      (.init(ref: 1, before: -5), [], false), (.init(ref: 1, after: -5, limit: 1), ["1"], true),
      (.init(ref: 1, after: 1 << 53 - 1), [], false), (.init(ref: 1, before: 1 << 53 - 1, limit: 1), ["10"], true),
      (.init(ref: 1, since: hub.now - 2_000), ["8", "9", "10"], false),
      (.init(ref: 1, since: hub.now - 5_000, limit: 2), ["5", "6"], true),
      (.init(ref: 1, before: 10, since: hub.now - 5_000, limit: 2), ["7", "8"], true),
      (.init(ref: 1, after: 8, since: hub.now - 5_000, limit: 2), ["8", "9"], true),
      (.init(ref: 1, since: hub.now + 1), [], false),
    ]
    for (request, texts, more) in table {
      hub.say(alice, .history(request))
      let frames = hub.take(alice)
      #expect(frames.texts == texts.map { "text \($0)" }, "\(request)")
      #expect(frames.last == .ok(.init(ref: 1, more: more)), "\(request)")
    }
  }

  @Test("a page of long texts is cut where it would be too long, at the end that is asked for")
  func longTexts() {
    let hub = HubHarness { $0.catchUpBytes = 10_000 }
    let alice = hub.connect("alice", key: 1)
    let long = String(repeating: "x", count: 3_000)
    for number in 1...9 { hub.post(alice, UInt64(number), to: "@all", text: "\(number)\(long)") }
    hub.post(alice, 10, to: "@all", text: String(repeating: "y", count: 60_000))
    _ = hub.take(alice)
    func page(_ request: ClientFrame.HistoryRequest) -> [Seq] {
      hub.say(alice, .history(request))
      let frames = hub.take(alice)
      #expect(frames.last == .ok(.init(ref: nil, more: true)))
      return frames.seqs
    }
    #expect(page(.init(ref: nil, after: 0)) == [2, 3, 4])
    #expect(page(.init(ref: nil)) == [11])
    #expect(page(.init(ref: nil, before: 11)) == [8, 9, 10])
  }

  @Test("history is asked for by who listens too, and by who leaves before the answer")
  func meanwhile() {
    let (hub, alice, bob, _) = started()
    hub.listen(alice, after: .now)
    #expect(numbers(hub, alice, .init(ref: 1, target: "@ops")) == ["5", "6"])
    hub.holdsReads = true
    hub.say(bob, .history(.init(ref: 1)), .history(.init(ref: 2, since: hub.now)))
    hub.disconnect(bob)
    hub.answer()
    hub.answer()
    hub.holdsReads = false
    hub.post(alice, 12, to: "@all")
    #expect(hub.violations == [])
  }
}
