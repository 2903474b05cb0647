import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct TargetTests {
  private func targets(_ frames: [HubFrame]) -> [String] {
    frames.compactMap { if case .sent(let sent) = $0 { sent.to } else { nil } }
  }

  @Test("everybody in the union of the targets gets a message once, and each target is answered as it was written")
  func union() {
    let hub = HubHarness()
    let (alice, bob, carol) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3))
    for id in [alice, bob, carol] { hub.listen(id, after: .now) }
    for id in [alice, bob] { hub.say(id, .join(ref: nil, group: "@ops")) }
    for id in [alice, bob] { _ = hub.take(id) }
    hub.post(alice, 1, to: "bob", "BOB", "@ops", "@OPS", "127.0.0.1", "bob")
    #expect(targets(hub.take(alice)) == ["bob", "BOB", "@ops", "@OPS", "127.0.0.1"])
    #expect(
      hub.take(bob) == [
        .message(
          .init(
            id: MessageID(high: 0, low: 1), seq: 9, time: hub.now, from: "alice", address: "127.0.0.1",
            to: ["bob", "BOB", "@ops", "@OPS", "127.0.0.1", "bob"], text: "text 1"))
      ])
    #expect(hub.texts(carol) == ["text 1"])
    hub.post(carol, 2, to: "@all", "bob")
    #expect(targets(hub.take(carol)) == ["@all", "bob"])
    #expect(hub.texts(alice) == ["text 2"])
    #expect(hub.texts(bob) == ["text 2"])
    #expect(hub.violations == [])
  }

  @Test("the hub says who sent it, from where and when, and the reply's original goes along")
  func stamped() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1, "192.168.1.5"), hub.connect("bob", key: 2))
    hub.listen(bob)
    hub.advance(5)
    let original = MessageID(high: 9, low: 9)
    hub.say(alice, .send(.init(ref: 1, id: .init(high: 0, low: 1), to: ["bob"], text: "x", replyTo: original)))
    #expect(hub.take(alice) == [.sent(.init(ref: 1, id: .init(high: 0, low: 1), seq: 4, to: "bob"))])
    #expect(
      hub.take(bob) == [
        .message(
          .init(
            id: .init(high: 0, low: 1), seq: 4, time: hub.now, from: "alice", address: "192.168.1.5", to: ["bob"],
            text: "x", replyTo: original))
      ])
  }

  @Test(
    "a request's number comes back whatever it is",
    arguments: [nil, 0, -1, -5, 1 << 53 - 1, -(1 << 53 - 1)] as [Int64?])
  func refs(_ ref: Int64?) {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    hub.post(alice, 1, to: "alice", ref: ref)
    hub.say(alice, .join(ref: ref, group: "@ops"), .ping(ref: ref))
    #expect(
      hub.take(alice) == [
        .sent(.init(ref: ref, id: .init(high: 0, low: 1), seq: 2, to: "alice")), .pong(ref: ref),
        .ok(.init(ref: ref, seq: 3)),
      ])
  }

  @Test("a target that is unknown fails alone, and the nearest name is proposed")
  func unknown() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    let id = MessageID(high: 0, low: 1)
    hub.post(alice, 1, to: "bbo", "bob", "nobody-near", "", ref: 4)
    #expect(
      hub.take(alice) == [
        .error(.init(ref: 4, .unknownTarget, #"nobody called "bbo" (did you mean "bob"?)"#, to: "bbo", id: id)),
        .error(.init(ref: 4, .unknownTarget, #"nobody called "nobody-near""#, to: "nobody-near", id: id)),
        .error(.init(ref: 4, .unknownTarget, #"nobody called """#, to: "", id: id)),
        .sent(.init(ref: 4, id: id, seq: 4, to: "bob")),
      ])
    #expect(hub.texts(bob) == ["text 1"])
  }

  @Test("a message that reaches nobody takes no seq where that is certain at once")
  func hopeless() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    let count = hub.appended.count
    hub.post(alice, 1, to: "bbo", "@nothing")
    #expect(hub.errors(alice).map(\.to) == ["bbo", "@nothing"])
    #expect(hub.appended.count == count)
    // Somebody of that name may be on the way.
    hub.holdsCommits = true
    let bob = hub.open("127.0.0.1", key: 2)
    hub.say(bob, .hello(.init(nick: "bbo")))
    hub.post(alice, 1, to: "bbo")
    #expect(hub.take(alice) == [])
    hub.commit()
    #expect(targets(hub.take(alice)) == ["bbo"])
  }

  @Test("an address is whoever listens there, and loopback is the hub's machine by all its addresses")
  func addresses() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1, "127.0.0.1"), hub.connect("bob", key: 2, "192.168.1.5"))
    let (carol, dave) = (hub.connect("carol", key: 3, "::1"), hub.connect("dave", key: 4, "192.168.1.2"))
    let eve = hub.connect("eve", key: 5, "192.168.1.5")
    for id in [alice, bob, carol, dave] { hub.listen(id, after: .now) }
    var number: UInt64 = 0
    func reached(_ target: String, from id: SessionID) -> [String] {
      number += 1
      hub.post(id, number, to: target)
      _ = hub.take(id)
      return [("alice", alice), ("bob", bob), ("carol", carol), ("dave", dave), ("eve", eve)].compactMap { name, id in
        hub.texts(id).isEmpty ? nil : name
      }
    }
    #expect(reached("192.168.1.5", from: alice) == ["bob"])
    #expect(reached("::ffff:192.168.1.5", from: alice) == ["bob"])
    for local in ["127.0.0.1", "::1", "127.1.2.3", "192.168.1.2"] {
      #expect(reached(local, from: eve) == (local == "192.168.1.2" ? ["alice", "carol", "dave"] : []), "\(local)")
      #expect(reached(local, from: alice) == ["carol", "dave"], "\(local)")
    }
    hub.listen(eve, after: .now)
    #expect(reached("192.168.1.5", from: alice) == ["bob", "eve"])
    #expect(hub.violations == [])
  }

  @Test("where nobody is online, whoever was last there is named, and meant only where that is asked for")
  func lastSeen() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2, "192.168.1.5"))
    let passing = hub.connect("passing", key: 3, "192.168.1.5")
    hub.listen(bob)
    hub.disconnect(bob)
    hub.disconnect(passing)
    hub.post(alice, 1, to: "192.168.1.5")
    #expect(
      hub.errors(alice).map(\.message) == [
        "nobody is online at 192.168.1.5 (last seen there: bob; --last-seen sends to them)"
      ])
    hub.post(alice, 2, to: "192.168.1.6")
    #expect(hub.errors(alice).map(\.message) == ["nobody is online at 192.168.1.6"])
    hub.post(alice, 3, to: "192.168.1.5", lastSeen: true)
    #expect(targets(hub.take(alice)) == ["192.168.1.5"])
    hub.post(alice, 4, to: "192.168.1.6", lastSeen: true)
    #expect(hub.errors(alice).map(\.code) == ["unknown_target"])
    let again = hub.connect("bob", key: 2, "192.168.1.9")
    #expect(hub.listen(again).texts == ["text 3"])
    // Bob is somewhere else now.
    hub.post(alice, 5, to: "192.168.1.5", lastSeen: true)
    #expect(hub.errors(alice).map(\.message) == ["nobody is online at 192.168.1.5"])
  }

  @Test("loopback from another machine isn't the hub's, and what to say instead is told")
  func loopbackFromAfar() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1, "127.0.0.1"), hub.connect("bob", key: 2, "192.168.1.5"))
    hub.listen(alice)
    for lastSeen in [false, true] {
      hub.post(bob, 1, to: "127.0.0.1", lastSeen: lastSeen)
      #expect(
        hub.errors(bob).map(\.message) == [
          "127.0.0.1 means the sender's own machine, and the hub is another one: name a user or an address of the LAN"
        ])
    }
    hub.disconnect(alice)
    let carol = hub.connect("carol", key: 3, "127.0.0.1")
    hub.post(carol, 2, to: "::1")
    #expect(
      hub.errors(carol).map(\.message) == [
        "nobody is online at ::1 (last seen there: alice; --last-seen sends to them)"
      ])
  }

  @Test("a name that could be none is said to be that")
  func badNames() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    for name in ["@", "@a b", "@10.0.0.1"] {
      hub.post(alice, 1, to: name)
      let error = hub.errors(alice).first
      #expect(error?.code == "unknown_target")
      #expect(error?.message.contains("qq join") == false, "\(error?.message ?? "")")
    }
  }

  @Test("the first few unknown names get a proposal, so that a line of misspelt ones doesn't hold up everybody")
  func fewSuggestions() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    let names = (0..<256).map { $0 == 9 ? "bob" : "bo\($0)" }
    for isRetry in [false, true] {
      hub.say(alice, .send(.init(ref: 1, id: .init(high: 0, low: 1), to: names, text: "x")))
      let errors = hub.errors(alice)
      #expect(errors.count == 255, "\(isRetry)")
      #expect(errors.count { $0.message.contains("did you mean \"bob\"?") } == 3)
    }
    hub.say(alice, .send(.init(ref: 1, id: .init(high: 0, low: 2), to: names.filter { $0 != "bob" }, text: "x")))
    #expect(hub.errors(alice).count { $0.message.contains("did you mean \"bob\"?") } == 3)
  }
}
