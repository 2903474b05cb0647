import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct ListenTests {
  /// A hub where alice has sent bob three messages, a second apart.
  private func started(
    _ configure: (inout HubConfiguration) -> Void = { _ in }
  ) -> (hub: HubHarness, alice: SessionID, bob: SessionID, seqs: [Seq]) {
    let hub = HubHarness(configure)
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    var seqs: [Seq] = []
    for number in 1...3 {
      hub.advance(1_000)
      hub.post(alice, UInt64(number), to: "bob")
      seqs.append(hub.hub.applied)
    }
    _ = hub.take(alice)
    return (hub, alice, bob, seqs)
  }

  @Test("a reader starts after what it says: a seq, its cursor, now or a time", arguments: [1 << 20, 1])
  func starts(_ tailCapacity: Int) {
    let (hub, alice, _, seqs) = started { $0.tailCapacity = tailCapacity }
    func texts(_ start: ClientFrame.Start) -> [String] {
      let id = hub.connect("bob", key: 2)
      let texts = hub.listen(id, after: start).texts
      hub.disconnect(id)
      return texts
    }
    #expect(texts(.unread) == ["text 1", "text 2", "text 3"])
    #expect(texts(.now) == [])
    #expect(texts(.seq(0)) == ["text 1", "text 2", "text 3"])
    #expect(texts(.seq(seqs[0])) == ["text 2", "text 3"])
    #expect(texts(.seq(seqs[1] - 1)) == ["text 2", "text 3"])
    #expect(texts(.seq(seqs[2])) == [])
    #expect(texts(.seq(1 << 53 - 1)) == [])
    #expect(texts(.time(hub.now - 1_000)) == ["text 2", "text 3"])
    #expect(texts(.time(hub.now)) == ["text 3"])
    #expect(texts(.time(hub.now + 1)) == [])
    #expect(texts(.time(Timestamp(milliseconds: 0))) == ["text 1", "text 2", "text 3"])
    _ = alice
    #expect(hub.violations == [])
  }

  @Test("who asks for it is told once, behind what there was to catch up with", arguments: [1 << 20, 1])
  func live(_ tailCapacity: Int) {
    let (hub, alice, bob, seqs) = started { $0.tailCapacity = tailCapacity }
    hub.say(bob, .listen(.init(ref: 5, after: .seq(0), tellsLive: true)))
    let frames = hub.take(bob)
    #expect(frames.first == .ok(.init(ref: 5, seq: 0)))
    #expect(frames.dropFirst().dropLast().compactMap(\.seq) == seqs)
    #expect(frames.last == .ok(.init(ref: 5, isLive: true)))
    hub.post(alice, 9, to: "bob")
    #expect(hub.take(bob).count == 1)
    let other = hub.connect("bob", key: 2)
    hub.say(other, .listen(.init(ref: 6, after: .now, tellsLive: true)))
    #expect(hub.take(other) == [.ok(.init(ref: 6, seq: hub.hub.applied)), .ok(.init(ref: 6, isLive: true))])
    #expect(hub.violations == [])
  }

  @Test("the answer says after which seq events come, before any comes")
  func answer() {
    let (hub, _, bob, seqs) = started()
    hub.say(bob, .listen(.init(ref: 5, after: .seq(seqs[1]))))
    let frames = hub.take(bob)
    #expect(frames.first == .ok(.init(ref: 5, seq: seqs[1])))
    #expect(frames.count == 2)
    let other = hub.connect("bob", key: 2)
    hub.say(other, .listen(.init(ref: 6, after: .time(hub.now))))
    #expect(hub.take(other).first == .ok(.init(ref: 6, seq: seqs[2] - 1)))
    hub.say(other, .listen(.init(ref: 7, after: .now)))
    #expect(hub.errors(other) == [.init(ref: 7, .badField, "this session listens already")])
  }

  @Test("what comes while the store looks for a time is neither lost nor doubled")
  func locating() {
    let (hub, alice, bob, _) = started()
    hub.holdsReads = true
    #expect(hub.listen(bob, after: .time(hub.now)) == [])
    hub.post(alice, 4, to: "bob")
    #expect(hub.take(bob) == [])
    hub.answer()
    #expect(hub.texts(bob) == ["text 3", "text 4"])
    hub.post(alice, 5, to: "bob")
    #expect(hub.texts(bob) == ["text 5"])
    #expect(hub.violations == [])
  }

  @Test("a new user's unread begin with the user, a guest has none", arguments: [1 << 20, 1])
  func beginnings(_ tailCapacity: Int) {
    let hub = HubHarness { configuration in
      configuration.plaintext = .loopback
      configuration.tailCapacity = tailCapacity
    }
    let alice = hub.connect("alice", key: 1)
    hub.post(alice, 1, to: "@all")
    hub.post(alice, 2, to: "@all")
    let (carol, guest) = (hub.connect("carol", key: 3), hub.connect("visitor", key: nil))
    hub.post(alice, 3, to: "@all", "visitor")
    hub.post(alice, 4, to: "@all")
    #expect(hub.listen(carol, after: .seq(0)).texts == ["text 3", "text 4"])
    #expect(hub.listen(hub.connect("carol", key: 3)).texts == ["text 3", "text 4"])
    #expect(
      hub.listen(hub.connect("carol", key: 3), after: .time(.init(milliseconds: 0))).texts == ["text 3", "text 4"])
    #expect(hub.listen(guest).texts == [])
    hub.post(alice, 5, to: "@all")
    #expect(hub.texts(guest) == ["text 5"])
  }

  @Test("the session that sent a message doesn't get it, the sender's others do", arguments: [1 << 20, 1])
  func ownSessions(_ tailCapacity: Int) {
    let hub = HubHarness { $0.tailCapacity = tailCapacity }
    let (one, two) = (hub.connect("alice", key: 1), hub.connect("alice", key: 1))
    let bob = hub.connect("bob", key: 2)
    for id in [one, two, bob] { hub.listen(id) }
    hub.post(one, 1, to: "@all")
    hub.post(one, 2, to: "alice")
    hub.post(two, 3, to: "alice", "bob")
    hub.post(one, 4, to: "bob")
    #expect(hub.texts(one) == ["text 3"])
    #expect(hub.texts(two) == ["text 1", "text 2"])
    #expect(hub.texts(bob) == ["text 1", "text 3", "text 4"])
    #expect(hub.violations == [])
  }

  @Test("a session doesn't get its own messages when it catches up either", arguments: [1 << 20, 1])
  func ownWhileBehind(_ tailCapacity: Int) {
    let hub = HubHarness { $0.tailCapacity = tailCapacity }
    let (one, two) = (hub.connect("alice", key: 1), hub.connect("alice", key: 1))
    // Before it listens.
    hub.post(one, 1, to: "@all")
    hub.post(two, 2, to: "@all")
    hub.post(one, 3, to: "alice")
    hub.post(two, 4, to: "@all")
    #expect(hub.listen(one).texts == ["text 2", "text 4"])
    // While its channel is full.
    hub.setWritable(one, false)
    hub.post(two, 5, to: "@all")
    hub.post(one, 6, to: "@all")
    hub.post(two, 7, to: "@all")
    hub.post(two, 8, to: "@all")
    #expect(hub.texts(one) == [])
    hub.setWritable(one, true)
    #expect(hub.texts(one) == ["text 5", "text 7", "text 8"])
    #expect(hub.listen(two).texts == ["text 1", "text 3", "text 6"])
    #expect(hub.violations == [])
  }

  @Test("a user's sessions each get what is the user's, nobody else does")
  func audience() {
    let hub = HubHarness()
    let (alice, carol) = (hub.connect("alice", key: 1), hub.connect("carol", key: 3))
    let bobs = (0..<2).map { _ in hub.connect("bob", key: 2) }
    for id in bobs + [carol] { hub.listen(id) }
    hub.post(alice, 1, to: "bob")
    hub.post(alice, 2, to: "carol", "bob")
    for id in bobs { #expect(hub.texts(id) == ["text 1", "text 2"]) }
    #expect(hub.texts(carol) == ["text 2"])
    hub.disconnect(bobs[0])
    hub.post(alice, 3, to: "bob")
    #expect(hub.texts(bobs[1]) == ["text 3"])
    #expect(hub.violations == [])
  }
}
