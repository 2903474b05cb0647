import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct GroupTests {
  @Test("the first to join makes a group, every join says from which seq it holds")
  func join() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.say(alice, .join(ref: 1, group: "@Ops"))
    #expect(hub.take(alice) == [.ok(.init(ref: 1, seq: 3))])
    hub.say(bob, .join(ref: 2, group: "ops"))
    #expect(hub.take(bob) == [.ok(.init(ref: 2, seq: 4))])
    hub.say(bob, .who(.init(ref: 3, all: true)))
    let groups = hub.take(bob).compactMap { if case .user(let user) = $0 { user.groups } else { nil } }
    #expect(groups == [["@all", "@Ops"], ["@all", "@Ops"]])
  }

  @Test("who isn't in a group can't send to it, and is told how")
  func notMember() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.say(alice, .join(ref: nil, group: "@ops"))
    hub.post(bob, 1, to: "@ops", ref: 5)
    #expect(
      hub.errors(bob) == [
        .init(
          ref: 5, .notMember, "you are not in @ops (qq join @ops lets you in)", to: "@ops",
          id: MessageID(high: 0, low: 1))
      ])
    hub.post(bob, 2, to: "@opps")
    #expect(hub.errors(bob).map(\.message) == ["no group called @opps (did you mean @ops?)"])
    hub.post(bob, 3, to: "@something")
    #expect(hub.errors(bob).map(\.message) == ["no group called @something (qq join @something makes it)"])
    hub.say(bob, .join(ref: nil, group: "@ops"), .leave(ref: 1, group: "@OPS"), .leave(ref: 2, group: "@ops"))
    #expect(
      hub.take(bob) == [
        .ok(.init(ref: nil, seq: 4)), .ok(.init(ref: 1, seq: 5)),
        .error(.init(ref: 2, .notMember, "you are not in @ops", to: "@ops")),
      ])
    hub.post(bob, 3, to: "@ops")
    #expect(hub.errors(bob).map(\.code) == ["not_member"])
  }

  @Test("a member reads what was sent from joining to leaving, live and from the store", arguments: [true, false])
  func stays(_ isLive: Bool) {
    let hub = HubHarness { $0.tailCapacity = isLive ? 1 << 20 : 1 }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.say(alice, .join(ref: nil, group: "@ops"))
    var texts: [String] = []
    if isLive { hub.listen(bob) }
    func post(_ number: UInt64) {
      hub.post(alice, number, to: "@ops")
      if isLive { texts += hub.texts(bob) }
    }
    post(1)
    hub.say(bob, .join(ref: nil, group: "@ops"))
    post(2)
    post(3)
    hub.say(bob, .leave(ref: nil, group: "@ops"))
    post(4)
    hub.say(bob, .join(ref: nil, group: "@ops"))
    post(5)
    hub.post(alice, 6, to: "@all")
    hub.post(alice, 7, to: "@all")
    texts += isLive ? hub.texts(bob) : hub.listen(bob).texts
    #expect(texts == ["text 2", "text 3", "text 5", "text 6", "text 7"])
    #expect(hub.violations == [])
  }

  @Test("membership lasts, and so do its limits")
  func lasts() {
    let hub = HubHarness { $0.joins = RateLimit(burst: 2_000, hourly: 1) }
    let alice = hub.connect("alice", key: 1)
    hub.say(alice, .join(ref: nil, group: "@ops"), .join(ref: nil, group: "@dev"), .leave(ref: nil, group: "@dev"))
    hub.restart()
    let again = hub.connect("alice", key: 1)
    hub.post(again, 1, to: "@ops", "@dev")
    #expect(hub.take(again).map(\.isError) == [true, false])
    let bob = hub.connect("bob", key: 2)
    for number in 0..<1_001 { hub.say(bob, .join(ref: nil, group: "@g\(number)")) }
    #expect(hub.errors(bob).map(\.code) == ["bad_target"])
    // Who is in already isn't one more.
    hub.say(bob, .join(ref: 1, group: "@g7"))
    #expect(hub.errors(bob) == [])
  }

  @Test("of who comes and goes for ever only the newest stays are kept, here and in the store")
  func manyStays() {
    let hub = HubHarness { $0.joins = RateLimit(burst: 2_000, hourly: 1) }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.say(alice, .join(ref: nil, group: "@ops"))
    hub.post(alice, 1, to: "@ops")
    for _ in 0..<1_010 { hub.say(bob, .join(ref: nil, group: "@ops"), .leave(ref: nil, group: "@ops")) }
    hub.say(bob, .join(ref: nil, group: "@ops"))
    let stays = hub.journal.load().memberships.filter { $0.user == UserID(2) }
    #expect(stays.count == 1_001)
    #expect(stays.first?.joined == 25)
    #expect(stays.last?.left == nil)
  }

  @Test("@all and what is no name can't be joined, and a guest joins nothing")
  func refused() {
    let hub = HubHarness { $0.plaintext = .loopback }
    let alice = hub.connect("alice", key: 1)
    for name in ["@all", "all", "@ALL", "@", "", "@a b", "@10.0.0.1"] {
      hub.say(alice, .join(ref: 1, group: name), .leave(ref: 2, group: name))
      #expect(hub.errors(alice).map(\.code) == ["bad_target", "bad_target"], "\(name)")
    }
    let guest = hub.connect("visitor", key: nil)
    hub.say(guest, .join(ref: 3, group: "@ops"))
    #expect(hub.errors(guest).map(\.code) == ["guest"])
    hub.say(guest, .leave(ref: 4, group: "@ops"))
    #expect(hub.errors(guest).map(\.code) == ["not_member"])
  }

  @Test("@all is everybody in any case of its letters")
  func all() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    hub.post(alice, 1, to: "@ALL")
    hub.post(alice, 2, to: "@all", "bob", "@All")
    #expect(hub.texts(bob) == ["text 1", "text 2"])
    #expect(hub.errors(alice) == [])
    hub.say(alice, .history(.init(ref: 1, target: "@ALL")))
    #expect(hub.texts(alice) == ["text 1", "text 2"])
  }

  @Test("a group that is named twice is one conversation")
  func namedTwice() {
    let hub = HubHarness { $0.tailCapacity = 1 }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.say(alice, .join(ref: nil, group: "@ops"))
    hub.say(bob, .join(ref: nil, group: "@ops"))
    hub.post(alice, 1, to: "@ops", "@OPS", "@ops", "@all", "@All")
    hub.post(alice, 2, to: "@ops")
    hub.post(alice, 3, to: "@ops")
    #expect(hub.listen(bob).texts == ["text 1", "text 2", "text 3"])
    hub.say(alice, .history(.init(ref: 1, target: "@ops")))
    #expect(hub.texts(alice) == ["text 1", "text 2", "text 3"])
  }
}

extension HubFrame {
  fileprivate var isError: Bool { if case .error = self { true } else { false } }
}
