import CSQLite

/// A copy of a database that grows a slice at a time, between the commits of the connection that it is made from: a second
/// one could not read along (EXCLUSIVE). What fails here fails the copy, and never the journal.
final class JournalCopy {
  /// Pages of 4 KiB that are copied at once; somebody may be waiting for a commit.
  private static let slice: Int32 = 256

  private let copy: Connection
  private var backup: OpaquePointer?

  init(of database: Database, to path: String) throws(SQLiteJournalError) {
    try DataFile.prepare(path)
    copy = try Connection(path: path)
    try copy.execute("PRAGMA locking_mode = EXCLUSIVE")
    // Nobody has it before it is whole: whoever asked for it makes it durable then.
    try copy.execute("PRAGMA journal_mode = OFF")
    try copy.execute("PRAGMA synchronous = OFF")
    backup = try database.connection.beginCopy(into: copy)
  }

  deinit {
    if let backup { sqlite3_backup_finish(backup) }
    copy.close()
  }

  /// Copies a slice; true once all is copied. The database must have no transaction open.
  func step() throws(SQLiteJournalError) -> Bool {
    let code = sqlite3_backup_step(backup, Self.slice)
    guard code == SQLITE_DONE else {
      guard code == SQLITE_OK else { throw copy.error(code) }
      return false
    }
    let end = sqlite3_backup_finish(backup)
    backup = nil
    guard end == SQLITE_OK else { throw copy.error(end) }
    try Meta.markCopy(copy)
    copy.close()
    return true
  }
}
