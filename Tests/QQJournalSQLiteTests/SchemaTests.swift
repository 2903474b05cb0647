import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@testable import QQJournalSQLite

@Suite(.timeLimit(.minutes(10))) struct SchemaTests {
  /// What version 1 of the schema was when it was released, with rows. Never to be changed.
  private static let version1 = """
    PRAGMA application_id = 1903258161;
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
    PRAGMA user_version = 1;

    INSERT INTO meta VALUES ('epoch', 'old'), ('applied', 4), ('floor', 3), ('next_user', 6), ('next_group', 2),
      ('removed_time', 1790000000002);
    INSERT INTO journal VALUES
      (3, 1790000000003, x'\(record3)'),
      (4, 1790000000004, x'\(record4)'),
      (5, 1790000000003, x'\(record3)');
    INSERT INTO entry VALUES (2305843009213693952 + 300, 3);
    INSERT INTO ids VALUES (1, 9, 2, 2, 7, NULL), (1, 9, 3, 3, -1, x'010362626f026e6f02686d');
    INSERT INTO ids VALUES (2, -1, -1, 1, -9223372036854775808, NULL);
    INSERT INTO expired VALUES (1, 1790000000001, 2, -1, -1), (2, 1790000000002, 1, 9, 2);
    INSERT INTO users VALUES (1, x'0102', 'ann', 0, x'0a000001', 1790000000001, x'0204616e6e6102c384'),
      (5, NULL, 'guest', 4, NULL, NULL, NULL);
    INSERT INTO groups VALUES (1, 'ops');
    INSERT INTO memberships VALUES (1, 1, 2, NULL), (5, 1, 2, 3);
    INSERT INTO cursors VALUES (1, 'listen', 3);
    """

  /// `Record.message(3)` to bob and to an address where user 300 was.
  private static let record3 = """
    010186b083c598680000000701060105757365723104c0a8000100000000000000090000000000000003020103626f62\
    030831302e302e302e3101ac020674657874203300
    """
  /// `Record.join(1, "ops", at: 4)`.
  private static let record4 = "010488b083c598680000000702020103" + "6f7073"

  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func make(_ sql: String) throws {
    try directory.write([], to: "journal.db")
    let connection = try Connection(path: directory.journal)
    try connection.execute(sql)
    connection.close()
  }

  private func open() throws -> JournalProbe {
    JournalProbe(try SQLiteJournal(path: directory.journal) { "new" })
  }

  private func tables() throws -> [String] {
    let connection = try Connection(path: directory.journal)
    defer { connection.close() }
    let rows = try connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
    var tables: [String] = []
    while try rows.step() { tables.append(rows.text(0) + ": " + rows.text(1)) }
    rows.reset()
    return tables
  }

  @Test("a database of version 1 opens with its users, groups, memberships and cursors")
  func snapshot() async throws {
    try make(Self.version1)
    let probe = try open()
    var expected = Snapshot(epoch: "old")
    expected.applied = 4
    expected.floor = 3
    expected.users = [
      UserRow(
        id: UserID(1), key: [1, 2], nick: "ann", start: 0, address: IPAddress(v4: 0x0a00_0001), seen: Record.time(1),
        former: ["anna", "Ä"]),
      UserRow(id: UserID(5), key: nil, nick: "guest", start: 4),
    ]
    expected.groups = [GroupRow(id: GroupID(1), name: "ops", isUsed: true)]
    expected.memberships = [
      MembershipRow(user: UserID(1), group: GroupID(1), joined: 2),
      MembershipRow(user: UserID(5), group: GroupID(1), joined: 2, left: 3),
    ]
    expected.cursors = [CursorMove(user: UserID(1), name: "listen", seq: 3)]
    expected.nextUser = 6
    expected.nextGroup = 2
    expected.time = Record.time(3)
    #expect(try probe.journal.load() == expected)
    await probe.close()
  }

  @Test("a database of version 1 is read, replayed, appended to and cleaned up")
  func use() async throws {
    try make(Self.version1)
    let probe = try open()
    probe.start()
    let targets: [RecordTarget] = [.nick("bob"), .address("10.0.0.1", users: [UserID(300)])]
    let page = await probe.page(.all(.inbox(UserID(300))))
    #expect(page.records == [Committed(seq: 3, record: .message(3, to: targets))])
    #expect(page.floor == 3)

    let failures = [TargetFailure(target: "bbo", code: "no", message: "hm")]
    let earlier = Earlier(seq: 3, digest: .max, failures: failures, targets: targets)
    #expect(
      try await probe.records(1) == [Committed(seq: 5, record: .message(3, to: targets), earlier: earlier)])

    probe.journal.append([.message(2, at: 6), Self.fromTwo])
    let removed = Earlier(seq: 2, digest: 7, failures: [])
    let other = Earlier(seq: 1, digest: 1 << 63, failures: [])
    #expect(try await probe.records(2).map(\.earlier) == [removed, other])

    #expect(await probe.remove(before: Record.time(2), idsBefore: Record.time(2)) == 3)
    probe.journal.append([.message(2, at: 7), Self.fromTwo])
    #expect(try await probe.records(2).map(\.earlier) == [removed, nil])
    await probe.close()
  }

  private static var fromTwo: Record {
    var record = Record.message(8)
    guard case .message(let message) = record.body else { return record }
    record.body = .message(
      MessageBody(
        sender: UserID(2), from: message.from, address: message.address, id: MessageID(high: .max, low: .max),
        targets: message.targets, text: message.text, replyTo: message.replyTo))
    return record
  }

  @Test("the first migration makes what version 1 was")
  func firstMigration() throws {
    try make(Self.version1)
    let frozen = try tables()
    try make("BEGIN; \(Schema.migrations[0]) COMMIT")
    #expect(try tables() == frozen)
  }

  @Test("a database of a later version is refused")
  func newer() throws {
    try make(Self.version1 + "PRAGMA user_version = 99")
    #expect(
      throws: SQLiteJournalError.newerSchema(path: directory.journal, found: 99, known: Schema.migrations.count)
    ) { try open() }
  }
}
