import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct RemovalTests {
  private let hub = HubHarness { configuration in
    configuration.ownerKeys = [Array(repeating: 1, count: 32)]
    configuration.everybodyInvites = true
  }
  private let owner: SessionID

  init() {
    owner = hub.connect("alice", key: 1)
  }

  private func send(_ from: SessionID, _ number: UInt64, to: String) -> HubFrame? {
    hub.say(from, .send(.init(ref: 1, id: MessageID(high: 0, low: number), to: [to], text: "text \(number)")))
    return hub.take(from).first
  }

  private func users(_ id: SessionID) -> [HubFrame.User] {
    hub.take(id).compactMap { if case .user(let user) = $0 { user } else { nil } }
  }

  private func hello(_ nick: String, key: UInt8) -> String {
    let id = hub.open("127.0.0.1", key: key)
    hub.say(id, .hello(.init(nick: nick, isExplicit: true)))
    switch hub.take(id).first {
    case .welcome(let welcome): return welcome.nick
    case .error(let failure): return failure.code
    default: return "nothing"
    }
  }

  @Test("a removed user's sessions end at once, and the key is refused wherever it comes from")
  func removed() {
    let bob = hub.connect("bob", key: 2)
    let listening = hub.connect("bob", key: 2)
    hub.say(listening, .listen(.init(ref: 1, after: .unread)))
    _ = hub.take(listening)
    hub.say(owner, .remove(ref: 4, user: "BOB"))
    #expect(hub.take(owner) == [.ok(.init(ref: 4, nick: "bob"))])
    for session in [bob, listening] {
      #expect(hub.errors(session).map(\.code) == ["removed"])
      #expect(hub.isClosed(session))
    }
    #expect(hello("bob", key: 2) == "removed")
    #expect(hello("other", key: 2) == "removed")
    hub.restart()
    #expect(hello("bob", key: 2) == "removed")
    #expect(hub.violations == [])
  }

  @Test("the nick stays taken, and is no target any more")
  func nick() {
    hub.disconnect(hub.connect("bob", key: 2))
    hub.say(owner, .remove(ref: 1, user: "bob"))
    _ = hub.take(owner)
    #expect(hello("bob", key: 3) == "nick_taken")
    guard case .error(let failure)? = send(owner, 1, to: "bob") else {
      Issue.record("it was sent")
      return
    }
    #expect(failure.code == "unknown_target")
    hub.say(owner, .who(.init(ref: 1, all: true)))
    #expect(users(owner).map(\.nick) == ["alice"])
  }

  @Test("a removed user is in no group, and nobody waits for one to read or to fetch")
  func groups() {
    let bob = hub.connect("bob", key: 2)
    let carol = hub.connect("carol", key: 3)
    for session in [bob, carol] { hub.say(session, .join(ref: 1, group: "@ops")) }
    hub.say(owner, .join(ref: 1, group: "@ops"), .remove(ref: 2, user: "bob"))
    _ = hub.take(owner)
    hub.say(
      owner,
      .send(.init(ref: 1, id: MessageID(high: 1, low: 1), to: ["@ops", "@all"], text: "x", wantsReceipts: true)))
    let awaiting = hub.take(owner).compactMap { if case .sent(let sent) = $0 { sent.awaiting } else { nil } }
    #expect(awaiting == [["carol"], ["carol"]])
  }

  @Test("what was on its way when the removal was ordered isn't accepted")
  func onTheWay() {
    let bob = hub.connect("bob", key: 2)
    hub.holdsCommits = true
    hub.say(owner, .remove(ref: 1, user: "bob"))
    hub.say(bob, .send(.init(ref: 1, id: MessageID(high: 0, low: 7), to: ["alice"], text: "last words")))
    hub.commit()
    #expect(hub.errors(bob).map(\.code) == ["removed"])
    hub.holdsCommits = false
    hub.say(owner, .history(.init(ref: 2)))
    #expect(hub.texts(owner) == [])
    #expect(hub.violations == [])
  }

  @Test("nor does it join, rename or fetch behind the removal")
  func changesOnTheWay() {
    let bob = hub.connect("bob", key: 2)
    hub.say(owner, .join(ref: 1, group: "@ops"))
    _ = hub.take(owner)
    hub.holdsCommits = true
    hub.say(owner, .remove(ref: 1, user: "bob"))
    hub.say(bob, .join(ref: 1, group: "@ops"), .nick(ref: 2, nick: "bobby"))
    hub.commit()
    hub.holdsCommits = false
    _ = hub.take(owner)
    _ = send(owner, 1, to: "@ops")
    hub.say(owner, .restore(ref: 2, user: "bob"))
    #expect(hub.take(owner).last == .ok(.init(ref: 2, nick: "bob")))
    let again = hub.connect("bob", key: 2)
    hub.say(again, .history(.init(ref: 2)), .who(.init(ref: 3, all: true)))
    #expect(hub.texts(again) == [])
    #expect(hub.violations == [])
  }

  @Test("more removals than are told apart count as one that lasted: nothing said while removed is ever read")
  func manyRemovals() {
    hub.disconnect(hub.connect("bob", key: 2))
    for number in 0..<UInt64(70) {
      hub.say(owner, .remove(ref: 1, user: "bob"))
      _ = hub.take(owner)
      _ = send(owner, 2 * number, to: "@all")
      hub.say(owner, .restore(ref: 1, user: "bob"))
      _ = hub.take(owner)
      _ = send(owner, 2 * number + 1, to: "@all")
    }
    let again = hub.connect("bob", key: 2)
    hub.say(again, .history(.init(ref: 2, limit: 1_000)))
    let texts = hub.texts(again)
    #expect(texts.count == 64)
    #expect(texts.allSatisfy { Int($0.dropFirst(5)).map { $0 % 2 } == 1 })
    #expect(texts.last == "text 139")
  }

  @Test("a removed user's open invites end with it")
  func invites() {
    let bob = hub.connect("bob", key: 2)
    let secret = [UInt8](repeating: 9, count: 16)
    hub.say(bob, .invite(ref: 1, hash: Digest(of: secret), nick: nil, lifetime: 1_000))
    hub.say(owner, .remove(ref: 1, user: "bob"))
    let id = hub.open("8.8.8.8", key: 3)
    hub.say(id, .hello(.init(nick: "carol", invite: Base64.url.text(secret))))
    #expect(hub.errors(id).map(\.code) == ["invite_revoked"])
  }

  @Test("who is restored comes in again, without what was said meanwhile")
  func restored() {
    let bob = hub.connect("bob", key: 2)
    hub.say(bob, .join(ref: 1, group: "@ops"))
    _ = send(owner, 1, to: "@all")
    hub.say(owner, .remove(ref: 1, user: "SHA256:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"))
    _ = hub.take(owner)
    _ = send(owner, 2, to: "@all")
    hub.say(owner, .restore(ref: 2, user: "bob"))
    #expect(hub.take(owner) == [.ok(.init(ref: 2, nick: "bob"))])
    _ = send(owner, 3, to: "@all")
    let again = hub.connect("bob", key: 2)
    hub.say(again, .listen(.init(ref: 1, after: .seq(0))))
    #expect(hub.texts(again) == ["text 1", "text 3"])
    hub.say(again, .history(.init(ref: 2)))
    #expect(hub.texts(again) == ["text 1", "text 3"])
    hub.say(again, .who(.init(ref: 1, all: true)))
    #expect(users(again).first { $0.nick == "bob" }?.groups == ["@all"])
    hub.restart()
    let later = hub.connect("bob", key: 2)
    hub.say(later, .history(.init(ref: 2)))
    #expect(hub.texts(later) == ["text 1", "text 3"])
    hub.say(later, .listen(.init(ref: 1, after: .seq(0))))
    #expect(hub.texts(later) == ["text 1", "text 3"])
  }

  @Test("an owner alone removes and sees who was removed, and is removed by nobody")
  func owners() {
    let bob = hub.connect("bob", key: 2)
    _ = hub.connect("carol", key: 3)
    hub.say(
      bob, .remove(ref: 1, user: "carol"), .restore(ref: 2, user: "carol"),
      .who(.init(ref: 3, all: true, removed: true)))
    #expect(hub.errors(bob).map(\.code) == ["not_owner", "not_owner", "not_owner"])
    hub.say(owner, .remove(ref: 1, user: "alice"), .remove(ref: 2, user: "nobody"))
    #expect(hub.errors(owner).map(\.code) == ["bad_target", "unknown_target"])
    hub.say(owner, .remove(ref: 3, user: "carol"))
    _ = hub.take(owner)
    hub.say(owner, .who(.init(ref: 4, all: true, removed: true)))
    let users = users(owner)
    #expect(users.map(\.nick) == ["alice", "bob", "carol"])
    #expect(users.map(\.isOwner) == [true, false, false])
    #expect(users.map { $0.removed != nil } == [false, false, true])
  }
}
