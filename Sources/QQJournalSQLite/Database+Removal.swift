import QQJournal
import QQProtocol

/// A removal under way. What it removes can't be read from its beginning on; the rows go a slice at a time.
struct Removal {
  fileprivate enum Stage {
    case records
    case entries(after: Int64)
    case ids
  }

  /// The newest record that goes.
  fileprivate let through: Seq
  fileprivate let idsBefore: Timestamp
  fileprivate var stage = Stage.records
}

extension Database {
  /// Rows that are removed between two commits.
  private static let slice = 2_000

  func beginRemoval(before time: Timestamp, idsBefore: Timestamp) throws(SQLiteJournalError) -> Removal {
    try open()
    let through = max(min(try seq(before: time), applied), floor - 1)
    if through >= floor {
      removedTime = try self.time(of: through)
      floor = through + 1
    }
    return Removal(through: through, idsBefore: min(idsBefore, time))
  }

  /// Removes a slice. True where nothing is left to remove.
  func remove(_ removal: inout Removal) throws(SQLiteJournalError) -> Bool {
    try open()
    switch removal.stage {
    case .records:
      if try removeRecords(removal) { removal.stage = .entries(after: .min) }
      return false
    case .entries(let conversation):
      if let next = try removeEntries(after: conversation, through: removal.through) {
        removal.stage = .entries(after: next)
      } else {
        removal.stage = .ids
      }
      return false
    case .ids:
      return try removeIDs(before: removal.idsBefore)
    }
  }

  private func removeRecords(_ removal: Removal) throws(SQLiteJournalError) -> Bool {
    var count = 0
    var last: Seq = 0
    let records = statements.oldestRecords.bind(1, removal.through).bind(2, Int64(Self.slice))
    defer { records.reset() }
    while try records.step() {
      count += 1
      last = records.number(0)
      // A damaged record has no id to forget; it goes all the same.
      guard let record = try? records.withBytes(1, RecordCodec.decode), case .message(let message) = record.body else {
        continue
      }
      let statement = record.time < removal.idsBefore ? statements.removeID : statements.keepID
      statement.bind(id: message.id, sender: message.sender).bind(4, last)
      if record.time >= removal.idsBefore { statement.bind(5, record.time.milliseconds) }
      try statement.run()
    }
    records.reset()
    if count > 0 { try statements.removeRecords.bind(1, last).run() }
    return count < Self.slice
  }

  /// Removes the entries of the conversations behind this one. Gives where to go on; nil at the end.
  private func removeEntries(after conversation: Int64, through: Seq) throws(SQLiteJournalError) -> Int64? {
    var after = conversation
    var left = Self.slice
    while left > 0 {
      guard let next = try nextConversation(after: after) else { return nil }
      try statements.removeEntries.bind(1, next).bind(2, through).bind(3, Int64(left)).run()
      // Finding a conversation costs something too.
      left -= connection.changedRows + 4
      // Where the slice is used up there may be more of this conversation.
      if left > 0 { after = next }
    }
    return after
  }

  private func nextConversation(after conversation: Int64) throws(SQLiteJournalError) -> Int64? {
    let next = statements.nextConversation.bind(1, conversation)
    defer { next.reset() }
    guard try next.step(), !next.isNull(0) else { return nil }
    return next.number(0)
  }

  private func removeIDs(before time: Timestamp) throws(SQLiteJournalError) -> Bool {
    var count = 0
    var last: Seq = 0
    let ids = statements.expiredIDs.bind(1, Int64(Self.slice))
    defer { ids.reset() }
    // In the order of seq, and so of time: behind the first that is remembered all are.
    while try ids.step(), ids.number(4) < time.milliseconds {
      count += 1
      last = ids.number(0)
      try statements.removeID.bind(1, ids.number(1)).bind(2, ids.number(2)).bind(3, ids.number(3)).bind(4, last).run()
    }
    ids.reset()
    if count > 0 { try statements.removeExpired.bind(1, last).run() }
    return count < Self.slice
  }
}
