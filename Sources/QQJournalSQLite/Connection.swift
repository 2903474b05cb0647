import CSQLite
import Glibc

/// A connection to one database file, for one thread at a time.
final class Connection {
  let path: String
  private let handle: OpaquePointer
  private var statements: [Statement] = []
  /// What the write-ahead log holds since it began anew, in pages. On the heap, where SQLite's hook finds it.
  private let logPages: UnsafeMutablePointer<Int>

  /// Opens `path`, which exists already.
  init(path: String) throws(SQLiteJournalError) {
    var handle: OpaquePointer?
    // One thread uses it: SQLite needs no locks of its own.
    let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let handle else {
      let error = handle.map { Connection.error(code, $0, path) }
      sqlite3_close(handle)
      throw error ?? .failed(path: path, reason: "out of memory")
    }
    self.path = path
    self.handle = handle
    logPages = .allocate(capacity: 1)
    logPages.initialize(to: 0)
    sqlite3_extended_result_codes(handle, 1)
    // Takes the place of automatic checkpoints, which would run within the commit that somebody waits for.
    sqlite3_wal_hook(
      handle,
      { context, _, _, pages in
        context?.assumingMemoryBound(to: Int.self).pointee = Int(pages)
        return SQLITE_OK
      }, logPages)
  }

  deinit {
    close()
    logPages.deallocate()
  }

  private var isClosed = false

  /// Checkpoints, where nothing hinders it, and closes. Statements can't be used any more.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    for statement in statements { statement.finish() }
    sqlite3_close(handle)
  }

  func execute(_ sql: String) throws(SQLiteJournalError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
  }

  /// Prepares one statement, which lasts as long as the connection.
  func prepare(_ sql: String) throws(SQLiteJournalError) -> Statement {
    var raw: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &raw, nil)
    guard code == SQLITE_OK, let raw else { throw error(code) }
    let statement = Statement(raw, self)
    statements.append(statement)
    return statement
  }

  /// The number that a query or a pragma gives, 0 where it gives none.
  func number(_ sql: String) throws(SQLiteJournalError) -> Int64 {
    let statement = try prepare(sql)
    defer { statement.reset() }
    return try statement.step() ? statement.number(0) : 0
  }

  var changedRows: Int { Int(sqlite3_changes(handle)) }

  var writtenLogPages: Int { logPages.pointee }

  /// The log counts as new until so much was written to it again.
  func postponeCheckpoint() { logPages.pointee = 0 }

  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Moves what the write-ahead log holds to the database file, so that the log begins anew.
  func checkpoint() throws(SQLiteJournalError) {
    let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
    logPages.pointee = 0
  }

  /// Begins to copy everything into `copy`: https://www.sqlite.org/backup.html. What this connection writes meanwhile
  /// goes to both.
  func beginCopy(into copy: Connection) throws(SQLiteJournalError) -> OpaquePointer {
    guard let backup = sqlite3_backup_init(copy.handle, "main", handle, "main") else {
      throw copy.error(sqlite3_errcode(copy.handle))
    }
    return backup
  }

  func error(_ code: Int32) -> SQLiteJournalError {
    Connection.error(code, handle, path)
  }

  private static func error(_ code: Int32, _ handle: OpaquePointer, _ path: String) -> SQLiteJournalError {
    if isFull(code, errno) { return .full(path: path) }
    let text = sqlite3_errmsg(handle).map { String(cString: $0) } ?? "SQLite's error \(code)"
    // The lower byte is the kind of error, the rest says where it happened.
    switch code & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED: return .locked(path: path)
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN, SQLITE_AUTH: return .notWritable(path: path, reason: text)
    case SQLITE_CORRUPT, SQLITE_NOTADB: return .damaged(path: path, reason: text)
    default: return .failed(path: path, reason: "\(text), code \(code)")
    }
  }

  /// SQLite calls a disk full that has no room for anybody; for one that has none for this user, or for a longer file, it
  /// has only a write that failed, and at a commit not even the system's error, which is still where the write left it.
  /// A failed sync is none of these: nobody knows what it has left behind.
  private static func isFull(_ code: Int32, _ systemError: Int32) -> Bool {
    let failedWrite = SQLITE_IOERR | 3 << 8
    return code & 0xff == SQLITE_FULL || code == failedWrite && [EDQUOT, EFBIG, ENOSPC].contains(systemError)
  }
}
