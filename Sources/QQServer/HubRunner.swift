import DequeModule
import Glibc
import Logging
import NIOCore
import QQHub
import QQJournal
import QQProtocol
import QQSpool
import QQTransport
import Synchronization

/// Runs the hub's core on one event loop: a queue of events, and the effects performed in their order.
///
/// `@unchecked Sendable`: everything but `congestion` belongs to `loop`; other threads only submit.
final class HubRunner: @unchecked Sendable {
  let loop: any EventLoop
  var hub: Hub
  private let journal: any Journal
  private let store: any Store
  let spool: Spool
  /// nil where there is nothing to copy.
  let backups: Backups?
  let logger: Logger
  private let ports: [LoopPort]
  private let onFailure: @Sendable (String) -> Void

  private var queue: Deque<HubEvent> = []
  private var isDraining = false
  private var isTurnDue = false
  /// nil where the loop has no network, as in a test.
  private var bell: Bell?
  private var connections: [SessionID: Connection] = [:]
  private var buffers: [UInt64: ByteBuffer] = [:]
  private var firstBuffer: UInt64 = 1
  private var timer: (deadline: Timestamp, task: Scheduled<Void>)?
  private let congestion = Atomic<Bool>(false)
  private var uncommittedBytes = 0
  private(set) var hasFailed = false
  var metrics = HubMetrics()
  let started = HubRunner.clock()
  /// Lines of the log that users can bring about.
  var noteBudget = AnswerBudget(perSecond: 1, burst: 100)
  var notesLeftOut = 0
  private var whenReplayed: CheckedContinuation<Void, Never>?
  private var isStopping = false

  /// Records that may be on their way to the disk before senders are read more slowly.
  private static let congested = 16_384
  private static let congestedBytes = 16 << 20

  init(
    hub: Hub, journal: any Journal, store: any Store, spool: Spool, backups: Backups?, loop: any EventLoop,
    ports: [LoopPort], logger: Logger,
    onFailure: @escaping @Sendable (String) -> Void
  ) {
    self.hub = hub
    self.journal = journal
    self.store = store
    self.spool = spool
    self.backups = backups
    self.loop = loop
    self.ports = ports
    self.logger = logger
    self.onFailure = onFailure
  }

  /// Returns when the records that the store has yet to know are applied, or the journal has failed. Before that nobody
  /// may be let in: a hub that doesn't know its groups yet would refuse them.
  func start(_ bell: Bell? = nil) async {
    await withCheckedContinuation { waiter in
      onLoop {
        self.bell = bell
        self.whenReplayed = waiter
        self.startJournal()
        // The store answers after the replay, and its answer comes by the same way.
        self.store.seq(before: Timestamp(milliseconds: 0)) { [self] _ in
          onLoop { self.replayed() }
        }
      }
    }
  }

  private func replayed() {
    // What is kept is known only now.
    if whenReplayed != nil, !hasFailed {
      spool.start(hub.keptFiles) { [weak self] answer in self?.submit(.spooled(answer)) }
    }
    whenReplayed?.resume()
    whenReplayed = nil
  }

  func setReserve(_ bytes: Int64) { journal.setReserve(bytes) }

  private func startJournal() {
    journal.setReserve(hub.configuration.journalReserve)
    journal.start { [weak self] event in
      guard let self else { return }
      switch event {
      case .committed(let batch):
        self.onLoop {
          // Replayed ones come before any was appended.
          self.metrics.committed(batch.records, at: Self.seconds)
          self.uncommittedBytes = max(0, self.uncommittedBytes - Self.bytes(batch.records.lazy.map(\.record)))
          self.enqueue(.committed(batch))
        }
      case .refused(let records):
        self.onLoop {
          self.metrics.refused(records.count)
          self.uncommittedBytes = max(0, self.uncommittedBytes - Self.bytes(records))
          self.enqueue(.refused(records))
        }
      case .failed(let reason): self.onLoop { self.fail(reason) }
      }
    }
  }

  func onLoop(_ body: @escaping @Sendable () -> Void) {
    if loop.inEventLoop { body() } else { loop.execute(body) }
  }

  // MARK: Events

  /// On any thread; events of one thread keep their order.
  func submit(_ event: HubEvent) {
    onLoop { self.enqueue(event) }
  }

  func opened(_ connection: Connection, _ peer: Peer) {
    onLoop {
      self.connections[connection.id] = connection
      self.metrics.connected()
      self.enqueue(.opened(connection.id, peer))
      // Its handshake was under way when all others were closed.
      if self.isStopping { self.put(.close, to: connection.id) }
    }
  }

  func closed(_ connection: Connection) {
    onLoop {
      self.enqueue(.closed(connection.id))
      self.connections[connection.id] = nil
    }
  }

  private func enqueue(_ event: HubEvent) {
    guard !hasFailed else { return }
    queue.append(event)
    guard !isDraining else { return }
    isDraining = true
    // Flushing can bring more: a reader that took everything asks for the rest.
    while !queue.isEmpty {
      while let event = queue.popFirst() {
        let now = Self.clock()
        for effect in hub.receive(event, now: now) { perform(effect) }
      }
      for port in ports { port.deliver() }
    }
    isDraining = false
    giveTurns()
    regulate()
    schedule()
  }

  /// Sessions that wait for another turn get it when the network has had its own: see `Bell`.
  private func giveTurns() {
    guard hub.needsTurn, !isTurnDue, !hasFailed else { return }
    isTurnDue = true
    if let bell { bell.ring() } else { loop.execute { self.takeTurn() } }
  }

  /// On the loop, when others have had their turn.
  func takeTurn() {
    guard isTurnDue else { return }
    isTurnDue = false
    // Here alone: a commit is no new round, or a sender whose next messages are committed while the last are answered
    // would be all that this loop ever sees.
    hub.beginTurn()
    enqueue(.turn)
  }

  /// Milliseconds since 1970.
  static func clock() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
  }

  private func schedule() {
    guard let deadline = hub.deadline, timer.map({ deadline < $0.deadline }) ?? true else { return }
    timer?.task.cancel()
    // By the hub's own time, which doesn't go back with the clock.
    let delay = max(0, deadline - hub.now)
    let task = loop.assumeIsolated().scheduleTask(in: .milliseconds(delay)) { [weak self] in
      self?.timer = nil
      self?.enqueue(.tick(deadline))
    }
    timer = (deadline, task)
  }

  // MARK: Effects

  private func perform(_ effect: Effect) {
    switch effect {
    case .append(let records):
      uncommittedBytes += Self.bytes(records)
      metrics.appended(records.count, at: Self.seconds)
      journal.append(records)
    case .project(let projection): store.project(projection)
    case .page(let query, let token):
      store.page(query) { [weak self] page in self?.submit(.page(token, page)) }
    case .locate(let time, let token):
      store.seq(before: time) { [weak self] seq in self?.submit(.located(token, seq)) }
    case .reply(let id, let bytes): put(.reply(ByteBuffer(bytes: bytes)), to: id)
    case .publish(let segment, let bytes): buffers[segment] = ByteBuffer(bytes: bytes)
    case .write(let write): perform(write)
    case .catchUp(let id, let bytes): put(.catchUp(ByteBuffer(bytes: bytes)), to: id)
    case .spool(let request): spool.request(request)
    case .bulk(let id, let line, let raw):
      var buffer = ByteBufferAllocator().buffer(capacity: line.count + raw.count)
      buffer.writeBytes(line)
      buffer.writeBytes(raw)
      put(.catchUp(buffer), to: id)
    case .taken(let id): put(.stored, to: id)
    case .welcomed(let id): put(.welcomed, to: id)
    case .consumed(let id, let batches): put(.consumed(batches), to: id)
    case .confirm(let id): put(.confirm, to: id)
    case .forget(let through):
      while firstBuffer <= through {
        buffers[firstBuffer] = nil
        firstBuffer += 1
      }
    case .log(let note): log(note)
    case .report(let id, let ref): put(.reply(ByteBuffer(bytes: report(ref))), to: id)
    case .backUp(let keep): backUp(keep)
    case .close(let id): put(.close, to: id)
    }
  }

  private func perform(_ write: Write) {
    guard let whole = buffers[write.segment],
      let lines = whole.getSlice(at: whole.readerIndex + write.bytes.lowerBound, length: write.bytes.count)
    else { return }
    metrics.delivered(
      lines: lines.withUnsafeReadableBytes(HubMetrics.lines), bytes: lines.readableBytes, to: write.sessions.count)
    let output: Connection.Output = write.isCatchUp ? .catchUp(lines) : .live(lines, after: write.after)
    for id in write.sessions { put(output, to: id) }
  }

  @inline(__always)
  private func put(_ output: Connection.Output, to id: SessionID) {
    guard let connection = connections[id] else { return }
    connection.port.put(output, to: connection)
  }

  // MARK: Telling

  /// Of a clock that doesn't jump.
  private static var seconds: Double { Double(NIODeadline.now().uptimeNanoseconds) / 1_000_000_000 }

  // MARK: Pace

  /// Senders are read no faster than the journal commits.
  var isCongested: Bool { congestion.load(ordering: .relaxed) }

  /// What records take in memory, about.
  private static func bytes(_ records: some Sequence<Record>) -> Int {
    records.reduce(0) { $0 + $1.size }
  }

  private func regulate() {
    if hub.uncommitted > Self.congested || uncommittedBytes > Self.congestedBytes {
      congestion.store(true, ordering: .relaxed)
    } else if isCongested, hub.uncommitted < Self.congested / 2, uncommittedBytes < Self.congestedBytes / 2 {
      congestion.store(false, ordering: .relaxed)
      for port in ports { port.resumeReading() }
    }
  }

  // MARK: The end

  private func fail(_ reason: String) {
    guard !hasFailed else { return }
    // What can't be made durable is not answered: the clients will ask again.
    hasFailed = true
    onFailure(reason)
    replayed()
  }

  func logPeerError(_ address: IPAddress, _ error: any Error) {
    logger.debug("connection error", metadata: ["peer": "\(address)", "error": "\(error)"])
  }

  /// Commits and answers all that was read, then closes every connection. `done` is called on `loop` with those that
  /// close themselves once they have written everything.
  func stop(_ done: @escaping @Sendable (Set<SessionID>) -> Void) {
    // What was committed last may have asked something of the spool.
    journal.close { [weak self] in
      guard let self else { return }
      self.onLoop {
        self.isStopping = true
        for connection in self.connections.values { connection.port.put(.close, to: connection) }
        for port in self.ports { port.deliver() }
        done(Set(self.connections.keys))
      }
    }
  }

  var connectionCount: Int { connections.count }
}
