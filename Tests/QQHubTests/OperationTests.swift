import QQHub
import QQProtocol
import QQTestSupport
import Testing

@Suite struct OperationTests {
  private let hub = HubHarness { configuration in configuration.ownerKeys = [Array(repeating: 1, count: 32)] }
  private let owner: SessionID

  init() {
    owner = hub.connect("alice", key: 1)
  }

  private let made = HubFrame.Backup(path: "/data/backups/x", seq: 5, files: 1, bytes: 9)

  @Test("one backup is made at a time; who asked is answered, and the log knows")
  func backup() {
    let other = hub.connect("alice", key: 1)
    hub.say(owner, .backup(ref: 1, keep: 3))
    hub.say(other, .backup(ref: 2, keep: nil))
    #expect(hub.backups == [3])
    #expect(hub.take(owner) == [])
    #expect(hub.errors(other).map(\.code) == ["quota"])
    hub.receive(.backedUp(.made(made)))
    var answer = made
    answer.ref = 1
    #expect(hub.take(owner) == [.backup(answer)])
    #expect(hub.notes.last == .backedUp(path: "/data/backups/x", by: "alice"))
    hub.say(other, .backup(ref: 3, keep: nil))
    hub.receive(.backedUp(.failed("the disk is full")))
    guard case .error(let failure)? = hub.take(other).first else {
      Issue.record("there was no error")
      return
    }
    #expect(failure.code == "backup_failed")
    #expect(failure.ref == 3)
    #expect(failure.message.contains("the disk is full"))
    #expect(hub.notes.last == .backupFailed(reason: "the disk is full", by: "alice"))
    hub.say(other, .backup(ref: 4, keep: nil))
    hub.receive(.backedUp(.impossible))
    #expect(hub.errors(other).map(\.code) == ["backup_failed"])
  }

  @Test("who has said its last waits for its backup, and who has left hinders nobody")
  func leaving() {
    hub.say(owner, .backup(ref: 1, keep: nil))
    hub.receive(.finished(owner))
    #expect(!hub.isClosed(owner))
    hub.receive(.backedUp(.made(made)))
    #expect(hub.isClosed(owner))
    let gone = hub.connect("alice", key: 1)
    hub.say(gone, .backup(ref: 1, keep: nil))
    hub.disconnect(gone)
    hub.receive(.backedUp(.made(made)))
    let next = hub.connect("alice", key: 1)
    hub.say(next, .backup(ref: 1, keep: nil))
    #expect(hub.backups.count == 3)
    #expect(hub.violations == [])
  }

  @Test("what is for owners is for nobody else")
  func owners() {
    let bob = hub.connect("bob", key: 2)
    hub.say(bob, .backup(ref: 1, keep: nil), .status(ref: 2))
    #expect(hub.errors(bob).map(\.code) == ["not_owner", "not_owner"])
    #expect(hub.backups.isEmpty)
    #expect(hub.reports.isEmpty)
    hub.say(owner, .status(ref: 3), .backup(ref: 4, keep: 0))
    #expect(hub.reports.map(\.ref) == [3])
    #expect(hub.errors(owner).map(\.code) == ["bad_field"])
  }

  @Test("the log has who came in and who didn't, once each, and nothing again after a restart")
  func notes() {
    hub.disconnect(hub.connect("bob", key: 2))
    hub.disconnect(hub.connect("bob", key: 2))
    let far = hub.open("8.8.8.8", key: 3)
    hub.say(far, .hello(.init(nick: "eve")))
    _ = hub.take(far)
    hub.say(owner, .remove(ref: 1, user: "bob"), .remove(ref: 2, user: "bob"), .restore(ref: 3, user: "bob"))
    let bob = hub.connect("bob", key: 2)
    hub.say(bob, .nick(ref: 1, nick: "bobby"))
    func address(_ text: String) -> IPAddress { IPAddress(text) ?? IPAddress(v4: 0) }
    func key(_ number: UInt8) -> [UInt8] { Array(repeating: number, count: 32) }
    let expected: [HubNote] = [
      .admitted(nick: "alice", key: key(1), address("127.0.0.1"), invite: nil),
      .admitted(nick: "bob", key: key(2), address("127.0.0.1"), invite: nil),
      .refused(code: "not_admitted", nick: "eve", key: key(3), address("8.8.8.8")),
      .removed(nick: "bob", by: "alice"), .restored(nick: "bob", by: "alice"), .renamed(from: "bob", to: "bobby"),
    ]
    func isKnown(_ note: HubNote) -> Bool { if case .entered = note { true } else { false } }
    #expect(hub.notes.filter { !isKnown($0) } == expected)
    #expect(
      hub.notes.filter(isKnown) == Array(repeating: .entered(nick: "bob", key: key(2), address("127.0.0.1")), count: 2))
    hub.restart()
    #expect(hub.notes.count == expected.count + 2)
  }
}
