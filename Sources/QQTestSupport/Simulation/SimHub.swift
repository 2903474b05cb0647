import QQHub
import QQJournal
import QQProtocol

/// The machine a hub runs on: the real core, and around it what `HubRunner` and `Connection` do, in virtual time. It
/// can crash, stop in good order and start again on the same journal.
final class SimHub {
  private unowned let world: World
  private var hub: Hub?
  private var queue: [HubEvent] = []
  private var isDraining = false
  private var connections: [SessionID: SimHubConnection] = [:]
  private var buffers: [UInt64: [UInt8]] = [:]
  private var firstBuffer: UInt64 = 1
  private var timer: Timestamp?
  private(set) var isCongested = false
  private var nextSession: SessionID = 1
  /// Stopping: nobody new is accepted.
  private var isStopping = false
  /// Counts processes.
  private(set) var process: UInt32 = 0
  /// What the machine's clock shows beyond virtual time; it may jump.
  var clockOffset: Int64 = 1_700_000_000_000

  init(_ world: World) { self.world = world }

  var isRunning: Bool { hub != nil }
  /// Accepts connections: not before what the process before left in the journal is applied, or somebody might be told
  /// that a group doesn't exist which is only not read yet.
  var isUp: Bool { hub != nil && !isStopping && !world.journal.isReplaying }
  var footprint: HubFootprint? { hub?.footprint }
  var uncommitted: Int { hub?.uncommitted ?? 0 }
  var applied: Seq { hub?.applied ?? 0 }

  private var time: Timestamp { Timestamp(milliseconds: world.clock.now + clockOffset) }

  // MARK: Processes

  func start() {
    process += 1
    world.note("the hub starts, process \(process)")
    var configuration = HubConfiguration(name: "hub", instance: world.bug == .reusesInstance ? 1 : process)
    configuration.admission = .everybody
    configuration.tailCapacity = world.scenario.tailCapacity
    configuration.catchUpBytes = world.scenario.catchUpBytes
    configuration.turns = world.scenario.turns
    configuration.cursorDelay = world.scenario.cursorDelay
    hub = Hub(configuration, world.journal.load())
    isStopping = false
    nextSession = 1
    firstBuffer = 1
    world.journal.start { [self] batch in enqueue(.committed(batch)) }
  }

  /// The process ends at this instant. `isSilent`: the machine went too, and tells no peer.
  func crash(isSilent: Bool) {
    guard hub != nil else { return }
    world.happenings[.crash] += 1
    world.note("the hub crashes\(isSilent ? " with its machine" : "")")
    hub = nil
    queue = []
    buffers = [:]
    timer = nil
    isCongested = false
    isTurnDue = false
    isStopping = false
    world.journal.crash()
    let all = connections.sorted { $0.key < $1.key }.map(\.value)
    connections = [:]
    for connection in all { connection.crashed(isSilent: isSilent) }
  }

  /// As `HubRunner.stop`: what was read is committed and answered, then every connection is closed.
  func stop() {
    guard hub != nil, !isStopping else { return }
    world.happenings[.stop] += 1
    world.note("the hub stops")
    isStopping = true
    let process = process
    world.journal.close { [self] in
      // Not within an event of the hub's.
      world.clock.after(0) { [self] in
        guard process == self.process, hub != nil else { return }
        for (_, connection) in connections.sorted(by: { $0.key < $1.key }) { connection.put(.close) }
        world.clock.after(3_000) { [self] in
          if process == self.process { crash(isSilent: false) }
        }
      }
    }
  }

  func accept(_ connection: SimConnection, _ peer: Peer) {
    let id = nextSession
    nextSession += 1
    let end = SimHubConnection(id, world, connection, loop: world.random.below(world.scenario.loops))
    connections[id] = end
    end.submit(.opened(id, peer))
  }

  /// A connection's end that noticed it is gone.
  func closed(_ id: SessionID) {
    if world.bug != .keepsRows || !world.hasHostile { enqueue(.closed(id)) }
    connections[id] = nil
  }

  /// Messages before this seq are kept no longer.
  func removed(before seq: Seq) { enqueue(.removed(before: seq)) }

  // MARK: Events

  func enqueue(_ event: HubEvent) {
    guard hub != nil else { return }
    queue.append(event)
    guard !isDraining else { return }
    isDraining = true
    hub?.beginTurn()
    var next = 0
    while next < queue.count {
      while next < queue.count {
        let event = queue[next]
        next += 1
        let before = hub?.workSpent ?? 0
        guard let effects = hub?.receive(event, now: time) else { break }
        let spent = (hub?.workSpent ?? 0) - before
        if spent > Self.workAtOnce { world.violation(.unbounded, "one event costs \(spent)") }
        caughtUp = [:]
        for effect in effects { perform(effect) }
      }
      for connection in touched { connection.deliver() }
      touched = []
    }
    queue.removeAll(keepingCapacity: true)
    isDraining = false
    giveTurns()
    regulate()
    schedule()
    world.checkHub()
  }

  private var touched: [SimHubConnection] = []
  private var isTurnDue = false
  /// Turns in a row at one moment.
  private var turnsInARow = (count: 0, time: Int64(0))
  /// What everybody may have said at once has been answered by then, a line a turn.
  private static let mostInARow = 1_000_000

  private func giveTurns() {
    guard hub?.hasWork == true, !isTurnDue else { return }
    isTurnDue = true
    if turnsInARow.time != world.clock.now { turnsInARow = (0, world.clock.now) }
    turnsInARow.count += 1
    guard turnsInARow.count <= Self.mostInARow else {
      return world.violation(.unbounded, "turns are taken without an end")
    }
    let process = process
    world.clock.after(world.random.within(world.scenario.turnDelay)) { [self] in
      guard process == self.process else { return }
      isTurnDue = false
      enqueue(.turn)
    }
  }

  private func schedule() {
    guard let deadline = hub?.deadline, timer.map({ deadline < $0 }) ?? true else { return }
    timer = deadline
    let process = process
    world.clock.after(max(0, deadline - time)) { [self] in
      guard process == self.process, timer == deadline else { return }
      timer = nil
      enqueue(.tick(deadline))
    }
  }

  private func perform(_ effect: Effect) {
    let journal = world.journal
    switch effect {
    case .append(let records): journal.append(records)
    case .project(let projection): journal.project(projection)
    case .page(let query, let token): journal.page(query) { [self] in enqueue(.page(token, $0)) }
    case .locate(let time, let token): journal.seq(before: time) { [self] in enqueue(.located(token, $0)) }
    case .reply(let id, let bytes): put(.reply(bytes), to: id)
    case .publish(let segment, let bytes): buffers[segment] = bytes
    case .write(let write): perform(write)
    case .catchUp(let id, let bytes):
      count(bytes.count, for: id)
      put(.catchUp(bytes), to: id)
    case .forget(let through):
      while firstBuffer <= through, world.bug != .keepsSegments {
        buffers[firstBuffer] = nil
        firstBuffer += 1
      }
    case .close(let id): put(.close, to: id)
    // Nobody offers files in this world: `TransferWorld` is theirs.
    case .spool, .bulk, .taken: break
    case .confirm(let id): put(.confirm, to: id)
    case .consumed(let id, let batches): put(.consumed(batches), to: id)
    case .welcomed(let id): put(.welcomed, to: id)
    // Nor does anybody run the hub.
    case .log, .report, .backUp: break
    }
  }

  private func perform(_ write: Write) {
    guard let whole = buffers[write.segment] else {
      return world.violation(.divergence, "segment \(write.segment) was forgotten before it was written")
    }
    let lines = Array(whole[write.bytes])
    if write.isCatchUp { for id in write.sessions { count(lines.count, for: id) } }
    for id in write.sessions { put(write.isCatchUp ? .catchUp(lines) : .live(lines, after: write.after), to: id) }
  }

  /// One event gives a session that is behind what was agreed, and the rest of the batch that reaches it.
  private func count(_ bytes: Int, for id: SessionID) {
    caughtUp[id, default: 0] += bytes
    let most = 2 * world.scenario.catchUpBytes + world.scenario.line
    if caughtUp[id, default: 0] > most {
      world.violation(.unbounded, "\(bytes) bytes at once to a session that is behind")
    }
  }

  /// Units of `Turns`: all that one round may cost, and the dearest frame that may begin in it.
  private static let workAtOnce = 4_096 + 256 * 130
  private var caughtUp: [SessionID: Int] = [:]

  private func put(_ output: SimHubConnection.Output, to id: SessionID) {
    guard let connection = connections[id] else { return }
    connection.take(output)
    touched.append(connection)
  }

  /// Senders are read no faster than the journal commits.
  private func regulate() {
    guard let hub else { return }
    let limit = world.scenario.congestion
    if hub.uncommitted > limit {
      if !isCongested { world.happenings[.congestion] += 1 }
      isCongested = true
    } else if isCongested, hub.uncommitted <= limit / 2 {
      isCongested = false
      for (_, connection) in connections.sorted(by: { $0.key < $1.key }) { connection.resumeReading() }
    }
  }

  /// Of who comes and goes, to those who watch.
  static let presence = 1 << 20

  /// The most that waits for one peer.
  var largestBacklog: Int { connections.values.reduce(0) { max($0, $1.backlog) } }
  var bufferedBytes: Int { buffers.values.reduce(0) { $0 + $1.count } }
  var connectionCount: Int { connections.count }
}
