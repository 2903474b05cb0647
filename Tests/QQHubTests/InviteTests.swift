import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct InviteTests {
  private static let day: Int64 = 86_400_000
  private static let far = "8.8.8.8"

  private let hub = HubHarness { configuration in
    configuration.admission = .nobody
    configuration.ownerKeys = [Array(repeating: 1, count: 32)]
  }
  private let owner: SessionID

  init() {
    owner = hub.connect("alice", key: 1)
  }

  private func secret(_ number: UInt8) -> [UInt8] { Array(repeating: number, count: 16) }

  /// Makes an invite; gives its name, or the code of the refusal.
  @discardableResult
  private func invite(
    _ number: UInt8, for nick: String? = nil, days: Int64 = 1, by session: SessionID? = nil
  ) -> String {
    let session = session ?? owner
    hub.say(
      session,
      .invite(ref: 5, hash: Digest(of: secret(number)), nick: nick, lifetime: days * Self.day))
    let frames = hub.take(session)
    switch frames.first {
    case .invite(let invite):
      #expect(invite.ref == 5)
      #expect(frames.last == .ok(.init(ref: 5)))
      return invite.id
    case .error(let failure): return failure.code
    default: return "nothing"
    }
  }

  /// Says hello with a secret; gives the nick that was welcomed, or the code of the refusal.
  private func accept(
    _ secret: [UInt8], key: UInt8?, nick: String = "zoe", isExplicit: Bool = false, at address: String = far
  ) -> String {
    let id = hub.open(address, key: key)
    hub.say(id, .hello(.init(nick: nick, isExplicit: isExplicit, invite: Base64.url.text(secret))))
    defer { if !hub.isClosed(id) { hub.disconnect(id) } }
    return answer(id)
  }

  private func hello(_ nick: String, key: UInt8?) -> String {
    let id = hub.open(Self.far, key: key)
    hub.say(id, .hello(.init(nick: nick, isExplicit: true)))
    defer { if !hub.isClosed(id) { hub.disconnect(id) } }
    return answer(id)
  }

  private func answer(_ id: SessionID) -> String {
    switch hub.take(id).first {
    case .welcome(let welcome): return welcome.nick
    case .error(let failure):
      #expect(hub.isClosed(id))
      return failure.code
    default: return "nothing"
    }
  }

  private func states(_ session: SessionID? = nil) -> [String] {
    let session = session ?? owner
    hub.say(session, .invites(ref: 9))
    return hub.take(session).compactMap { frame in
      if case .invite(let invite) = frame {
        return [invite.state.rawValue, invite.nick, invite.usedBy].compactMap { $0 }.joined(separator: " ")
      }
      return nil
    }
  }

  @Test("an invite lets one key in, from anywhere and for good")
  func used() {
    invite(1)
    #expect(states() == ["open"])
    #expect(hello("bob", key: 2) == "not_admitted")
    #expect(accept(secret(1), key: 2, nick: "bob") == "bob")
    #expect(states() == ["used bob"])
    #expect(hello("bob", key: 2) == "bob")
    #expect(accept(secret(1), key: 3) == "invite_used")
    #expect(hello("zoe", key: 3) == "not_admitted")
    #expect(hub.violations == [])
  }

  @Test("whoever used it may try again, as one whose answer was lost does")
  func again() {
    invite(1)
    #expect(accept(secret(1), key: 2) == "zoe")
    #expect(accept(secret(1), key: 2) == "zoe")
    #expect(accept(secret(1), key: 1) == "invite_used")
  }

  @Test("a user who accepts an open invite stays who that is, and uses it up: whoever saw it comes too late")
  func member() {
    invite(1)
    #expect(accept(secret(1), key: 1) == "alice")
    #expect(states() == ["used alice"])
    #expect(accept(secret(1), key: 2) == "invite_used")
    #expect(hub.violations == [])
  }

  @Test("a nick that is promised is nobody's to rename to, also while a guest goes by it")
  func promisedToNoGuest() {
    let hub = HubHarness { configuration in
      configuration.plaintext = .loopback
      configuration.ownerKeys = [Array(repeating: 1, count: 32)]
    }
    let (owner, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    let guest = hub.open("127.0.0.1", key: nil)
    hub.say(guest, .hello(.init(nick: "lin", isExplicit: true)))
    guard case .welcome? = hub.take(guest).first else {
      Issue.record("the guest was not welcomed")
      return
    }
    hub.say(owner, .invite(ref: 1, hash: Digest(of: secret(1)), nick: "lin", lifetime: Self.day))
    #expect(hub.errors(owner) == [])
    hub.say(bob, .nick(ref: 1, nick: "lin"))
    #expect(hub.errors(bob).map(\.code) == ["nick_taken"])
  }

  @Test("one user's invites have a limit; those that ended make room, the oldest first")
  func limit() {
    func make(_ number: UInt16) -> String {
      let secret = [UInt8](repeating: 0, count: 14) + [UInt8(number >> 8), UInt8(number & 255)]
      hub.say(owner, .invite(ref: 1, hash: Digest(of: secret), nick: nil, lifetime: Self.day))
      switch hub.take(owner).first {
      case .invite(let invite): return invite.id
      case .error(let failure): return failure.code
      default: return "nothing"
      }
    }
    let first = make(0)
    for number in 1..<UInt16(1_000) { _ = make(number) }
    #expect(make(1_000) == "quota")
    hub.say(owner, .revoke(ref: 2, invite: first))
    _ = hub.take(owner)
    #expect(make(1_001).count == 10)
    hub.say(owner, .revoke(ref: 3, invite: first))
    #expect(hub.errors(owner).map(\.code) == ["unknown_target"])
    #expect(make(1_002) == "quota")
    #expect(hub.violations == [])
  }

  @Test("two that use it at once: one comes in, the other is told")
  func race() {
    invite(1)
    hub.holdsCommits = true
    let ids = [hub.open(Self.far, key: 2), hub.open(Self.far, key: 3)]
    for (id, nick) in zip(ids, ["bob", "carol"]) {
      hub.say(id, .hello(.init(nick: nick, invite: Base64.url.text(secret(1)))))
      #expect(hub.take(id) == [])
    }
    hub.commit()
    #expect(ids.map(answer) == ["bob", "invite_used"])
    #expect(hub.violations == [])
  }

  @Test("one that has expired, was revoked or was never made is refused with the reason, and nothing is written down")
  func refused() {
    invite(1, days: 2)
    let revoked = invite(2)
    hub.say(owner, .revoke(ref: 3, invite: revoked))
    #expect(hub.take(owner) == [.ok(.init(ref: 3))])
    let count = hub.committed.count
    hub.advance(2 * Self.day)
    #expect(accept(secret(1), key: 2) == "invite_expired")
    #expect(accept(secret(2), key: 2) == "invite_revoked")
    #expect(accept(secret(3), key: 2) == "invite_unknown")
    #expect(accept([1, 2, 3], key: 2) == "invite_unknown")
    #expect(accept(secret(1), key: nil) == "guest")
    #expect(hub.committed.count == count)
    #expect(Set(states()) == ["expired", "revoked"])
  }

  @Test("time decides when it is used, not when it was tried")
  func expiresMeanwhile() {
    invite(1)
    hub.advance(Self.day - 1)
    #expect(accept(secret(1), key: 2) == "zoe")
    invite(2)
    hub.advance(Self.day)
    #expect(accept(secret(2), key: 3) == "invite_expired")
  }

  @Test("an invite for a nick gives it, keeps it free, and is for no other")
  func forNick() {
    invite(1, for: "Bob")
    invite(2)
    #expect(accept(secret(2), key: 2, nick: "bob", isExplicit: true) == "nick_taken")
    #expect(accept(secret(2), key: 2, nick: "bob") == "bob-2")
    #expect(accept(secret(1), key: 3, nick: "carol", isExplicit: true) == "nick_taken")
    #expect(accept(secret(1), key: 3, nick: "carol") == "Bob")
    #expect(Set(states()) == ["used Bob Bob", "used bob-2"])
  }

  @Test("nobody renames to a nick that is promised, until the promise ends")
  func promised() {
    let id = invite(1, for: "bob")
    hub.say(owner, .nick(ref: 1, nick: "BOB"))
    #expect(hub.errors(owner).map(\.code) == ["nick_taken"])
    #expect(invite(2, for: "bob") == "nick_taken")
    #expect(invite(2, for: "alice") == "nick_taken")
    hub.say(owner, .revoke(ref: 2, invite: id), .nick(ref: 3, nick: "bob"))
    #expect(hub.take(owner) == [.ok(.init(ref: 2)), .ok(.init(ref: 3, nick: "bob"))])
  }

  @Test("only owners invite, unless every user may; each sees the own ones, an owner all")
  func whoInvites() {
    invite(1)
    #expect(accept(secret(1), key: 2, nick: "bob") == "bob")
    let bob = hub.connect("bob", key: 2)
    #expect(invite(2, by: bob) == "not_owner")

    let open = HubHarness { configuration in
      configuration.everybodyInvites = true
      configuration.plaintext = .loopback
      configuration.ownerKeys = [Array(repeating: 1, count: 32)]
    }
    let carol = open.connect("carol", key: 3)
    let alice = open.connect("alice", key: 1)
    let guest = open.connect("guest", key: nil)
    for (session, number) in [(carol, UInt8(1)), (alice, 2), (guest, 3)] {
      open.say(
        session, .invite(ref: 1, hash: Digest(of: secret(number)), nick: nil, lifetime: Self.day))
    }
    #expect(open.errors(guest).map(\.code) == ["not_owner"])
    func count(_ session: SessionID) -> Int {
      _ = open.take(session)
      open.say(session, .invites(ref: 1))
      return open.take(session).count - 1
    }
    #expect(count(carol) == 1)
    #expect(count(alice) == 2)
    let other = HubFrame.Invite.id(Digest(of: secret(2)))
    open.say(carol, .revoke(ref: 1, invite: other))
    #expect(open.errors(carol).map(\.code) == ["unknown_target"])
    open.say(alice, .revoke(ref: 1, invite: HubFrame.Invite.id(Digest(of: secret(1)))))
    #expect(open.take(alice) == [.ok(.init(ref: 1))])
  }

  @Test("what is no invite is refused: the same secret twice, a time that is over or too far, a nick that can't be")
  func bad() {
    invite(1)
    #expect(invite(1) == "id_conflict")
    #expect(invite(2, days: 0) == "bad_field")
    #expect(invite(2, days: 400) == "bad_field")
    #expect(invite(2, for: "-x") == "bad_nick")
    hub.say(owner, .revoke(ref: 1, invite: "nonesuch"))
    #expect(hub.errors(owner).map(\.code) == ["unknown_target"])
    #expect(accept(secret(1), key: 2, nick: "bob") == "bob")
    hub.say(owner, .revoke(ref: 1, invite: HubFrame.Invite.id(Digest(of: secret(1)))))
    #expect(hub.errors(owner).map(\.code) == ["invite_used"])
  }

  @Test("invites outlive a restart of the hub, and are forgotten a month after their end")
  func restart() {
    invite(1)
    invite(2)
    #expect(accept(secret(2), key: 2) == "zoe")
    hub.restart()
    #expect(accept(secret(2), key: 3) == "invite_used")
    #expect(accept(secret(1), key: 3, nick: "bob") == "bob")
    let alice = hub.connect("alice", key: 1)
    hub.advance(32 * Self.day)
    invite(3, by: alice)
    #expect(states(alice) == ["open"])
    #expect(accept(secret(2), key: 4) == "invite_unknown")
  }
}
