import QQHub
import QQProtocol
import QQTestSupport
import Testing

@Suite struct HubNickTests {
  private func hello(
    _ hub: HubHarness, _ nick: String?, key: UInt8?, explicit: Bool = false, host: String? = nil
  ) -> (id: SessionID, nick: String?, code: String?) {
    let id = hub.open("127.0.0.1", key: key)
    hub.say(id, .hello(.init(nick: nick, isExplicit: explicit, host: host)))
    switch hub.take(id).first {
    case .welcome(let welcome): return (id, welcome.nick, nil)
    case .error(let failure): return (id, nil, failure.code)
    default: return (id, nil, nil)
    }
  }

  private func open() -> HubHarness { HubHarness { $0.plaintext = .loopback } }

  @Test("a nick belongs to the key that first took it, in any case and for ever")
  func binding() {
    let hub = open()
    #expect(hello(hub, "Alice", key: 1).nick == "Alice")
    for taken in ["Alice", "alice", "ALICE"] {
      #expect(hello(hub, taken, key: 2, explicit: true).code == "nick_taken")
      #expect(hello(hub, taken, key: nil, explicit: true).code == "nick_taken")
    }
    #expect(hello(hub, "anything", key: 1, explicit: true).nick == "Alice")
    hub.restart()
    #expect(hello(hub, "alice", key: 2, explicit: true).code == "nick_taken")
    #expect(hello(hub, nil, key: 1).nick == "Alice")
    #expect(hub.violations == [])
  }

  @Test("a nick that nobody asked for by name gives way: the host is added, then a number")
  func fallback() {
    let hub = open()
    #expect(hello(hub, "root", key: 1, host: "box").nick == "root")
    #expect(hello(hub, "root", key: 2, host: "box").nick == "root-box")
    #expect(hello(hub, "Root", key: 3, host: "box").nick == "Root-box-2")
    #expect(hello(hub, "root", key: 4, host: "box").nick == "root-box-3")
    #expect(hello(hub, "root", key: 5).nick == "root-2")
    #expect(hello(hub, "root", key: 6, host: "").nick == "root-3")
    #expect(hello(hub, "root", key: nil, host: "box").nick == "root-box-4")
    #expect(hello(hub, "root", key: 2, host: "elsewhere").nick == "root-box")
  }

  @Test("two keys that want one nick at once don't both get it")
  func atOnce() {
    let hub = open()
    hub.holdsCommits = true
    let ids = (1...3).map { hello(hub, "root", key: $0, host: "box").id }
    hub.commit()
    let nicks = ids.map { id -> String? in
      if case .welcome(let welcome)? = hub.take(id).first { welcome.nick } else { nil }
    }
    #expect(nicks == ["root", "root-box", "root-box-2"])
    let explicit = (4...5).map { hello(hub, "bob", key: $0, explicit: true).id }
    hub.commit()
    #expect(hub.take(explicit[0]).count == 1)
    #expect(hub.errors(explicit[1]).map(\.code) == ["nick_taken"])
    #expect(hub.isClosed(explicit[1]))
  }

  @Test("two sessions of a new key are one user")
  func oneKey() {
    let hub = open()
    hub.holdsCommits = true
    let ids = ["a", "b"].map { hello(hub, $0, key: 1, explicit: true).id }
    hub.commit()
    for id in ids {
      guard case .welcome(let welcome)? = hub.take(id).first else {
        Issue.record("no welcome")
        continue
      }
      #expect(welcome.nick == "a")
      #expect(!welcome.isGuest)
    }
  }

  @Test(
    "a name that can't be a nick is refused where a person chose it, and made one where not",
    arguments: [
      ("", "user"), ("all", "user-all"), ("10.0.0.1", "user-10.0.0.1"), ("a b", "ab"), ("@x", "x"), ("…", "user"),
    ])
  func badNicks(_ name: String, _ derived: String) {
    let hub = open()
    #expect(hello(hub, name, key: 1, explicit: true).code == "bad_nick")
    #expect(hello(hub, name, key: 2).nick == derived)
  }

  @Test("who gives no nick is called user")
  func noNick() {
    let hub = open()
    #expect(hello(hub, nil, key: 1).nick == "user")
    #expect(hello(hub, nil, key: 2, host: "box").nick == "user-box")
    #expect(hello(hub, nil, key: 3, explicit: true, host: "box").nick == "user-box-2")
  }

  @Test("guests of one nick are one guest, and a key takes the nick from them")
  func guests() {
    let hub = open()
    let one = hello(hub, "visitor", key: nil)
    let two = hello(hub, "Visitor", key: nil)
    #expect([one.nick, two.nick] == ["visitor", "visitor"])
    let key = hello(hub, "visitor", key: 1, explicit: true)
    #expect(key.nick == "visitor")
    for guest in [one.id, two.id] {
      #expect(hub.errors(guest).map(\.code) == ["nick_taken"])
      #expect(hub.isClosed(guest))
    }
    #expect(hello(hub, "visitor", key: nil, explicit: true).code == "nick_taken")
    #expect(hello(hub, "visitor", key: nil, host: "box").nick == "visitor-box")
    #expect(hub.violations == [])
  }

  @Test("a rename is answered, holds at once, and the old nick is nobody else's")
  func rename() {
    let hub = open()
    let alice = hub.connect("alice", key: 1)
    hub.say(alice, .nick(ref: 1, nick: "Zoë"))
    #expect(hub.take(alice) == [.ok(.init(ref: 1, nick: "Zoë"))])
    #expect(hello(hub, "alice", key: 2, explicit: true).code == "nick_taken")
    #expect(hello(hub, "zoë", key: 2, explicit: true).code == "nick_taken")
    let bob = hub.connect("bob", key: 2)
    hub.say(bob, .nick(ref: 2, nick: "ALICE"))
    #expect(hub.errors(bob).map(\.code) == ["nick_taken"])
    // What is sent to the old nick still arrives.
    hub.listen(alice)
    hub.post(bob, 1, to: "alice", "zoË")
    #expect(hub.texts(alice) == ["text 1"])
    hub.restart()
    #expect(hello(hub, "alice", key: 3, explicit: true).code == "nick_taken")
    let again = hub.open("127.0.0.1", key: 1)
    hub.say(again, .hello(.init()), .nick(ref: 3, nick: "alice"))
    #expect(hub.take(again).last == .ok(.init(ref: 3, nick: "alice")))
    #expect(hub.violations == [])
  }

  @Test("a rename to a guest's nick ends the guest's sessions, as a new key's does")
  func renameOverGuest() {
    let hub = open()
    let guest = hello(hub, "visitor", key: nil).id
    hub.listen(guest, after: .now)
    let alice = hub.connect("alice", key: 1)
    hub.say(alice, .nick(ref: 1, nick: "visitor"))
    #expect(hub.take(alice) == [.ok(.init(ref: 1, nick: "visitor"))])
    #expect(hub.errors(guest).map(\.code) == ["nick_taken"])
    #expect(hub.isClosed(guest))
  }

  @Test("a nick that can't be one, a guest's rename, and too many nicks are refused")
  func refusedRenames() {
    let hub = open()
    let alice = hub.connect("alice", key: 1)
    hub.say(alice, .nick(ref: 1, nick: "a b"), .nick(ref: nil, nick: "all"))
    #expect(hub.errors(alice).map(\.code) == ["bad_nick", "bad_nick"])
    let guest = hello(hub, "visitor", key: nil).id
    hub.say(guest, .nick(ref: 2, nick: "other"))
    #expect(hub.errors(guest).map(\.code) == ["guest"])
    for number in 1...16 { hub.say(alice, .nick(ref: nil, nick: "a\(number)")) }
    #expect(hub.errors(alice) == [])
    hub.say(alice, .nick(ref: 17, nick: "a17"))
    #expect(hub.errors(alice).map(\.code) == ["nick_taken"])
    hub.say(alice, .nick(ref: 18, nick: "alice"), .nick(ref: 19, nick: "A16"))
    #expect(hub.take(alice) == [.ok(.init(ref: 18, nick: "alice")), .ok(.init(ref: 19, nick: "A16"))])
  }

  @Test("the same letters in another case are no further nick")
  func caseOnly() {
    let hub = open()
    let alice = hub.connect("alice", key: 1)
    for number in 0..<40 { hub.say(alice, .nick(ref: nil, nick: number % 2 == 0 ? "Alice" : "aLICE")) }
    #expect(hub.errors(alice) == [])
    hub.say(alice, .nick(ref: 1, nick: "other"))
    #expect(hub.take(alice) == [.ok(.init(ref: 1, nick: "other"))])
  }

  @Test(
    "a nick that looks like somebody else's is taken, whatever it is made of",
    arguments: [
      ("ape", "\u{430}\u{440}\u{435}"), ("alice", "aIice"), ("bob", "bob-"), ("bob", "b0b"), ("bob", "bob._"),
      ("mark", "rnark"), ("paypal", "\u{440}\u{430}\u{443}\u{440}\u{430}\u{4CF}"), ("BOB", "\u{412}\u{41E}\u{412}"),
    ])
  func lookAlikes(_ real: String, _ other: String) {
    let hub = HubHarness { $0.plaintext = .admitted }
    let first = hub.connect(real, key: 1)
    for key: UInt8? in [2, nil] {
      let second = hub.open("127.0.0.1", key: key)
      hub.say(second, .hello(.init(nick: other, isExplicit: true)))
      #expect(hub.errors(second).map(\.code) == ["nick_taken"])
    }
    // Who didn't choose gets another.
    let third = hub.open("127.0.0.1", key: 3)
    hub.say(third, .hello(.init(nick: other, isExplicit: false)))
    guard case .welcome(let welcome)? = hub.take(third).first else {
      Issue.record("not welcomed")
      return
    }
    #expect(welcome.nick != other && (try? Nick(welcome.nick))?.skeleton != (try? Nick(real))?.skeleton)
    hub.say(third, .nick(ref: 1, nick: other))
    #expect(
      hub.errors(third).map(\.message) == ["the nick \"\(other)\" looks like \"\(real)\", who is somebody else here"])
    // One's own other forms are one's own.
    hub.say(first, .nick(ref: 1, nick: other))
    #expect(hub.errors(first) == [])
    hub.restart()
    let again = hub.open("127.0.0.1", key: 4)
    hub.say(again, .hello(.init(nick: real, isExplicit: true)))
    #expect(hub.errors(again).map(\.code) == ["nick_taken"])
  }

  @Test("names of one script that look like nothing else are anybody's")
  func different() {
    let hub = HubHarness()
    for (number, nick) in [
      "bob", "bub", "\u{431}\u{43E}\u{431}", "\u{432}\u{43E}\u{432}\u{430}", "user-1", "user-2", "user-12",
    ].enumerated() {
      _ = hub.connect(nick, key: UInt8(number + 1))
    }
    #expect(hub.violations == [])
  }
}
