import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct SessionTests {
  @Test("hello comes first, and once")
  func order() {
    let hub = HubHarness()
    let rude = hub.open("127.0.0.1", key: 1)
    hub.say(rude, .ping(ref: 1), .hello(.init(nick: "alice")), .ping(ref: 2))
    #expect(hub.take(rude) == [.error(.init(.helloExpected, "say hello first"))])
    #expect(hub.isClosed(rude))
    let alice = hub.connect("alice", key: 1)
    hub.say(alice, .hello(.init(nick: "other")), .ping(ref: 3))
    #expect(
      hub.take(alice) == [.error(.init(.badField, "this session has said hello already")), .pong(ref: 3)])
    #expect(hub.violations == [])
  }

  @Test("what follows hello at once is answered after the welcome, for a new user as for a known one")
  func pipelined() {
    let hub = HubHarness { $0.plaintext = .loopback }
    for name in ["visitor", "visitor", "other"] {
      let id = hub.open("127.0.0.1", key: nil)
      hub.receive(
        .frames(
          id,
          [
            .hello(.init(nick: name)), .send(.init(ref: 1, id: .init(high: 1, low: id), to: ["@all"], text: "hi")),
            .ping(ref: 2),
          ]))
      hub.receive(.finished(id))
      let frames = hub.take(id)
      #expect(frames.count == 3)
      if case .welcome(let welcome)? = frames.first { #expect(welcome.nick == name) } else { Issue.record("\(frames)") }
      #expect(frames.contains(.pong(ref: 2)))
      #expect(frames.contains(.sent(.init(ref: 1, id: .init(high: 1, low: id), seq: hub.hub.applied, to: "@all"))))
      #expect(hub.isClosed(id))
    }
    #expect(hub.violations == [])
  }

  @Test("frames that come while a user is admitted wait in their order")
  func waiting() {
    let hub = HubHarness()
    hub.holdsCommits = true
    let (alice, bob) = (hub.open("127.0.0.1", key: 1), hub.open("127.0.0.1", key: 2))
    hub.say(alice, .hello(.init(nick: "alice", isExplicit: true)), .join(ref: 1, group: "@ops"))
    hub.say(bob, .hello(.init(nick: "alice", isExplicit: true)), .ping(ref: 9))
    hub.say(alice, .ping(ref: 2))
    hub.say(alice, .listen(.init(ref: 3, after: .now)))
    #expect(hub.take(alice) == [])
    hub.commit()
    #expect(hub.take(alice).dropFirst() == [.pong(ref: 2), .ok(.init(ref: 3, seq: 2))])
    #expect(hub.errors(bob).map(\.code) == ["nick_taken"])
    #expect(hub.isClosed(bob))
    hub.commit()
    #expect(hub.take(alice) == [.ok(.init(ref: 1, seq: 3))])
    let eager = hub.open("127.0.0.1", key: 3)
    hub.say(eager, .hello(.init(nick: "eager")))
    for ref in 0..<Int64(100) { hub.say(eager, .ping(ref: ref)) }
    #expect(hub.take(eager) == [])
    hub.commit()
    #expect(hub.take(eager).dropFirst() == (0..<100).map { .pong(ref: $0) }[...])
    #expect(hub.violations == [])
  }

  @Test("a line that was refused is told; one that can't be trusted ends the session, once")
  func faults() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    hub.receive(.fault(alice, FrameFault(.badField, "no", ref: 4), isFatal: false))
    #expect(hub.take(alice) == [.error(.init(ref: 4, .badField, "no"))])
    #expect(!hub.isClosed(alice))
    hub.holdsCommits = true
    hub.post(alice, 1, to: "@all")
    hub.receive(.fault(alice, FrameFault(.malformed, "bad"), isFatal: true))
    #expect(hub.take(alice) == [.error(.init(.malformed, "bad"))])
    #expect(hub.isClosed(alice))
    hub.receive(.fault(alice, FrameFault(.malformed, "bad"), isFatal: true))
    hub.say(alice, .ping(ref: 1))
    // Stored all the same.
    hub.commit()
    #expect(hub.take(alice) == [])
    let bob = hub.connect("bob", key: 2)
    _ = bob
    #expect(hub.committed.count == 2)
    #expect(hub.violations == ["bob was not welcomed"])
  }

  @Test("a session that was told to end says no more and isn't ended twice")
  func closing() {
    var configuration = HubConfiguration(name: "hub", instance: 1)
    configuration.plaintext = .loopback
    var hub = Hub(configuration, Snapshot(epoch: "e"))
    let now = Timestamp(milliseconds: 1)
    func effects(_ event: HubEvent) -> [Effect] { hub.receive(event, now: now) }
    guard let address = IPAddress("127.0.0.1") else { return }
    _ = effects(.opened(1, Peer(address: address, key: nil)))
    let first = effects(.frames(1, [.ping(ref: nil), .ping(ref: nil)]))
    #expect(first.count { $0 == .close(1) } == 1)
    #expect(effects(.fault(1, FrameFault(.malformed, ""), isFatal: true)) == [])
    #expect(effects(.frames(1, [.hello(.init(nick: "a"))])) == [])
    #expect(effects(.finished(1)) == [])
    #expect(effects(.closed(1)) == [])
    #expect(hub.sessionCount == 0)
    #expect(effects(.closed(1)) == [])
    #expect(effects(.writable(1)) == [])
    #expect(effects(.stalled(1, after: 0)) == [])
    #expect(effects(.frames(1, [.ping(ref: nil)])) == [])
    #expect(effects(.tick(Timestamp(milliseconds: 0))) == [])
  }

  @Test("a peer that has said its last is answered everything, then closed")
  func finished() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    hub.holdsCommits = true
    hub.holdsReads = true
    hub.post(alice, 1, to: "@all", ref: 1)
    hub.say(alice, .history(.init(ref: 2)))
    hub.receive(.finished(alice))
    #expect(!hub.isClosed(alice))
    hub.commit()
    #expect(hub.take(alice).count == 1)
    #expect(!hub.isClosed(alice))
    hub.answer()
    #expect(hub.take(alice) == [.ok(.init(ref: 2))])
    #expect(hub.isClosed(alice))
    #expect(hub.violations == [])
  }

  @Test("records that the journal has and hasn't committed are counted, so that senders can be slowed")
  func congestion() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    #expect(hub.hub.uncommitted == 0)
    hub.holdsCommits = true
    for number in 1...10 { hub.post(alice, UInt64(number), to: "@all") }
    hub.say(alice, .join(ref: nil, group: "@ops"))
    #expect(hub.hub.uncommitted == 11)
    hub.disconnect(alice)
    hub.commit(4)
    #expect(hub.hub.uncommitted == 7)
    hub.commit()
    #expect(hub.hub.uncommitted == 0)
    // What another process proposed isn't this one's.
    hub.restart()
    #expect(hub.hub.uncommitted == 0)
  }

  @Test("the welcome of a new user names the newest seq, and time never goes back")
  func welcome() {
    let hub = HubHarness()
    let alice = hub.open("192.168.1.5", key: 1)
    hub.say(alice, .hello(.init(nick: "alice")))
    #expect(
      hub.take(alice) == [
        .welcome(.init(version: 1, hub: "hub", epoch: "epoch", nick: "alice", address: "192.168.1.5", seq: 1))
      ])
    var copy = hub.hub
    let post = ClientFrame.send(.init(ref: nil, id: .init(high: 0, low: 1), to: ["@all"], text: ""))
    for effect in copy.receive(.frames(alice, [post]), now: Timestamp(milliseconds: 5)) {
      if case .append(let records) = effect { #expect(records.map(\.time) == [hub.now]) }
    }
  }
}
