import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct DuplicateTests {
  private let id = MessageID(high: 0, low: 1)

  @Test("the same id with the same content is stored once and answered again, whenever it comes")
  func again() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    hub.post(alice, 1, to: "bob", "@all", ref: 1)
    hub.post(alice, 1, to: "bob", "@all", ref: 2)
    let other = hub.connect("alice", key: 1)
    hub.post(other, 1, to: "bob", "@all", ref: 3)
    func answers(_ ref: Int64, _ isDuplicate: Bool) -> [HubFrame] {
      ["bob", "@all"].map { .sent(.init(ref: ref, id: id, seq: 4, to: $0, isDuplicate: isDuplicate)) }
    }
    #expect(hub.take(alice) == answers(1, false) + answers(2, true))
    #expect(hub.take(other) == answers(3, true))
    #expect(hub.texts(bob) == ["text 1"])
    hub.restart()
    let later = hub.connect("alice", key: 1)
    hub.post(later, 1, to: "bob", "@all", ref: 4)
    #expect(hub.take(later) == answers(4, true))
    #expect(hub.violations == [])
  }

  @Test("two of the same id in one commit are one message, and the first one decides")
  func inOneCommit() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    hub.holdsCommits = true
    hub.post(alice, 1, to: "bob", text: "first")
    hub.post(alice, 1, to: "bob", text: "first")
    hub.post(alice, 1, to: "bob", text: "second")
    hub.commit()
    #expect(
      hub.take(alice) == [
        .sent(.init(ref: nil, id: id, seq: 4, to: "bob")),
        .sent(.init(ref: nil, id: id, seq: 4, to: "bob", isDuplicate: true)),
        .error(.init(.idConflict, "another message was sent under the id \(id) (seq 4)", id: id)),
      ])
    #expect(hub.texts(bob) == ["first"])
  }

  @Test("the same id with other content is an error, whatever differs")
  func conflict() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    func send(_ to: [String], _ text: String, _ reply: MessageID? = nil) -> [String] {
      hub.say(alice, .send(.init(ref: nil, id: id, to: to, text: text, replyTo: reply)))
      return hub.take(alice).map { if case .error(let failure) = $0 { failure.code } else { "sent" } }
    }
    #expect(send(["bob"], "text") == ["sent"])
    #expect(send(["bob"], "text") == ["sent"])
    #expect(send(["bob"], "other") == ["id_conflict"])
    #expect(send(["bob"], "") == ["id_conflict"])
    #expect(send(["alice"], "text") == ["id_conflict"])
    #expect(send(["bob", "alice"], "text") == ["id_conflict"])
    #expect(send(["bobt"], "ext") == ["unknown_target"])
    #expect(send(["bob"], "text", id) == ["id_conflict"])
    // Another user's ids are another's.
    hub.say(bob, .send(.init(ref: nil, id: id, to: ["alice"], text: "mine")))
    #expect(hub.take(bob) == [.sent(.init(ref: nil, id: id, seq: hub.hub.applied, to: "alice"))])
  }

  @Test("targets that failed fail again, also when they would be reached by now")
  func partly() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    hub.post(alice, 1, to: "bob", "carol", "bob", ref: 1)
    let carol = hub.connect("carol", key: 3)
    hub.listen(carol)
    hub.post(alice, 1, to: "bob", "carol", "bob", ref: 2)
    let failure = HubFrame.error(.init(ref: 1, .unknownTarget, #"nobody called "carol""#, to: "carol", id: id))
    let again = HubFrame.error(.init(ref: 2, .unknownTarget, #"nobody called "carol""#, to: "carol", id: id))
    #expect(
      hub.take(alice) == [
        failure, .sent(.init(ref: 1, id: id, seq: 4, to: "bob")), again,
        .sent(.init(ref: 2, id: id, seq: 4, to: "bob", isDuplicate: true)),
      ])
    #expect(hub.texts(carol) == [])
    hub.restart()
    let later = hub.connect("alice", key: 1)
    hub.post(later, 1, to: "bob", "carol", "bob", ref: 2)
    #expect(hub.take(later) == [again, .sent(.init(ref: 2, id: id, seq: 4, to: "bob", isDuplicate: true))])
  }

  @Test("a message that reached nobody leaves its id free")
  func failedForAll() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    hub.post(alice, 1, to: "carol", "192.168.1.99")
    #expect(hub.errors(alice).map(\.to) == ["carol", "192.168.1.99"])
    let carol = hub.connect("carol", key: 3)
    hub.listen(carol)
    hub.post(alice, 1, to: "carol", text: "other")
    #expect(hub.take(alice) == [.sent(.init(ref: nil, id: id, seq: hub.hub.applied, to: "carol"))])
    #expect(hub.texts(carol) == ["other"])
  }

  @Test("a retry is answered as the first try was, whatever has happened to its targets since")
  func targetsChanged() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2, "192.168.1.5"))
    hub.listen(bob)
    for id in [alice, bob] { hub.say(id, .join(ref: nil, group: "@ops")) }
    _ = hub.take(alice)
    hub.post(alice, 1, to: "192.168.1.5")
    hub.post(alice, 2, to: "@ops")
    hub.post(alice, 3, to: "bob")
    let first = hub.take(alice).map { frame -> HubFrame in
      guard case .sent(var sent) = frame else { return frame }
      sent.isDuplicate = true
      return .sent(sent)
    }
    // Nobody is at the address any more, the sender has left the group, the nick is another one.
    hub.say(bob, .nick(ref: nil, nick: "robert"))
    hub.disconnect(bob)
    hub.say(alice, .leave(ref: nil, group: "@ops"))
    _ = hub.take(alice)
    hub.post(alice, 1, to: "192.168.1.5")
    hub.post(alice, 2, to: "@ops")
    hub.post(alice, 3, to: "bob")
    #expect(hub.take(alice) == first)
    #expect(first.count == 3)
  }
}
