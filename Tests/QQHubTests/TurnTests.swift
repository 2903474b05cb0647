import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite("turns") struct TurnTests {
  /// A hub that knows so many users, of whom a tenth reads.
  private func hub(users: Int) -> (hub: HubHarness, mallory: SessionID, bob: SessionID) {
    let hub = HubHarness()
    for number in 0..<users {
      let key = [UInt8(number & 0xff), UInt8(number >> 8)] + [UInt8](repeating: 7, count: 30)
      let id = hub.open("127.0.0.1", keyBytes: key)
      hub.say(id, .hello(.init(nick: "user-\(number)", isExplicit: true)))
      _ = hub.take(id)
      if number % 10 == 0 { hub.listen(id) } else { hub.disconnect(id) }
    }
    return (hub, hub.connect("mallory", key: 1), hub.connect("bob", key: 2))
  }

  @Test("others are answered while somebody's long questions wait for their turn")
  func fair() {
    let (hub, mallory, bob) = hub(users: 300)
    hub.holdsTurns = true
    hub.receive(.frames(mallory, (0..<1_000).map { .who(.init(ref: $0, all: true)) }))
    let before = hub.take(mallory).count
    hub.say(bob, .ping(ref: 1))
    #expect(hub.take(bob) == [.pong(ref: 1)])
    #expect(before < 5_000)
    hub.holdsTurns = false
    hub.receive(.turn)
    #expect(before + hub.take(mallory).count == 1_000 * 303)
    #expect(hub.violations == [])
  }

  @Test("a frame costs about the same with ten times the users")
  func work() {
    func cost(_ users: Int, _ frames: [ClientFrame]) -> Int {
      let (hub, mallory, _) = hub(users: users)
      let before = hub.hub.workSpent
      hub.receive(.frames(mallory, frames))
      return hub.hub.workSpent - before
    }
    let id = MessageID(high: 9, low: 9)
    let frames: [[ClientFrame]] = [
      [.send(.init(ref: 1, id: id, to: ["nobody-at-all"], text: "x"))],
      [.send(.init(ref: 1, id: id, to: ["@nowhere"], text: "x"))],
      [.send(.init(ref: 1, id: id, to: ["10.1.2.3"], text: "x"))],
      [.send(.init(ref: 1, id: id, to: ["10.1.2.3"], text: "x", lastSeen: true))],
      [.nick(ref: 1, nick: "other")], [.join(ref: 1, group: "g")], [.listen(.init(ref: 1, after: .unread))],
      [.status(ref: 1)], [.invites(ref: 1)], [.files(ref: 1, after: 0)],
    ]
    for list in frames { #expect(cost(400, list) <= 2 * cost(40, list), "\(list)") }
  }

  @Test("one question to the store at a time a session, of whoever is here, and users take turns")
  func store() {
    let hub = HubHarness()
    let (mallory, bob) = (hub.connect("mallory", key: 1), hub.connect("bob", key: 2))
    hub.holdsReads = true
    hub.receive(.frames(mallory, (0..<500).map { .history(.init(ref: $0)) }))
    #expect(hub.waitingQuestions == 1)
    hub.say(bob, .history(.init(ref: 7)))
    #expect(hub.waitingQuestions == 2)
    hub.answer()
    #expect(hub.take(bob) == [.ok(.init(ref: 7))])
    #expect(hub.take(mallory) == [.ok(.init(ref: 0))])
    hub.disconnect(mallory)
    hub.answer()
    #expect(hub.waitingQuestions == 0)
    #expect(hub.hub.footprint.questions == 0)
  }

  @Test("who is sent away while a long answer is under way, or the tail is looked through for it, has no more turns")
  func closing() {
    for what in ["answers", "tail"] {
      let hub = HubHarness {
        ($0.turns.lines, $0.turns.round, $0.turns.turn, $0.turns.segments) = (1, 1, 1, 1)
      }
      let (mallory, again, bob) = (
        hub.connect("mallory", key: 1), hub.connect("mallory", key: 1), hub.connect("bob", key: 2)
      )
      for number: UInt64 in 1...20 { hub.post(bob, number, to: "bob") }
      hub.holdsTurns = true
      let listen = ClientFrame.listen(.init(ref: 1, after: .seq(0), cursor: "c", reader: "r", holds: true))
      hub.say(mallory, listen)
      if what == "answers" { hub.say(mallory, .who(.init(ref: 2, all: true))) }
      for _ in 0..<3 { hub.receive(.turn) }
      #expect(hub.hub.hasWork, "\(what)")
      // The same reader, connected again: the other one is closed.
      hub.say(again, listen)
      for _ in 0..<100 where !hub.isClosed(mallory) { hub.receive(.turn) }
      #expect(hub.isClosed(mallory))
      hub.holdsTurns = false
      hub.receive(.turn)
      #expect(!hub.hub.hasWork)
      _ = hub.take(bob)
      hub.say(bob, .ping(ref: 1))
      #expect(hub.take(bob) == [.pong(ref: 1)])
      #expect(hub.violations == [])
    }
  }

  @Test("who doesn't read its answers is asked for nothing more, and gets what one answer has")
  func unread() {
    let hub = HubHarness()
    let mallory = hub.connect("mallory", key: 1)
    for number: UInt64 in 1...20 {
      hub.post(mallory, number, to: "mallory", text: String(repeating: "x", count: 60_000))
    }
    _ = hub.take(mallory)
    hub.setWritable(mallory, false)
    hub.receive(.frames(mallory, (0..<14).map { .history(.init(ref: $0)) }))
    let texts = hub.take(mallory).texts
    #expect(texts.reduce(0) { $0 + $1.utf8.count } <= 1_200_000 && !texts.isEmpty)
    hub.setWritable(mallory, true)
    #expect(hub.take(mallory).count { if case .ok = $0 { true } else { false } } == 13)
  }

  @Test("retries of an offer count nothing, whatever size they name")
  func retries() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    _ = hub.offer(alice, 1, to: "@all", size: 1)
    let size = ProtocolLimits.integers.upperBound
    hub.holdsCommits = true
    for _ in 0..<3_000 { _ = hub.offer(alice, 1, to: "@all", size: size) }
    hub.commit()
    let failures = hub.errors(alice).map(\.code)
    #expect(failures.count == 3_000 && Set(failures) == ["id_conflict"])
    hub.holdsCommits = false
    #expect(hub.offer(alice, 2, to: "@all", size: 1).contains { if case .sent = $0 { true } else { false } })
    #expect(hub.violations == [])
  }

  @Test("a user and a source have so many sessions; owners come in where nobody else does")
  func sessions() throws {
    let owner = [UInt8](repeating: 9, count: 32)
    let hub = HubHarness {
      $0.ownerKeys = [owner]
      $0.sessions = SessionLimits(total: 5, owners: 1, user: 3, source: 4)
    }
    func enter(_ key: UInt8, _ address: String) -> [HubFrame] {
      let id = hub.open(address, key: key)
      hub.say(id, .hello(.init(nick: "user-\(key)")))
      return hub.take(id)
    }
    func code(_ frames: [HubFrame]) -> String {
      if case .error(let failure)? = frames.first { failure.code } else { frames.isEmpty ? "" : "welcome" }
    }
    #expect((0..<4).map { _ in code(enter(1, "127.0.0.1")) } == ["welcome", "welcome", "welcome", "too_many_sessions"])
    #expect((2..<4).map { code(enter($0, "127.0.0.1")) } == ["welcome", "too_many_sessions"])
    #expect((4..<6).map { code(enter($0, "192.168.1.9")) } == ["welcome", "too_many_sessions"])
    #expect((0..<2).map { _ in code(enter(9, "127.0.0.1")) } == ["welcome", "too_many_sessions"])
    let first = try #require(hub.openSessions.first)
    hub.disconnect(first)
    #expect(code(enter(5, "192.168.1.9")) == "too_many_sessions")
    hub.disconnect(try #require(hub.openSessions.first))
    #expect(code(enter(5, "192.168.1.9")) == "welcome")
  }
}
