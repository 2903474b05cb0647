import QQHub
import QQJournal
import QQProtocol

/// One simulated world: a hub on a journal, clients on a network that loses them, and virtual time. Everything that
/// happens follows from the seed.
final class World {
  let seed: UInt64
  let bug: PlantedBug?
  let clock = SimClock()
  var random: SplitMix64
  let scenario: Scenario
  var trace = TraceHash()
  var happenings = Happenings()
  private(set) var violations: [Violation] = []
  private let log: ((String) -> Void)?
  /// Faults are over: everything has to come right now.
  private(set) var isCalm = false

  private(set) lazy var oracle = Oracle(self)
  private(set) lazy var journal = SimJournal(self, epoch: "epoch-0")
  private(set) lazy var hub = SimHub(self)
  private(set) var clients: [SimClient] = []
  private var hostiles: [SimHostile] = []
  var hasHostile: Bool { scenario.hostiles > 0 }
  private var connections: [SimConnection] = []
  private var epochs = 0
  private var checks = 0

  init(seed: UInt64, bug: PlantedBug?, isHostile: Bool = false, log: ((String) -> Void)?) {
    self.seed = seed
    self.bug = bug
    self.log = log
    var random = SplitMix64(seed: seed)
    scenario = Scenario(&random, isHostile: isHostile)
    self.random = random
  }

  func note(_ text: @autoclosure () -> String) {
    if let log { log("\(clock.now) ms: \(text())") }
  }

  func violation(_ kind: Violation.Kind, _ text: String) {
    violations.append(Violation(kind: kind, text: text, time: clock.now))
    note("VIOLATION \(violations[violations.count - 1])")
  }

  func opened(_ connection: SimConnection) {
    connections.removeAll { $0.isCut }
    connections.append(connection)
  }

  // MARK: A run

  /// What must have come right this long after the last fault, at the latest.
  private static let patience: Int64 = 1_000_000

  func run() {
    oracle.begin(journal.epoch)
    hub.start()
    clients = scenario.clients.enumerated().map { SimClient(self, number: $0.offset, plan: $0.element) }
    for client in clients { clock.after(random.within(0...500)) { client.start() } }
    hostiles = (0..<scenario.hostiles).map { SimHostile(self, number: $0) }
    for hostile in hostiles { clock.after(random.within(0...1_000)) { hostile.start() } }
    scheduleFaults()
    pass(until: scenario.duration)
    isCalm = true
    note("no more faults")
    for hostile in hostiles { hostile.end() }
    if !hub.isRunning { hub.start() }
    var rounds = 0
    while violations.isEmpty, waitingFor != nil, clock.now < scenario.duration + Self.patience {
      pass(until: clock.now + 500)
      rounds += 1
      if rounds % 60 == 0 { for client in clients { client.restartIfFollowing() } }
    }
    readHistories(until: clock.now + Self.patience)
    if violations.isEmpty {
      if let waiting = waitingFor { violation(.stuck, waiting) }
      checkEnd()
    }
    clock.clear()
  }

  /// By now nothing changes, but connections and pages are as slow as ever.
  private func readHistories(until end: Int64) {
    let readers = (0..<scenario.userCount).map { SimHistory(self, user: $0) }
    for reader in readers { reader.start() }
    while violations.isEmpty, readers.contains(where: { !$0.isDone }) || waitingFor != nil, clock.now < end {
      pass(until: clock.now + 500)
    }
    if violations.isEmpty, readers.contains(where: { !$0.isDone }) { violation(.stuck, "a history isn't answered") }
  }

  private func pass(until end: Int64) {
    while violations.isEmpty, clock.step(until: end) {}
  }

  /// What hasn't come right yet.
  private var waitingFor: String? {
    if !hub.isUp { return "the hub is down" }
    if hub.applied < journal.durableCount { return "the hub has applied \(hub.applied) of \(journal.durableCount)" }
    for client in clients {
      if let unfinished = client.unfinished { return unfinished }
    }
    if hub.connectionCount != clients.count { return "the hub has \(hub.connectionCount) connections" }
    if let now = hub.footprint, now.live != now.readers {
      return "the hub has written to \(now.live) of \(now.readers)"
    }
    return hub.uncommitted > 0 || hub.footprint?.moves != 0 ? "the hub has \(hub.uncommitted) records to commit" : nil
  }

  // MARK: Faults

  private func scheduleFaults() {
    let faults = scenario.faults
    again(faults.cut) { [self] in cut() }
    again(faults.crash) { [self] in crash() }
    again(faults.stop) { [self] in
      hub.stop()
      restartLater()
    }
    again(faults.kill) { [self] in random.pick(clients).die() }
    again(faults.slow) { [self] in random.pick(clients).stopReading(for: random.within(50...4_000)) }
    again(faults.retention) { [self] in
      if journal.durableCount > 0 {
        hub.removed(before: journal.remove(before: random.within(1...journal.durableCount)))
      }
    }
    again(faults.clock) { [self] in
      happenings[.clockJump] += 1
      hub.clockOffset += random.within(-3_000...3_000)
    }
    again(faults.wipe) { [self] in wipe() }
  }

  /// At random intervals with that mean, until the faults are over; never where it is 0.
  private func again(_ mean: Int64, _ fault: @escaping () -> Void) {
    guard mean > 0 else { return }
    clock.after(random.within(mean / 2...mean * 3 / 2)) { [self] in
      guard !isCalm else { return }
      fault()
      again(mean, fault)
    }
  }

  private func cut() {
    connections.removeAll { $0.isCut }
    guard !connections.isEmpty else { return }
    let limit = scenario.halfOpen
    // Each side notices at once, soon, or only when its keep-alive gives up.
    let notices: [Int64] = [0, random.within(1...300), random.within(1...limit)]
    random.pick(connections).cut(clientNotices: random.pick(notices), hubNotices: random.pick(notices))
  }

  private func crash() {
    hub.crash(isSilent: random.chance(0.3))
    restartLater()
  }

  private func restartLater() {
    clock.after(random.within(20...2_500)) { [self] in
      if !hub.isRunning { hub.start() } else if !hub.isUp { restartLater() }
    }
  }

  private func wipe() {
    hub.crash(isSilent: false)
    epochs += 1
    happenings[.wipe] += 1
    note("the data directory is replaced")
    journal.wipe(epoch: "epoch-\(epochs)")
    restartLater()
  }

  // MARK: Checks

  /// Bounds that hold at every moment.
  func checkHub() {
    checks += 1
    guard checks % 16 == 0, let footprint = hub.footprint else { return }
    // Of the tail at least one segment stays.
    if footprint.tailBytes > max(scenario.tailCapacity, scenario.catchUpBytes + scenario.line) {
      violation(.unbounded, "\(footprint.tailBytes) bytes of tail")
    }
    if hub.bufferedBytes != footprint.tailBytes {
      violation(.unbounded, "\(hub.bufferedBytes) bytes are buffered for \(footprint.tailBytes) in the tail")
    }
    // What the store's look-ups see is not kept a second time.
    if Seq(footprint.recentIDs) > hub.applied - journal.projectedAtDelivery {
      violation(.unbounded, "\(footprint.recentIDs) ids")
    }
    if footprint.sessions > hub.connectionCount + scenario.clients.count * 8 {
      violation(.unbounded, "\(footprint.sessions) sessions for \(hub.connectionCount) connections")
    }
    if let excess = footprint.excess(users: journal.view.users.count) { violation(.unbounded, excess) }
    // A full channel, the answers until it is asked, and one more page and line.
    let most = scenario.highWatermark + 256 << 10 + 2 * scenario.catchUpBytes + 3 * scenario.line + SimHub.presence
    if hub.largestBacklog > most { violation(.unbounded, "\(hub.largestBacklog) bytes wait for one peer") }
  }

  private func checkEnd() {
    // In another epoch a script begins again where it was.
    if epochs == 0 { oracle.checkOrder() }
    oracle.checkProjection(journal.view)
    guard let left = hub.footprint else { return }
    if left.sessions != clients.count || left.receipts + left.wantedReceipts + left.questions > 0
      || left.holders > left.readers
    {
      violation(.unbounded, "what is left when nothing happens: \(left)")
    }
  }
}
