import QQJournal
import QQProtocol

/// What is asked of the journal's thread.
enum Operation: Sendable {
  case load(Mailbox<Result<Snapshot, SQLiteJournalError>>)
  case start(@Sendable (JournalEvent) -> Void)
  case append([Record])
  case project(Projection)
  case read(Read)
  case remove(before: Timestamp, idsBefore: Timestamp, answer: @Sendable (Seq) -> Void)
  case copy(to: String, answer: @Sendable (Result<Seq, CopyFailure>) -> Void)
  case setReserve(Int64)
  case close(@Sendable () -> Void)
}

enum Read: Sendable {
  case page(PageQuery, answer: @Sendable (Page) -> Void)
  case seq(before: Timestamp, answer: @Sendable (Seq) -> Void)
}

/// The journal's thread. Each round takes all that was asked for; then what was appended is one commit, then comes
/// a slice of reading, a slice of removing and a slice of copying. With nothing to do it waits.
final class Worker {
  /// Records of one commit, so that a burst doesn't outgrow the cache.
  private static let maximumBatch = 4_096
  /// Projected changes that may wait for the next commit.
  private static let maximumUncommitted = 4_096
  /// Records that are replayed at once.
  private static let replaySlice = 512

  private let mailbox: Mailbox<Operation>
  private let database: Database
  private var room: DiskRoom
  private var ballast: Ballast
  /// Goes last, after the database was closed.
  private let lock: DirectoryLock

  private var sink: (@Sendable (JournalEvent) -> Void)?
  private var appended: [Record] = []
  private var reads: [Read] = []
  private var removals: [(before: Timestamp, idsBefore: Timestamp, answer: @Sendable (Seq) -> Void)] = []
  private var removal: Removal?
  private var copies: [(path: String, answer: @Sendable (Result<Seq, CopyFailure>) -> Void)] = []
  private var copy: JournalCopy?
  private var closing: (@Sendable () -> Void)?
  /// After it nothing is written, and questions are not answered.
  private var failure: SQLiteJournalError?

  init(_ mailbox: Mailbox<Operation>, _ database: Database, _ lock: DirectoryLock, _ room: DiskRoom) {
    self.room = room
    ballast = Ballast(besides: database.connection.path)
    self.mailbox = mailbox
    self.database = database
    self.lock = lock
  }

  /// Returns after `close`.
  func run() {
    while true {
      let isIdle =
        reads.isEmpty && removals.isEmpty && copies.isEmpty && closing == nil && (appended.isEmpty || sink == nil)
      for operation in mailbox.take(waiting: isIdle) { take(operation) }
      if failure == nil { work() }
      if let closing, failure != nil || appended.isEmpty && reads.isEmpty {
        finish(closing)
        return
      }
    }
  }

  private func take(_ operation: Operation) {
    switch operation {
    case .load(let reply): load(reply)
    case .start(let sink): start(sink)
    // What comes behind `close` is nobody's any more.
    case .close(let done): if closing == nil { closing = done }
    case .copy(_, let answer) where failure != nil || closing != nil: answer(.failure(Self.isEnding))
    case _ where failure != nil || closing != nil: break
    case .append(let records): appended += records
    case .setReserve(let bytes): room.reserve = bytes
    case .project(let projection): project(projection)
    case .read(let read): reads.append(read)
    case .remove(let time, let idsBefore, let answer): removals.append((time, idsBefore, answer))
    case .copy(let path, let answer): copies.append((path, answer))
    }
  }

  private func work() {
    do {
      try commit()
      try database.checkpointIfDue()
      try readSlice()
      try removeSlice()
      try copySlice()
    } catch {
      fail(error)
    }
  }

  private func load(_ reply: Mailbox<Result<Snapshot, SQLiteJournalError>>) {
    do throws(SQLiteJournalError) {
      if let failure { throw failure }
      reply.put(.success(try database.snapshot()))
    } catch {
      reply.put(.failure(error))
    }
  }

  private func start(_ sink: @escaping @Sendable (JournalEvent) -> Void) {
    self.sink = sink
    do throws(SQLiteJournalError) {
      if let failure { throw failure }
      try replay(sink)
    } catch {
      fail(error)
    }
  }

  private func project(_ projection: Projection) {
    do {
      try database.project(projection)
      if database.uncommitted > Self.maximumUncommitted { _ = try commitIfRoom() }
    } catch {
      fail(error)
    }
  }

  // MARK: Committing

  /// What has queued while the last commit ran is the next commit.
  private func commit() throws(SQLiteJournalError) {
    guard !appended.isEmpty, sink != nil || closing != nil else { return }
    var records = appended
    appended = []
    if records.count > Self.maximumBatch {
      appended = Array(records[Self.maximumBatch...])
      records.removeLast(records.count - Self.maximumBatch)
    }
    let free = DiskRoom.free(database.connection.path) ?? .max
    var (taken, refused) = room.sort(records, free: free)
    if refused.contains(where: \.isEssential), ballast.release() {
      (taken, refused) = room.sort(records, free: DiskRoom.free(database.connection.path) ?? .max)
    } else if refused.isEmpty {
      ballast.restore(free: free, reserve: room.reserve)
    }
    // Whoever is refused asks again, and is answered in the order of asking.
    let (committed, isFull) = try commit(taken)
    if !refused.isEmpty || isFull { sink?(.refused(isFull ? records : refused)) }
    if let committed { sink?(.committed(committed)) }
  }

  /// Nothing of it is committed where the disk has no room after all: others write to it, too.
  private func commit(_ records: [Record]) throws(SQLiteJournalError) -> (CommittedBatch?, isFull: Bool) {
    guard !records.isEmpty else { return (nil, false) }
    do throws(SQLiteJournalError) {
      let projected = database.applied
      let committed = try database.append(records)
      try database.commit()
      return (CommittedBatch(records: committed, projected: projected), false)
    } catch .full {
      try database.undo()
      return (nil, true)
    }
  }

  /// What nobody waits for is committed another time where there is no room.
  private func commitIfRoom() throws(SQLiteJournalError) -> Bool {
    do throws(SQLiteJournalError) {
      try database.commit()
      return true
    } catch .full {
      try database.undo()
      return false
    }
  }

  /// Delivers what was committed and not projected when the hub before ended.
  private func replay(_ sink: @Sendable (JournalEvent) -> Void) throws(SQLiteJournalError) {
    let projected = database.applied
    var seq = projected
    while seq < database.last {
      let records = try database.records(after: seq, limit: Self.replaySlice)
      seq += Int64(records.count)
      sink(.committed(CommittedBatch(records: records, projected: projected)))
    }
  }

  // MARK: Reading and removing

  private func readSlice() throws(SQLiteJournalError) {
    var left = PageQuery.maximumLimit
    while left > 0, !reads.isEmpty {
      switch reads.removeFirst() {
      case .page(let query, let answer):
        let page = try database.page(query)
        answer(page)
        // A page without records costs something too.
        left -= page.records.count + 8 + query.spans.count
      case .seq(let time, let answer):
        answer(try database.seq(before: time))
        left -= 32
      }
    }
  }

  private func removeSlice() throws(SQLiteJournalError) {
    guard closing == nil, let next = removals.first else { return }
    if removal == nil { removal = try database.beginRemoval(before: next.before, idsBefore: next.idsBefore) }
    guard var removal else { return }
    var isDone = true
    do throws(SQLiteJournalError) {
      isDone = try database.remove(&removal)
      try database.commit()
    } catch .full {
      // Removing needs some room, too; the next round of retention tries again.
      try database.undo()
      isDone = true
    }
    self.removal = isDone ? nil : removal
    guard isDone else { return }
    removals.removeFirst()
    next.answer(database.floor)
  }

  // MARK: Copying

  private static let isEnding = CopyFailure("the hub is stopping")

  private func copySlice() throws(SQLiteJournalError) {
    guard closing == nil, let next = copies.first else { return }
    // SQLite copies nothing while a transaction is open; what is in it is part of the copy.
    guard try commitIfRoom() else {
      copies.removeFirst()
      return next.answer(.failure(CopyFailure(SQLiteJournalError.full(path: database.connection.path).message)))
    }
    let outcome: Result<Seq, CopyFailure>
    do throws(SQLiteJournalError) {
      if copy == nil { copy = try JournalCopy(of: database, to: next.path) }
      guard try copy?.step() != false else { return }
      outcome = .success(database.last)
    } catch {
      outcome = .failure(CopyFailure(error.message))
    }
    copy = nil
    copies.removeFirst()
    next.answer(outcome)
  }

  private func endCopies() {
    copy = nil
    for next in copies { next.answer(.failure(Self.isEnding)) }
    copies = []
  }

  // MARK: Ending

  /// A failure is for good: what a failed commit or sync has left behind is unknown, so nothing is tried again.
  private func fail(_ error: SQLiteJournalError) {
    failure = error
    appended = []
    reads = []
    removals = []
    endCopies()
    sink?(.failed(error.message))
  }

  private func finish(_ done: @Sendable () -> Void) {
    do {
      // What has no room is told by nobody, and applied again at the next start.
      if failure == nil { _ = try commitIfRoom() }
    } catch {
      fail(error)
    }
    // Before the database that they are made from.
    endCopies()
    database.close()
    // The rest goes at the next removal.
    for next in removals { next.answer(database.floor) }
    lock.release()
    done()
  }
}
