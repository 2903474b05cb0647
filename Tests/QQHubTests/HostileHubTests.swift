import Glibc
import QQHub
import QQJournal
import QQProtocol
import Testing

@testable import QQTestSupport

/// A hub's core among guests and users who say anything, and files that are offered, sent and fetched at odds with
/// themselves: see the simulated worlds for connections, crashes and time. `QQ_SEED` runs one of them, `QQ_HOSTILE_SEEDS`
/// says how many there are.
@Suite("a hub's core among hostile sessions") struct HostileHubTests {
  private static func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

  private static let seeds: [UInt64] =
    number("QQ_SEED").map { [$0] } ?? Array(1...max(1, number("QQ_HOSTILE_SEEDS") ?? 60))

  @Test("friends' messages go on, nothing is kept beyond its bound, and no file beyond its quota", arguments: seeds)
  func holds(_ seed: UInt64) {
    var place = Place(seed)
    for _ in 0..<400 where place.faults.isEmpty { place.step() }
    place.settle()
    #expect(place.faults == [])
  }

  @Test("guests, files that are whole and files that are fetched do come about in them")
  func reaches() {
    var seen: Set<String> = []
    for seed in 1...20 as ClosedRange<UInt64> {
      var place = Place(seed)
      for _ in 0..<400 { place.step() }
      seen.formUnion(place.seen)
      if place.hasWholeFile { seen.insert("whole") }
    }
    for what in ["welcome", "error", "sent", "message", "file", "whole", "chunk", "end", "user", "invite", "guest"] {
      #expect(seen.contains(what), "\(what)")
    }
  }
}

/// One hub and everybody at it.
private struct Place {
  private let hub: HubHarness
  private var random: SplitMix64
  private var values: HostileValues
  private var sessions: [SessionID: Intake] = [:]
  private var friends: (ann: SessionID, ben: SessionID, owner: SessionID) = (0, 0, 0)
  private var said: UInt64 = 0
  private(set) var faults: [String] = []
  /// Kinds of frames that hostile sessions were sent.
  private(set) var seen: Set<String> = []

  var hasWholeFile: Bool {
    hub.committed.contains { committed in
      guard case .message(let body) = committed.record.body, case .complete? = body.attachment else { return false }
      return true
    }
  }

  private static let fileLimits: FileLimits = {
    var limits = FileLimits()
    (limits.file, limits.user, limits.total, limits.userCount, limits.reserve) = (
      3 << 20, 4 << 20, 9 << 20, 12, 1 << 20
    )
    return limits
  }()
  private static let key = [UInt8](repeating: 250, count: 32)

  private struct Intake {
    var lines = LineIntake()
    var isWritable = true
  }

  init(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    hub = HubHarness { configuration in
      configuration.plaintext = .admitted
      configuration.ownerKeys = [Self.key]
      configuration.everybodyInvites = true
      configuration.sessions = SessionLimits(total: 60, owners: 2, user: 5, source: 40)
      configuration.joins = RateLimit(burst: 5, hourly: 3_600)
      configuration.newcomers = RateLimit(burst: 50, hourly: 100)
      configuration.files = Self.fileLimits
      configuration.catchUpBytes = [300, 5_000, 1 << 20][random.below(3)]
      configuration.tailCapacity = [500, 20_000, 1 << 20][random.below(3)]
      configuration.turns.lines = [1, 128][random.below(2)]
      configuration.turns.segments = [1, 2_048][random.below(2)]
      configuration.turns.turn = [1, 1_024][random.below(2)]
      configuration.turns.round = [1, 4_096][random.below(2)]
    }
    values = HostileValues(random: SplitMix64(seed: seed ^ 0x5eed))
    self.random = random
    meet()
  }

  private mutating func meet() {
    sessions = [:]
    friends = (
      hub.connect("ann", key: 101, "192.168.1.7"), hub.connect("ben", key: 102, "192.168.1.8"),
      hub.connect("owner", key: 250, "192.168.1.9")
    )
    hub.listen(friends.ben, after: .now)
  }

  // MARK: What happens

  mutating func step() {
    switch random.below(16) {
    case 0, 1: open()
    case 2: talk()
    case 3: hub.holdsCommits = random.oneIn(2)
    case 4: hub.holdsSpool = random.oneIn(2)
    case 5: hub.holdsReads = random.oneIn(2)
    case 6: hub.holdsTurns = random.oneIn(2)
    case 7:
      hub.commit(1 + random.below(3))
      hub.answerSpool(1 + random.below(3))
      if random.oneIn(2) { hub.answer() }
      hub.receive(.turn)
    case 8: hub.advance(Int64([1, 100, 5_000, 400_000][random.below(4)]))
    case 9:
      hub.spool.free = [0, 1 << 20, 5 << 20, .max][random.below(4)]
      hub.spool.damagesNext = random.oneIn(4)
    case 10: operate()
    case 11: if random.oneIn(8) { restart() }
    default: say()
    }
    read()
    check()
  }

  private mutating func open() {
    let address = ["127.0.0.1", "192.168.1.20", "192.168.1.21", "8.8.8.8", "fd00::9"][random.below(5)]
    let key = random.oneIn(3) ? nil : UInt8(1 + random.below(8))
    let id = hub.open(address, key: key)
    sessions[id] = Intake()
    guard !random.oneIn(10) else { return }
    let nick = key.map { "h\($0)" } ?? "h\(9 + random.below(3))"
    receive(id, Array("{\"type\":\"hello\",\"protocol\":1,\"nick\":\"\(nick)\",\"explicit\":true}\n".utf8))
  }

  private mutating func say() {
    guard let id = sessions.keys.sorted().randomElement(using: &random) else { return }
    switch random.below(12) {
    case 0:
      sessions[id] = nil
      if !hub.isClosed(id) { hub.disconnect(id) }
    case 1: if !hub.isClosed(id) { hub.receive(.finished(id)) }
    case 2:
      sessions[id]?.isWritable.toggle()
      hub.setWritable(id, sessions[id]?.isWritable ?? true)
    case 3, 4, 5: transfer(id)
    default:
      let frame = HostileFrames.all[random.below(HostileFrames.all.count)]
      let times = random.oneIn(6) ? 200 : 1 + random.below(4)
      let isSame = random.oneIn(2)
      let line = values.frame(frame, extremes: [2, 10, 100][random.below(3)])
      receive(
        id, Array((0..<times).map { _ in isSame ? line : values.frame(frame, extremes: 20) }.joined().utf8))
    }
  }

  /// Of a file all of whose steps would be right, some.
  private mutating func transfer(_ id: SessionID) {
    let number = 1 + UInt64(random.below(6))
    let size = [0, 5, Chunk.size, Chunk.size + 7, 2 * Chunk.size][Int(number) % 5]
    let bytes = HubHarness.content(number, size)
    let file = HubHarness.fileID(number)
    var frames: [ClientFrame] = []
    func offer() {
      frames.append(
        .send(
          .init(
            ref: 1, id: file, to: [["@all", "h1", "ben"][Int(number) % 3]], text: "", wantsReceipts: number % 2 == 0,
            file: FileInfo(name: "f", size: Int64(size), mode: 0o644))))
    }
    if random.oneIn(4) { frames.append(.listen(.init(ref: 8, after: .now))) }
    if !random.oneIn(3) { offer() }
    if random.oneIn(2) { frames += [.get(.init(ref: 4, file: .id(file))), .got(offset: Int64(size))] }
    write(id, frames)
    guard !random.oneIn(3) else { return }
    write(id, [.upload(ref: 2, id: file)])
    for start in stride(from: 0, to: size, by: Chunk.size) where !random.oneIn(8) {
      let piece = Array(bytes[start..<min(size, start + Chunk.size)])
      let chunk = Chunk(offset: Int64(start), size: piece.count, hash: Digest(of: piece))
      write(id, [.put(chunk)], behind: piece)
    }
    if !random.oneIn(4) { write(id, [.finish(ref: 3, size: Int64(size), hash: HubHarness.hash(bytes))]) }
    if random.oneIn(3) { write(id, [.withdraw(ref: 5, id: file)]) }
    if random.oneIn(3) { write(id, [.files(ref: 6, after: 0), .saved(ref: 7, seq: hub.hub.applied)]) }
  }

  private mutating func write(_ id: SessionID, _ frames: [ClientFrame], behind raw: [UInt8] = []) {
    var writer = JSONWriter()
    for frame in frames { frame.encode(into: &writer) }
    receive(id, writer.bytes + raw)
  }

  private mutating func receive(_ id: SessionID, _ bytes: [UInt8]) {
    guard !hub.isClosed(id) else { return }
    sessions[id]?.lines.welcomed()
    sessions[id]?.lines.feed(bytes.span.bytes)
    let inputs = sessions[id]?.lines.take() ?? []
    for _ in inputs { sessions[id]?.lines.stored() }
    if !inputs.isEmpty { hub.receive(.received(id, inputs)) }
  }

  private mutating func operate() {
    let nick = "h\(1 + random.below(11))"
    switch random.below(4) {
    case 0: hub.say(friends.owner, .remove(ref: 1, user: nick))
    case 1: hub.say(friends.owner, .restore(ref: 1, user: nick))
    case 2: hub.remove(olderThan: 10_000)
    default: hub.receive(.removed(before: hub.hub.applied / 2))
    }
    _ = hub.take(friends.owner)
  }

  private mutating func restart() {
    finish()
    hub.restart()
    meet()
  }

  /// Everything that is under way comes to its end.
  private func finish() {
    (hub.holdsCommits, hub.holdsSpool, hub.holdsReads, hub.holdsTurns) = (false, false, false, false)
    for _ in 0..<10 {
      hub.commit()
      hub.answerSpool()
      hub.answer()
      hub.receive(.turn)
    }
  }

  private mutating func talk() {
    said += 1
    hub.post(friends.ann, 1_000_000 + said, to: "ben", text: "pair \(said)")
    finish()
    let heard = hub.take(friends.ben).texts.filter { $0.hasPrefix("pair ") }
    if heard != ["pair \(said)"] { faults.append("pair \(said) is due, and ben hears \(heard)") }
    _ = hub.take(friends.ann)
  }

  private mutating func read() {
    for id in sessions.keys.sorted() where sessions[id]?.isWritable == true {
      for (frame, _) in hub.takeOutput(id) {
        if case .welcome(let welcome) = frame, welcome.isGuest { seen.insert("guest") }
        if let kind = Mirror(reflecting: frame).children.first?.label { seen.insert(kind) }
      }
      if hub.isClosed(id) { sessions[id] = nil }
    }
  }

  // MARK: What holds

  private mutating func check() {
    faults += hub.violations
    let footprint = hub.hub.footprint
    if let excess = footprint.excess(users: hub.journal.load().users.count + footprint.guests) { faults.append(excess) }
    let bytes = (Array(hub.spool.parts.values) + Array(hub.spool.blobs.values)).reduce(0) { $0 + $1.bytes.count }
    if bytes > Self.fileLimits.total { faults.append("\(bytes) bytes of files are kept") }
  }

  mutating func settle() {
    for id in sessions.keys.sorted() where !hub.isClosed(id) { hub.disconnect(id) }
    finish()
    talk()
    check()
    let footprint = hub.hub.footprint
    if footprint.sessions != 3 || footprint.guests != 0 || footprint.inputs + footprint.questions != 0 {
      faults.append("left is \(footprint)")
    }
  }
}
