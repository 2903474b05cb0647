/// What the database holds. A migration that was released is never changed: a new one is added behind it.
enum Schema {
  /// `user_version` counts those that were run.
  static let migrations: [String] = [first, second, third, fourth, fifth]

  /// "qqj1": tells the hub's journal from any other database.
  static let applicationID: Int64 = 0x7171_6a31

  /// `journal` is what was proposed, all else is the projection. `entry` finds a conversation's messages by
  /// `Conversation.key`. `ids` finds what a sender's id (its two halves) was accepted as; `expired` lists ids that
  /// outlive their messages, in the order they are to be forgotten.
  private static let first = """
    PRAGMA application_id = \(applicationID);
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE journal (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, record BLOB NOT NULL) STRICT;
    CREATE TABLE entry (
      conversation INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (conversation, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ids (
      sender INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL,
      seq INTEGER NOT NULL, digest INTEGER NOT NULL, failures BLOB,
      PRIMARY KEY (sender, high, low)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE expired (
      seq INTEGER PRIMARY KEY, time INTEGER NOT NULL,
      sender INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE users (
      id INTEGER PRIMARY KEY, key BLOB, nick TEXT NOT NULL, start INTEGER NOT NULL,
      address BLOB, seen INTEGER, former BLOB
    ) STRICT;
    CREATE TABLE groups (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
    CREATE TABLE memberships (
      user INTEGER NOT NULL, "group" INTEGER NOT NULL, joined INTEGER NOT NULL, "left" INTEGER,
      PRIMARY KEY (user, "group", joined)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE cursors (
      user INTEGER NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (user, name)
    ) STRICT, WITHOUT ROWID;
    """

  /// The files that the hub keeps, or is being sent, by the seq of their offer.
  private static let second = """
    CREATE TABLE files (seq INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT;
    """

  /// Who was removed and when, and invites by the hash of their secret.
  private static let third = """
    ALTER TABLE users ADD COLUMN removed INTEGER;
    CREATE TABLE invites (hash BLOB PRIMARY KEY, row BLOB NOT NULL) STRICT, WITHOUT ROWID;
    """

  /// What was said while users were removed.
  private static let fourth = """
    ALTER TABLE users ADD COLUMN absences BLOB;
    """

  /// Whether anything was said in a group. Of those that were there before it isn't known, and something may have been.
  private static let fifth = """
    ALTER TABLE groups ADD COLUMN used INTEGER NOT NULL DEFAULT 1;
    """

  /// Brings the database up to date. Gives whether it was empty.
  static func migrate(_ connection: Connection) throws(SQLiteJournalError) -> Bool {
    let version = Int(clamping: try connection.number("PRAGMA user_version"))
    guard version <= migrations.count else {
      throw .newerSchema(path: connection.path, found: version, known: migrations.count)
    }
    let application = try connection.number("PRAGMA application_id")
    let tables = try connection.number("SELECT count(*) FROM sqlite_schema")
    guard application == applicationID || version == 0 && application == 0 && tables == 0 else {
      throw .damaged(path: connection.path, reason: "it is no journal of a hub")
    }
    for number in max(version, 0)..<migrations.count {
      try connection.execute("BEGIN IMMEDIATE")
      try connection.execute(migrations[number])
      try connection.execute("PRAGMA user_version = \(number + 1)")
      try connection.execute("COMMIT")
    }
    return version <= 0
  }
}
