import QQJournal
import QQProtocol

/// The journal's tables, for the one thread that has them. Everything is written within a transaction that opens by
/// itself and ends with `commit`; what is read sees what was written.
final class Database {
  struct Settings: Sendable {
    /// In KiB.
    var cache = 32 << 10
    /// The log is moved to the database file where it has this many pages of 4 KiB.
    var checkpointPages = 2_000
    /// 0 for no bound but SQLite's own. A test that fills the disk sets it.
    var maximumPages = 0
    /// Bytes of the disk that stay free whatever users say.
    var reserve: Int64 = 4 << 20
  }

  let connection: Connection
  let statements: Statements
  let epoch: String
  /// It has another epoch than when it was closed, since it is a copy of that.
  let isRestored: Bool

  /// The newest record.
  private(set) var last: Seq
  /// How far the projection has come.
  var applied: Seq
  /// The first seq that is kept.
  var floor: Seq
  /// The time of the newest record that was removed.
  var removedTime: Timestamp?
  var nextUser: UInt32
  var nextGroup: UInt32
  /// Changes that no commit has made durable yet.
  private(set) var uncommitted = 0
  /// The projections that they came from: where a commit finds no room, they are made anew.
  private var projections: [Projection] = []
  private var durable = Marks()

  /// What a transaction changes besides the rows.
  private struct Marks {
    var last: Seq = 0
    var applied: Seq = 0
    var floor: Seq = 1
    var removedTime: Timestamp?
    var nextUser: UInt32 = 1
    var nextGroup: UInt32 = 1
    var time = Timestamp(milliseconds: 0)
  }

  private var marks: Marks {
    get {
      Marks(
        last: last, applied: applied, floor: floor, removedTime: removedTime, nextUser: nextUser, nextGroup: nextGroup,
        time: time)
    }
    set {
      (last, applied, floor, removedTime) = (newValue.last, newValue.applied, newValue.floor, newValue.removedTime)
      (nextUser, nextGroup, time) = (newValue.nextUser, newValue.nextGroup, newValue.time)
    }
  }

  private let identity: FileIdentity?
  private let settings: Settings
  private var isOpen = false
  private var time: Timestamp
  private var bytes: [UInt8] = []

  /// Opens what `path` holds, or makes it with this epoch.
  init(path: String, settings: Settings, newEpoch: String) throws(SQLiteJournalError) {
    self.settings = settings
    try DataFile.prepare(path)
    connection = try Connection(path: path)
    // The order counts. EXCLUSIVE: nobody else opens the file, and the log's index needs no shared memory. FULL: a
    // commit returns after the log's fdatasync.
    try connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    try connection.execute("PRAGMA journal_mode = WAL")
    try connection.execute("PRAGMA synchronous = FULL")
    try connection.execute("PRAGMA cache_size = -\(settings.cache)")
    try connection.execute("PRAGMA temp_store = MEMORY")
    // What isn't committed is in memory, also where the disk has no room for it.
    try connection.execute("PRAGMA cache_spill = OFF")
    try connection.execute("PRAGMA cell_size_check = ON")
    try connection.execute("PRAGMA trusted_schema = OFF")
    try connection.execute("PRAGMA journal_size_limit = \(64 << 20)")
    if settings.maximumPages > 0 { try connection.execute("PRAGMA max_page_count = \(settings.maximumPages)") }
    identity = DataFile.identity(path)
    let isNew = try Schema.migrate(connection)
    statements = try Statements(connection)
    if isNew { try Meta.create(statements, epoch: newEpoch) }
    isRestored = try Meta.noticeRestoring(statements, mark: DataFile.mark(path), newEpoch: newEpoch)

    let meta = try Meta(statements, path)
    epoch = meta.epoch
    applied = meta.applied
    floor = meta.floor
    removedTime = meta.removedTime
    nextUser = meta.nextUser
    nextGroup = meta.nextGroup
    last = try connection.number("SELECT max(seq) FROM journal")
    // Where all were removed, the journal goes on behind them.
    last = max(last, floor - 1)
    time = removedTime ?? Timestamp(milliseconds: 0)
    guard applied <= last, floor - 1 <= applied else {
      throw .damaged(path: path, reason: "records are missing: \(applied) were applied, \(last) is the last")
    }
    if last >= floor { time = max(time, try record(last).time) }
    durable = marks
  }

  /// Everything that was committed stays; what wasn't is projected again.
  func close() {
    connection.close()
  }

  // MARK: Transactions

  func open() throws(SQLiteJournalError) {
    guard !isOpen else { return }
    try statements.begin.run()
    isOpen = true
  }

  /// Returns when all that was written is on the disk.
  func commit() throws(SQLiteJournalError) {
    guard isOpen else { return }
    try Meta(self).save(statements)
    try statements.commit.run()
    isOpen = false
    uncommitted = 0
    projections = []
    durable = marks
    // A file that was moved away or removed is written to all the same, and nobody will find it again.
    guard DataFile.identity(connection.path) == identity else { throw .moved(path: connection.path) }
  }

  /// The disk had no room: what the transaction wrote is undone, but for what the records before it came to. That is
  /// written anew, to be read, and committed with whatever there is room for.
  func undo() throws(SQLiteJournalError) {
    // A commit that fails has rolled back already.
    if connection.isInTransaction { try connection.execute("ROLLBACK") }
    isOpen = false
    uncommitted = 0
    marks = durable
    try reuseLog()
    let again = projections
    projections = []
    for projection in again { try project(projection) }
  }

  /// Where the database file can't grow, the log goes on growing: it is tried again when there is room.
  func checkpointIfDue() throws(SQLiteJournalError) {
    guard !isOpen, connection.writtenLogPages >= settings.checkpointPages else { return }
    try reuseLog()
  }

  /// What the log holds goes to where there may be room for it, so that the log's own is there for what comes next.
  private func reuseLog() throws(SQLiteJournalError) {
    do throws(SQLiteJournalError) {
      try connection.checkpoint()
    } catch .full {
      connection.postponeCheckpoint()
    }
  }

  func keep(_ projection: Projection) { projections.append(projection) }

  func countChanges(_ count: Int) {
    uncommitted += count
  }

  // MARK: Records

  /// Writes the records behind the last one, and gives them with what is known of their ids.
  func append(_ records: [Record]) throws(SQLiteJournalError) -> [Committed] {
    try open()
    var committed: [Committed] = []
    committed.reserveCapacity(records.count)
    for record in records {
      let earlier = try earlier(record)
      bytes.removeAll(keepingCapacity: true)
      RecordCodec.encode(record, into: &bytes)
      last += 1
      try statements.insertRecord.bind(1, last).bind(2, record.time.milliseconds).bind(3, bytes).run()
      time = max(time, record.time)
      committed.append(Committed(seq: last, record: record, earlier: earlier))
    }
    return committed
  }

  /// What the projection knows of a message's sender and id.
  func earlier(_ record: Record) throws(SQLiteJournalError) -> Earlier? {
    guard case .message(let message) = record.body else { return nil }
    let find = statements.findID.bind(id: message.id, sender: message.sender)
    defer { find.reset() }
    guard try find.step() else { return nil }
    let seq = find.number(0)
    let failures = find.isNull(2) ? [] : try decoded(find, 2, "failures of \(seq)", TargetFailure.decode)
    var targets: [RecordTarget] = []
    if let kept = try recordIfKept(seq), case .message(let message) = kept.body { targets = message.targets }
    return Earlier(seq: seq, digest: UInt64(bitPattern: find.number(1)), failures: failures, targets: targets)
  }

  func record(_ seq: Seq) throws(SQLiteJournalError) -> Record {
    guard let record = try recordIfKept(seq) else { throw damaged("record \(seq) is missing") }
    return record
  }

  private func recordIfKept(_ seq: Seq) throws(SQLiteJournalError) -> Record? {
    let find = statements.findRecord.bind(1, seq)
    defer { find.reset() }
    guard try find.step() else { return nil }
    return try decoded(find, 0, "record \(seq)", RecordCodec.decode)
  }

  /// At most `limit` records after `seq`, with what is known of their ids.
  func records(after seq: Seq, limit: Int) throws(SQLiteJournalError) -> [Committed] {
    var records: [Committed] = []
    var seq = seq
    while seq < last, records.count < limit {
      seq += 1
      let record = try record(seq)
      records.append(Committed(seq: seq, record: record, earlier: try earlier(record)))
    }
    return records
  }

  // MARK: Decoding

  func damaged(_ reason: String) -> SQLiteJournalError {
    .damaged(path: connection.path, reason: reason)
  }

  func decoded<Value>(
    _ statement: Statement, _ column: Int32, _ what: @autoclosure () -> String,
    _ decode: (Span<UInt8>) throws(ByteCodingError) -> Value
  ) throws(SQLiteJournalError) -> Value {
    do {
      return try statement.withBytes(column, decode)
    } catch {
      throw damaged("\(what()) can't be read: \(error)")
    }
  }

  func snapshot() throws(SQLiteJournalError) -> Snapshot {
    var snapshot = Snapshot(epoch: epoch)
    snapshot.applied = applied
    snapshot.floor = floor
    snapshot.nextUser = nextUser
    snapshot.nextGroup = nextGroup
    snapshot.time = time
    try readRows(into: &snapshot)
    return snapshot
  }
}

extension Statement {
  /// As parameters 1 to 3.
  func bind(id: MessageID, sender: UserID) -> Self {
    bind(1, Int64(sender.rawValue)).bind(2, Int64(bitPattern: id.high)).bind(3, Int64(bitPattern: id.low))
  }
}
