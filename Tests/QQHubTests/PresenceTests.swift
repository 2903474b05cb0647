import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct PresenceTests {
  private func presence(_ frames: [HubFrame]) -> [String] {
    frames.compactMap {
      if case .presence(let presence) = $0 { "\(presence.nick) \(presence.online ? "on" : "off")" } else { nil }
    }
  }

  private func users(_ frames: [HubFrame]) -> [HubFrame.User] {
    frames.compactMap { if case .user(let user) = $0 { user } else { nil } }
  }

  @Test("only a session that listens makes its user online, the first and the last of them are news")
  func news() {
    let hub = HubHarness()
    let watcher = hub.connect("watcher", key: 9)
    hub.say(watcher, .who(.init(ref: 1, watch: true)))
    #expect(hub.take(watcher) == [.ok(.init(ref: 1))])
    let passing = hub.connect("bob", key: 2)
    hub.post(passing, 1, to: "@all")
    #expect(hub.take(watcher) == [])
    let bobs = (0..<2).map { _ in hub.connect("bob", key: 2, "192.168.1.5") }
    hub.advance(7)
    hub.listen(bobs[0])
    #expect(
      hub.take(watcher) == [.presence(.init(time: hub.now, nick: "bob", address: "192.168.1.5", online: true))])
    hub.listen(bobs[1])
    hub.disconnect(passing)
    hub.disconnect(bobs[0])
    #expect(hub.take(watcher) == [])
    hub.disconnect(bobs[1])
    #expect(
      hub.take(watcher) == [.presence(.init(time: hub.now, nick: "bob", address: "192.168.1.5", online: false))])
    #expect(hub.violations == [])
  }

  @Test("who watches twice is told once, and nothing after leaving")
  func watchers() {
    let hub = HubHarness()
    let watchers = (0..<3).map { hub.connect("w\($0)", key: UInt8($0 + 10)) }
    for id in watchers { hub.say(id, .who(.init(ref: nil, watch: true)), .who(.init(ref: nil, watch: true))) }
    hub.disconnect(watchers[2])
    for id in watchers { _ = hub.take(id) }
    hub.listen(hub.connect("bob", key: 2))
    for id in watchers[..<2] { #expect(presence(hub.take(id)) == ["bob on"]) }
    #expect(hub.violations == [])
  }

  @Test("a reader that is told to end is gone for the others")
  func failed() {
    let hub = HubHarness { $0.plaintext = .loopback }
    let watcher = hub.connect("watcher", key: 9)
    hub.say(watcher, .who(.init(ref: nil, watch: true)))
    _ = hub.take(watcher)
    let guest = hub.connect("visitor", key: nil)
    hub.listen(guest, after: .now)
    _ = hub.connect("visitor", key: 2)
    #expect(presence(hub.take(watcher)) == ["visitor on", "visitor off"])
    let bob = hub.connect("bob", key: 3)
    hub.listen(bob)
    hub.receive(.fault(bob, FrameFault(.malformed, ""), isFatal: true))
    #expect(presence(hub.take(watcher)) == ["bob on", "bob off"])
  }

  @Test("who lists the users online, and with all everybody, by nick")
  func who() {
    let hub = HubHarness { $0.plaintext = .loopback }
    let carol = hub.connect("carol", key: 3, "192.168.1.7")
    hub.say(carol, .join(ref: nil, group: "@ops"), .join(ref: nil, group: "@Dev"), .join(ref: nil, group: "@x"))
    hub.say(carol, .leave(ref: nil, group: "@x"))
    let (alice, _) = (hub.connect("alice", key: 1, "192.168.1.5"), hub.connect("bob", key: 2, "192.168.1.6"))
    hub.advance(1_000)
    let since = hub.now
    hub.listen(carol)
    hub.listen(hub.connect("carol", key: 3, "192.168.1.8"))
    hub.advance(1_000)
    let guest = hub.connect("visitor", key: nil)
    hub.listen(guest, after: .now)
    hub.say(alice, .who(.init(ref: 4)))
    let fingerprint = "SHA256:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"
    let online = HubFrame.user(
      .init(
        ref: 4, nick: "carol", address: "192.168.1.7", online: true, since: since, groups: ["@all", "@Dev", "@ops"],
        key: fingerprint))
    let visitor = HubFrame.user(
      .init(ref: 4, nick: "visitor", address: "127.0.0.1", online: true, since: hub.now, groups: ["@all"], key: nil))
    #expect(hub.take(alice) == [online, visitor, .ok(.init(ref: 4))])
    hub.disconnect(carol)
    hub.say(alice, .who(.init(ref: 5, all: true)))
    let all = users(hub.take(alice))
    #expect(all.map(\.nick) == ["alice", "bob", "carol", "visitor"])
    #expect(all.map(\.online) == [false, false, true, true])
    #expect(all.map(\.address) == ["192.168.1.5", "192.168.1.6", "192.168.1.8", "127.0.0.1"])
    #expect(all.map(\.since) == [nil, nil, since, hub.now])
  }

  @Test("where a user was seen last outlives the hub, a guest isn't known any more")
  func seen() {
    let hub = HubHarness { $0.plaintext = .loopback }
    let bob = hub.connect("bob", key: 2, "192.168.1.5")
    hub.listen(bob)
    let first = hub.now
    hub.listen(hub.connect("visitor", key: nil), after: .now)
    hub.advance(60_000)
    hub.listen(hub.connect("bob", key: 2, "192.168.1.6"))
    let second = hub.now
    hub.restart()
    let alice = hub.connect("alice", key: 1)
    hub.say(alice, .who(.init(ref: nil, all: true)))
    let all = users(hub.take(alice)).filter { $0.nick != "alice" }
    #expect(all.map(\.address) == ["192.168.1.6"])
    #expect(all.map(\.since) == [second])
    #expect(first != second)
  }

  @Test("listening again from the same place within a minute is no record")
  func sameplace() {
    let hub = HubHarness()
    for _ in 0..<5 {
      let bob = hub.connect("bob", key: 2)
      hub.listen(bob)
      hub.disconnect(bob)
    }
    #expect(hub.committed.count == 2)
  }

  @Test("who has left was last seen when that was")
  func lastSeen() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    hub.advance(3_600_000)
    hub.disconnect(bob)
    let left = hub.now
    hub.advance(3_600_000)
    hub.say(alice, .who(.init(ref: nil, all: true)))
    #expect(users(hub.take(alice)).last?.since == left)
  }

  @Test("who asks a thousand times at once and doesn't read is answered no further")
  func flood() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    for number in 2..<100 as Range<UInt8> { _ = hub.connect("u\(number)", key: number) }
    hub.setWritable(alice, false)
    hub.receive(.frames(alice, Array(repeating: .who(.init(ref: 1, all: true)), count: 1_000)))
    let first = hub.take(alice).count
    #expect(first < 5_000)
    hub.setWritable(alice, true)
    #expect(first + hub.take(alice).count == 1_000 * 100)
    hub.say(alice, .who(.init(ref: 2, all: true)))
    #expect(hub.take(alice).count == 100)
  }
}
