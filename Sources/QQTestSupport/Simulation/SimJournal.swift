import QQJournal
import QQProtocol

/// A journal and its store on a disk that survives crashes. What was appended is committed in groups, after a while;
/// what was committed is delivered, after another while; projections ride with the next commit, so that a crash leaves
/// them behind the journal. The semantics are those of `Journal` and `Store`.
final class SimJournal {
  private unowned let world: World
  // On the disk.
  private(set) var epoch: String
  private(set) var log: [Record] = []
  private var durable = SimProjection()
  // In the process.
  private(set) var view = SimProjection()
  private var queued: [Record] = []
  private var projections: [Projection] = []
  private var isCommitting = false
  private(set) var isReplaying = false
  private var whenClosed: (() -> Void)?
  private var sink: ((CommittedBatch) -> Void)?
  /// Counts processes: what one has begun means nothing to the next.
  private var process = 0
  private var lastDelivery: Int64 = 0
  private var undelivered = 0
  private var lastAnswer: Int64 = 0
  private var unanswered = 0
  /// How far the projection had come when what was delivered last was looked up.
  private(set) var projectedAtDelivery: Seq = 0
  /// How many records a real commit has made durable; an acknowledgement before that is a lie.
  var durableCount: Seq { Seq(log.count) }

  init(_ world: World, epoch: String) {
    self.world = world
    self.epoch = epoch
  }

  private var scenario: Scenario { world.scenario }

  // MARK: A process begins and ends

  func load() -> Snapshot {
    view = durable
    projectedAtDelivery = view.applied
    return view.snapshot(epoch: epoch, time: log.last?.time ?? Timestamp(milliseconds: 0))
  }

  func start(_ sink: @escaping (CommittedBatch) -> Void) {
    self.sink = sink
    isReplaying = true
    replay(after: view.applied, through: Seq(log.count))
  }

  private func replay(after: Seq, through: Seq) {
    guard after < through, world.bug != .skipsReplay else {
      isReplaying = false
      return commit()
    }
    let count = Seq(1 + world.random.below(scenario.replayBatch))
    let end = min(through, after + count)
    let process = process
    world.clock.after(world.random.within(scenario.pageDelay)) { [self] in
      guard process == self.process else { return }
      world.happenings[.replay] += 1
      deliver(after: after, through: end)
      replay(after: end, through: through)
    }
  }

  /// The process dies. A commit under way has reached the disk or hasn't.
  func crash() {
    process += 1
    let committing = isCommitting ? inFlight : nil
    inFlight = nil
    if let committing, world.random.chance(0.5) { keep(committing) }
    sink = nil
    queued = []
    projections = []
    isCommitting = false
    isReplaying = false
    whenClosed = nil
    undelivered = 0
    unanswered = 0
  }

  /// The data directory is replaced by an empty one.
  func wipe(epoch: String) {
    self.epoch = epoch
    log = []
    durable = SimProjection()
    world.oracle.begin(epoch)
  }

  /// Commits and delivers what was appended, then is done.
  func close(_ done: @escaping () -> Void) {
    whenClosed = done
    commit()
  }

  // MARK: Committing

  private struct Transaction {
    var records: [Record]
    var projections: [Projection]
    var earlier: [Earlier?]
    var projected: Seq
  }

  private var inFlight: Transaction?

  func append(_ records: [Record]) {
    // After closing nothing is taken; whoever asked is not answered.
    guard whenClosed == nil else { return }
    queued += records
    commit()
  }

  private func commit() {
    guard !isCommitting, !isReplaying, sink != nil else { return }
    guard !queued.isEmpty else {
      if undelivered == 0, let done = whenClosed {
        for projection in projections { _ = durable.apply(projection) }
        projections = []
        done()
      }
      return
    }
    isCommitting = true
    let earlier = queued.map { record -> Earlier? in
      guard case .message(let body) = record.body, world.bug != .forgetsIDs else { return nil }
      return view.earlier(body, log)
    }
    let projected = world.bug == .forgetsIDs ? .max : view.applied
    let transaction = Transaction(records: queued, projections: projections, earlier: earlier, projected: projected)
    inFlight = transaction
    queued = []
    projections = []
    let process = process
    if world.bug == .acknowledgesBeforeCommit { deliverLater(transaction, after: Seq(log.count)) }
    world.clock.after(world.random.within(scenario.commitDelay)) { [self] in
      guard process == self.process else { return }
      isCommitting = false
      inFlight = nil
      let after = Seq(log.count)
      keep(transaction)
      if world.bug != .acknowledgesBeforeCommit { deliverLater(transaction, after: after) }
      commit()
    }
  }

  private func keep(_ transaction: Transaction) {
    log += transaction.records
    for projection in transaction.projections { _ = durable.apply(projection) }
    world.trace.add(Int64(log.count))
    world.oracle.committed(transaction.records)
  }

  private func deliverLater(_ transaction: Transaction, after: Seq) {
    let batch = CommittedBatch(
      records: transaction.records.indices.map { index in
        Committed(
          seq: after + Seq(index) + 1, record: transaction.records[index], earlier: transaction.earlier[index])
      }, projected: transaction.projected)
    let process = process
    undelivered += 1
    lastDelivery = max(lastDelivery, world.clock.now + world.random.within(scenario.deliveryDelay))
    world.clock.after(lastDelivery - world.clock.now) { [self] in
      guard process == self.process else { return }
      undelivered -= 1
      projectedAtDelivery = min(batch.projected, view.applied)
      sink?(batch)
      if whenClosed != nil { commit() }
    }
  }

  /// Records of the disk, for a process that replays them.
  private func deliver(after: Seq, through: Seq) {
    var records: [Committed] = []
    for seq in (after + 1)...through {
      let record = log[Int(seq) - 1]
      var earlier: Earlier?
      if case .message(let body) = record.body { earlier = view.earlier(body, log) }
      records.append(Committed(seq: seq, record: record, earlier: earlier))
    }
    projectedAtDelivery = view.applied
    sink?(CommittedBatch(records: records, projected: view.applied))
  }

  // MARK: The store

  func project(_ projection: Projection) {
    projections.append(projection)
    if let finding = view.apply(projection) { world.violation(finding.kind, finding.text) }
  }

  func page(_ query: PageQuery, _ answer: @escaping (Page) -> Void) {
    world.happenings[.page] += 1
    var query = query
    if world.bug == .ignoresStays {
      for index in query.spans.indices {
        if case .group = query.spans[index].conversation { query.spans[index].through = .max }
      }
    }
    later { [self] in answer(view.page(query, limit: scenario.pageLimit, log)) }
  }

  func seq(before time: Timestamp, _ answer: @escaping (Seq) -> Void) {
    later { [self] in answer(view.seq(before: time, log)) }
  }

  /// Answers come in the order of the questions, at once or after a while, and see what was projected until then.
  private func later(_ answer: @escaping () -> Void) {
    let delay = world.random.chance(0.2) ? 0 : world.random.within(scenario.pageDelay)
    if delay == 0, unanswered == 0 { return answer() }
    lastAnswer = max(lastAnswer, world.clock.now + delay)
    unanswered += 1
    let process = process
    world.clock.after(lastAnswer - world.clock.now) { [self] in
      guard process == self.process else { return }
      unanswered -= 1
      answer()
    }
  }

  /// Retention: messages before a seq go, if they were projected on the disk.
  /// Gives the first seq that is kept.
  @discardableResult
  func remove(before seq: Seq) -> Seq {
    let seq = min(seq, durable.applied + 1)
    durable.remove(before: seq)
    view.remove(before: seq)
    world.oracle.removed(before: seq)
    return view.floor
  }
}
