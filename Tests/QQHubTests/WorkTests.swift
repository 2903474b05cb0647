import Glibc
import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

/// What a frame costs a hub, counted in the units of its turns, with ten times of everything.
/// Counted is what the hub says it spends. `QQ_TIMES=1` prints beside it what the processor took, which shows what the
/// hub doesn't count: read it by hand, since times are noisy.
@Suite("work") struct WorkTests {
  /// A hub that has been used for a while: users of whom a tenth reads and a tenth watches, groups with members, invites,
  /// messages to all and to one, offers, files, renames, readers that named cursors, senders who wait for receipts.
  private struct Used {
    let hub = HubHarness { configuration in
      configuration.ownerKeys = [[UInt8](repeating: 9, count: 32)]
      configuration.sessions = SessionLimits(total: 100_000, owners: 1, user: 1_000, source: 100_000)
    }
    let mallory: SessionID
    let owner: SessionID

    init(_ size: Int) {
      var first: SessionID?
      for number in 0..<size {
        let key = [UInt8(number & 0xff), UInt8(number >> 8)] + [UInt8](repeating: 7, count: 30)
        let id = hub.open("fd00::\(number + 1)", keyBytes: key)
        hub.say(id, .hello(.init(nick: "user-\(number)", isExplicit: true)))
        guard case .welcome? = hub.take(id).first else { preconditionFailure("user-\(number) isn't welcomed") }
        hub.say(id, .join(ref: nil, group: "g\(number)"), .join(ref: nil, group: "everyone"))
        if number % 10 == 1 { hub.listen(id, cursor: "shelf") }
        if number % 10 == 2 { hub.say(id, .who(.init(ref: nil, watch: true))) }
        if number % 10 == 3 { hub.say(id, .nick(ref: nil, nick: "renamed-\(number)")) }
        _ = hub.take(id)
        if number % 10 > 4 { hub.disconnect(id) }
        if first == nil { first = id }
      }
      owner = hub.connect("owner", key: 9)
      mallory = hub.connect("mallory", key: 1)
      hub.say(mallory, .join(ref: nil, group: "everyone"), .nick(ref: nil, nick: "mal"))
      let talker = first ?? mallory
      for number in 0..<UInt64(4 * size) {
        let targets = ["@all", "mal", "@everyone", "user-0"]
        hub.post(talker, number, to: targets[Int(number % 4)], wantsReceipts: number % 8 == 1)
        hub.post(mallory, number, to: "user-0", wantsReceipts: number % 2 == 0)
        if number % 4 == 0 { _ = hub.offer(talker, number, to: "mal", size: 10) }
        if number % 4 == 1, number < 300 {
          hub.say(owner, .invite(ref: nil, hash: Digest(of: [UInt8(number & 0xff)]), nick: nil, lifetime: 1_000_000))
        }
      }
      precondition(hub.hub.footprint.groups == size + 1 && hub.hub.footprint.receipts > size)
      for id in hub.openSessions { _ = hub.take(id) }
    }

    /// Units, and the microseconds that the processor took.
    func cost(_ id: SessionID, _ frames: [ClientFrame]) -> (units: Int, time: Int) {
      let before = hub.hub.workSpent
      let start = Self.processorTime()
      hub.receive(.frames(id, frames))
      return (hub.hub.workSpent - before, Self.processorTime() - start)
    }

    private static func processorTime() -> Int {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
    }
  }

  /// One at least of each kind.
  private static let frames: [ClientFrame] = {
    let id = MessageID(high: 9, low: 9)
    let hash = Digest(of: [1])
    let file = FileInfo(name: "a", size: 10, mode: 0o644)
    return [
      .hello(.init(nick: "again")),
      .send(.init(ref: 1, id: id, to: ["user-0"], text: "x")),
      .send(.init(ref: 1, id: id, to: ["nobody-at-all"], text: "x")),
      .send(.init(ref: 1, id: id, to: ["@nowhere"], text: "x")),
      .send(.init(ref: 1, id: id, to: ["@g1"], text: "x")),
      .send(.init(ref: 1, id: id, to: ["@everyone"], text: "x")),
      .send(.init(ref: 1, id: id, to: ["@all"], text: "x")),
      .send(.init(ref: 1, id: id, to: ["fd00::2"], text: "x")),
      .send(.init(ref: 1, id: id, to: ["10.1.2.3"], text: "x", lastSeen: true)),
      .send(.init(ref: 1, id: id, to: ["mal"], text: "x", wantsReceipts: true)),
      .send(.init(ref: 1, id: id, to: ["user-0"], text: "", file: file)),
      .listen(.init(ref: 1, after: .now)), .listen(.init(ref: 1, after: .unread, cursor: "c", holds: true)),
      .ack(seq: 1), .cursor(ref: 1, name: "c"), .cursor(ref: 1, name: "none"),
      .join(ref: 1, group: "g"), .join(ref: 1, group: "everyone"), .leave(ref: 1, group: "everyone"),
      .leave(ref: 1, group: "nowhere"), .nick(ref: 1, nick: "other"), .nick(ref: 1, nick: "user-0"), .ping(ref: 1),
      .invite(ref: 1, hash: hash, nick: nil, lifetime: 1_000), .revoke(ref: 1, invite: "none"),
      .remove(ref: 1, user: "nobody"), .restore(ref: 1, user: "nobody"), .status(ref: 1), .backup(ref: 1, keep: 1),
      .upload(ref: 1, id: id), .put(Chunk(offset: 0, size: 1, hash: hash)),
      .finish(ref: 1, size: 1, hash: HubHarness.hash([1])), .get(.init(ref: 1, file: .id(id))),
      .get(.init(ref: 1, file: .seq(3))), .got(offset: 1), .withdraw(ref: 1, id: id), .saved(ref: 1, seq: 3),
      .saved(ref: 1, seq: 1 << 50), .history(.init(ref: 1, target: "nobody")),
      .history(.init(ref: 1, limit: 1)), .history(.init(ref: 1, target: "@everyone", limit: 1)),
      .history(.init(ref: 1, after: 0, limit: 1)), .files(ref: 1, after: 1 << 40), .files(ref: 1, after: 0),
      .invites(ref: 1), .who(.init(ref: 1)), .who(.init(ref: 1, all: true)),
    ]
  }()

  /// These list what there is, tell those who watch, or reach a group's members: each is paid for, and others have
  /// their turns between.
  private static func paysForEach(_ frame: ClientFrame) -> Bool {
    switch frame {
    case .who, .invites, .files, .listen: true
    case .send(let send): send.to == ["@everyone"]
    default: false
    }
  }

  @Test("a frame costs about the same with ten times the users, groups, messages, offers and readers")
  func tenfold() {
    let isShown = getenv("QQ_TIMES") != nil
    for frame in Self.frames {
      // Made anew for each: what one frame changes isn't what the next one meets.
      let (small, large) = (Used(40), Used(400))
      for (who, of) in [("member", \Used.mallory), ("owner", \Used.owner)] {
        let few = small.cost(small[keyPath: of], [frame])
        let many = large.cost(large[keyPath: of], [frame])
        if isShown { print(who, few.units, many.units, "\(few.time) \(many.time) us", "\(frame)".prefix(90)) }
        #expect(many.units <= (Self.paysForEach(frame) ? 20 : 2) * few.units + 8, "\(frame)")
      }
      #expect(small.hub.violations + large.hub.violations == [])
    }
  }

  @Test("every kind of frame is among those")
  func complete() {
    let kinds = Set(Self.frames.compactMap { Mirror(reflecting: $0).children.first?.label })
    let all = HostileFrames.fields.keys.filter { $0 != "offer" }
    #expect(kinds == Set(all))
  }
}
