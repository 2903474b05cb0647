import DequeModule
import QQProtocol
import Synchronization

/// Journal and store in memory: a ring whose oldest messages go when it is full, and their ids with them. Nothing
/// outlives it. Everything is answered and delivered within the call, or, where a call is made while an event is being
/// delivered, before that delivery's call returns.
public final class MemoryJournal: Journal, Store {
  private let state: Mutex<State>

  /// `capacity` is in bytes, estimated. Records that weren't projected yet don't count.
  public init(epoch: String, capacity: Int = 256 << 20) {
    state = Mutex(State(epoch: epoch, capacity: capacity))
  }

  // MARK: Journal

  public func start(_ sink: @escaping @Sendable (JournalEvent) -> Void) {
    deliver(
      state.withLock { state in
        state.sink = sink
        return state.begin()
      })
  }

  public func append(_ records: [Record]) {
    deliver(
      state.withLock { state in
        state.queue(records)
        return state.begin()
      })
  }

  public func close(_ done: @escaping @Sendable () -> Void) {
    deliver(
      state.withLock { state in
        state.isClosed = true
        state.whenClosed = done
        return state.begin()
      })
  }

  /// Delivers, outside of the lock, until nothing is queued.
  private func deliver(_ first: Step) {
    var step = first
    while case .deliver(let batch, let sink) = step {
      sink(.committed(batch))
      step = state.withLock { $0.next() }
    }
    if case .closed(let done) = step { done() }
  }

  // MARK: Store

  public func load() -> Snapshot {
    state.withLock { $0.snapshot() }
  }

  /// Expects messages in seq order, as applying gives them.
  public func project(_ projection: Projection) {
    // What the ring drops is freed outside of the lock.
    _ = state.withLock { $0.project(projection) }
  }

  public func page(_ query: PageQuery, _ answer: @escaping @Sendable (Page) -> Void) {
    answer(
      state.withLock { state in
        let found = state.ring.page(query)
        return Page(records: found.records, more: found.more, applied: state.applied, floor: state.ring.floor)
      })
  }

  public func seq(before time: Timestamp, _ answer: @escaping @Sendable (Seq) -> Void) {
    answer(state.withLock { $0.seq(before: time) })
  }

  public func remove(before time: Timestamp, idsBefore: Timestamp, _ answer: @escaping @Sendable (Seq) -> Void) {
    answer(state.withLock { $0.remove(before: time) })
  }
}

private enum Step {
  case nothing
  case deliver(CommittedBatch, to: @Sendable (JournalEvent) -> Void)
  case closed(@Sendable () -> Void)
}

private struct Unapplied {
  var record: Record
  /// Of a message's sender and id.
  var hash: Int
}

private struct State {
  var sink: (@Sendable (JournalEvent) -> Void)?
  var isClosed = false
  var whenClosed: (@Sendable () -> Void)?
  private(set) var applied: Seq = 0
  private(set) var ring: MessageRing

  private let epoch: String
  private let capacity: Int
  private var isDelivering = false
  /// Appended and not yet delivered.
  private var queued: [Record] = []
  /// Delivered and not yet projected: the records after `applied`.
  private var unapplied: Deque<Unapplied> = []
  private var time = Timestamp(milliseconds: 0)
  private var rows = Rows()

  init(epoch: String, capacity: Int) {
    self.epoch = epoch
    self.capacity = capacity
    ring = MessageRing()
  }

  // MARK: Delivering

  mutating func queue(_ records: [Record]) {
    guard !isClosed else { return }
    if queued.isEmpty { queued = records } else { queued += records }
  }

  /// What to do first, for a caller that delivers; nothing where one does already.
  mutating func begin() -> Step {
    guard !isDelivering else { return .nothing }
    isDelivering = true
    return next()
  }

  /// What the caller that delivers does next.
  mutating func next() -> Step {
    if let sink, !queued.isEmpty { return .deliver(commit(), to: sink) }
    isDelivering = false
    guard isClosed, let done = whenClosed else { return .nothing }
    whenClosed = nil
    return .closed(done)
  }

  private mutating func commit() -> CommittedBatch {
    let hashes = queued.map(MessageRing.hash)
    let earlier = ring.earlier(queued, hashes: hashes)
    var records: [Committed] = []
    records.reserveCapacity(queued.count)
    var seq = applied + Int64(unapplied.count)
    for (index, record) in queued.enumerated() {
      seq += 1
      records.append(Committed(seq: seq, record: record, earlier: earlier[index]))
      unapplied.append(Unapplied(record: record, hash: hashes[index]))
    }
    if let last = queued.last { time = max(time, last.time) }
    queued = []
    return CommittedBatch(records: records, projected: applied)
  }

  // MARK: Projecting

  /// Gives the messages that were dropped.
  mutating func project(_ projection: Projection) -> [MessageRing.Slot] {
    for change in projection.changes {
      if case .message(let index) = change { keep(index) } else { rows.apply(change) }
    }
    let rest = min(Int(clamping: projection.through - applied), unapplied.count)
    if rest > 0 {
      unapplied.removeFirst(rest)
      applied += Int64(rest)
    }
    return ring.shrink(to: capacity)
  }

  private mutating func keep(_ index: MessageIndex) {
    while applied < index.seq, let next = unapplied.popFirst() {
      applied += 1
      if applied == index.seq, case .message = next.record.body { ring.append(next.record, index, hash: next.hash) }
    }
  }

  func snapshot() -> Snapshot {
    var snapshot = Snapshot(epoch: epoch)
    snapshot.applied = applied
    snapshot.floor = ring.floor
    snapshot.time = time
    rows.write(to: &snapshot)
    return snapshot
  }

  // MARK: Reading and removing

  func seq(before time: Timestamp) -> Seq {
    if let seq = ring.first(notBefore: time) { return seq }
    guard let index = unapplied.firstIndex(where: { $0.record.time >= time }) else {
      return applied + Int64(unapplied.count)
    }
    return applied + Int64(index)
  }

  mutating func remove(before time: Timestamp) -> Seq {
    _ = ring.remove(before: time)
    return ring.floor
  }
}
