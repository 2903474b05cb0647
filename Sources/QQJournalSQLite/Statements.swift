/// Every statement that is run more than once, prepared.
final class Statements {
  let begin: Statement
  let commit: Statement
  let readMeta: Statement
  let writeMeta: Statement

  let insertRecord: Statement
  let findRecord: Statement
  let findTime: Statement
  let findID: Statement

  let insertEntry: Statement
  let insertID: Statement
  let putUser: Statement
  let putGroup: Statement
  let removeGroup: Statement
  let putMembership: Statement
  let removeMembership: Statement
  let putCursor: Statement
  let removeCursor: Statement
  let putFile: Statement
  let removeFile: Statement
  let putInvite: Statement
  let removeInvite: Statement
  /// Each takes the user's number.
  let forget: [Statement]

  let entriesUp: Statement
  let entriesDown: Statement

  let oldestRecords: Statement
  let removeRecords: Statement
  let keepID: Statement
  let removeID: Statement
  let nextConversation: Statement
  let removeEntries: Statement
  let expiredIDs: Statement
  let removeExpired: Statement

  init(_ connection: Connection) throws(SQLiteJournalError) {
    func prepare(_ sql: String) throws(SQLiteJournalError) -> Statement { try connection.prepare(sql) }
    begin = try prepare("BEGIN IMMEDIATE")
    commit = try prepare("COMMIT")
    readMeta = try prepare("SELECT value FROM meta WHERE key = ?1")
    writeMeta = try prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")

    insertRecord = try prepare("INSERT INTO journal (seq, time, record) VALUES (?1, ?2, ?3)")
    findRecord = try prepare("SELECT record FROM journal WHERE seq = ?1")
    findTime = try prepare("SELECT time FROM journal WHERE seq = ?1")
    findID = try prepare("SELECT seq, digest, failures FROM ids WHERE sender = ?1 AND high = ?2 AND low = ?3")

    insertEntry = try prepare("INSERT OR IGNORE INTO entry (conversation, seq) VALUES (?1, ?2)")
    insertID = try prepare(
      "INSERT OR REPLACE INTO ids (sender, high, low, seq, digest, failures) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    putUser = try prepare(
      """
      INSERT OR REPLACE INTO users (id, key, nick, start, address, seen, former, removed, absences)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      """)
    putGroup = try prepare("INSERT OR REPLACE INTO groups (id, name, used) VALUES (?1, ?2, ?3)")
    removeGroup = try prepare("DELETE FROM groups WHERE id = ?1")
    putMembership = try prepare(
      "INSERT OR REPLACE INTO memberships (user, \"group\", joined, \"left\") VALUES (?1, ?2, ?3, ?4)")
    removeMembership = try prepare("DELETE FROM memberships WHERE user = ?1 AND \"group\" = ?2 AND joined = ?3")
    putCursor = try prepare("INSERT OR REPLACE INTO cursors (user, name, seq) VALUES (?1, ?2, ?3)")
    removeCursor = try prepare("DELETE FROM cursors WHERE user = ?1 AND name = ?2")
    putFile = try prepare("INSERT OR REPLACE INTO files (seq, row) VALUES (?1, ?2)")
    removeFile = try prepare("DELETE FROM files WHERE seq = ?1")
    putInvite = try prepare("INSERT OR REPLACE INTO invites (hash, row) VALUES (?1, ?2)")
    removeInvite = try prepare("DELETE FROM invites WHERE hash = ?1")
    forget = [
      try prepare("DELETE FROM users WHERE id = ?1"),
      try prepare("DELETE FROM memberships WHERE user = ?1"),
      try prepare("DELETE FROM cursors WHERE user = ?1"),
    ]

    let entries = "SELECT seq FROM entry WHERE conversation = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq"
    entriesUp = try prepare(entries + " LIMIT ?4")
    entriesDown = try prepare(entries + " DESC LIMIT ?4")

    oldestRecords = try prepare("SELECT seq, record FROM journal WHERE seq <= ?1 ORDER BY seq LIMIT ?2")
    removeRecords = try prepare("DELETE FROM journal WHERE seq <= ?1")
    keepID = try prepare(
      """
      INSERT OR REPLACE INTO expired (seq, time, sender, high, low)
      SELECT seq, ?5, sender, high, low FROM ids WHERE sender = ?1 AND high = ?2 AND low = ?3 AND seq = ?4
      """)
    removeID = try prepare("DELETE FROM ids WHERE sender = ?1 AND high = ?2 AND low = ?3 AND seq = ?4")
    nextConversation = try prepare("SELECT min(conversation) FROM entry WHERE conversation > ?1")
    removeEntries = try prepare(
      """
      DELETE FROM entry WHERE conversation = ?1 AND seq IN (
        SELECT seq FROM entry WHERE conversation = ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3)
      """)
    expiredIDs = try prepare("SELECT seq, sender, high, low, time FROM expired ORDER BY seq LIMIT ?1")
    removeExpired = try prepare("DELETE FROM expired WHERE seq <= ?1")
  }
}
