import QQJournal
import QQProtocol

/// The few values that a database has once.
struct Meta {
  private enum Key: String {
    case epoch, applied, floor
    case nextUser = "next_user"
    case nextGroup = "next_group"
    case removedTime = "removed_time"
    /// The database is a copy that nobody has opened yet.
    case copied
    /// Of the file when it was opened last (`DataFile.mark`): a file that was restored by other means has another.
    case mark
  }

  var epoch: String
  var applied: Seq = 0
  var floor: Seq = 1
  var nextUser: UInt32 = 1
  var nextGroup: UInt32 = 1
  var removedTime: Timestamp?

  init(_ database: Database) {
    epoch = database.epoch
    applied = database.applied
    floor = database.floor
    nextUser = database.nextUser
    nextGroup = database.nextGroup
    removedTime = database.removedTime
  }

  private init(epoch: String) {
    self.epoch = epoch
  }

  /// On the connection of a copy.
  static func markCopy(_ connection: Connection) throws(SQLiteJournalError) {
    try connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('\(Key.copied.rawValue)', 1)")
  }

  /// Whether the database was restored since it was opened last. Gives it a new epoch then, before anybody hears of it.
  static func noticeRestoring(
    _ statements: Statements, mark: Int64, newEpoch: String
  ) throws(SQLiteJournalError) -> Bool {
    func number(_ key: Key) throws(SQLiteJournalError) -> Int64? {
      let statement = statements.readMeta.bind(1, key.rawValue)
      defer { statement.reset() }
      return try statement.step() ? statement.number(0) : nil
    }
    let (isCopy, known) = (try number(.copied) == 1, try number(.mark))
    // One that was never opened by a version that looks is taken for what it is.
    let isRestored = isCopy || known.map { $0 != mark } == true
    guard isRestored || known == nil else { return false }
    try statements.begin.run()
    if isRestored { try statements.writeMeta.bind(1, Key.epoch.rawValue).bind(2, newEpoch).run() }
    try statements.writeMeta.bind(1, Key.copied.rawValue).bind(2, Int64(0)).run()
    try statements.writeMeta.bind(1, Key.mark.rawValue).bind(2, mark).run()
    try statements.commit.run()
    return isRestored
  }

  static func create(_ statements: Statements, epoch: String) throws(SQLiteJournalError) {
    try statements.begin.run()
    try statements.writeMeta.bind(1, Key.epoch.rawValue).bind(2, epoch).run()
    try Meta(epoch: epoch).save(statements)
    try statements.commit.run()
  }

  /// Reads what `save` wrote. Values out of range mean damage.
  init(_ statements: Statements, _ path: String) throws(SQLiteJournalError) {
    func value<Value>(
      _ key: Key, _ read: (Statement) -> Value?
    ) throws(SQLiteJournalError) -> Value {
      let statement = statements.readMeta.bind(1, key.rawValue)
      defer { statement.reset() }
      guard try statement.step(), let value = read(statement) else {
        throw .damaged(path: path, reason: "its \(key.rawValue) is missing")
      }
      return value
    }
    epoch = try value(.epoch) { $0.text(0) }
    applied = try value(.applied) { $0.number(0) >= 0 ? $0.number(0) : nil }
    floor = try value(.floor) { $0.number(0) >= 1 ? $0.number(0) : nil }
    nextUser = try value(.nextUser) { UInt32(exactly: $0.number(0)) }
    nextGroup = try value(.nextGroup) { UInt32(exactly: $0.number(0)) }
    let statement = statements.readMeta.bind(1, Key.removedTime.rawValue)
    defer { statement.reset() }
    if try statement.step() { removedTime = Timestamp(milliseconds: statement.number(0)) }
  }

  /// All but the epoch, which never changes.
  func save(_ statements: Statements) throws(SQLiteJournalError) {
    func write(_ key: Key, _ value: Int64) throws(SQLiteJournalError) {
      try statements.writeMeta.bind(1, key.rawValue).bind(2, value).run()
    }
    try write(.applied, applied)
    try write(.floor, floor)
    try write(.nextUser, Int64(nextUser))
    try write(.nextGroup, Int64(nextGroup))
    if let removedTime { try write(.removedTime, removedTime.milliseconds) }
  }
}
