import QQJournal
import QQProtocol

/// Journal and store in one SQLite database, on a thread that has its only connection. A record is delivered after the
/// commit that made it durable. Projections ride in the next commit; those that a crash took are replayed, because
/// `load` gives how far the projection came. All events and answers come on the journal's thread.
public final class SQLiteJournal: Journal, Store, CopyableJournal {
  private let mailbox: Mailbox<Operation>
  /// The database is a copy of one that somebody has read: its epoch is a new one.
  public let isRestored: Bool

  /// Opens the database at `path`, or makes it in a directory that exists; `makeEpoch` names a new one. The lock is
  /// the file `lock` beside it: a second journal in the directory fails with `locked`, at once.
  public convenience init(path: String, makeEpoch: () -> String) throws(SQLiteJournalError) {
    try self.init(path: path, settings: Database.Settings(), makeEpoch: makeEpoch)
  }

  init(path: String, settings: Database.Settings, makeEpoch: () -> String) throws(SQLiteJournalError) {
    let lock = try DirectoryLock(besides: path)
    let database = try Database(path: path, settings: settings, newEpoch: makeEpoch())
    let wasRestored = database.isRestored
    let mailbox = Mailbox<Operation>()
    let worker = Worker(mailbox, database, lock, DiskRoom(reserve: settings.reserve))
    guard Thread.start({ worker.run() }) else { throw .failed(path: path, reason: "no thread for it") }
    self.mailbox = mailbox
    isRestored = wasRestored
  }

  deinit {
    mailbox.put(.close {})
  }

  public func start(_ sink: @escaping @Sendable (JournalEvent) -> Void) {
    mailbox.put(.start(sink))
  }

  public func append(_ records: [Record]) {
    mailbox.put(.append(records))
  }

  /// Bytes of the disk that stay free whatever users say.
  public func setReserve(_ bytes: Int64) { mailbox.put(.setReserve(bytes)) }

  public func close(_ done: @escaping @Sendable () -> Void) {
    mailbox.put(.close(done))
  }

  public func copy(to path: String, _ answer: @escaping @Sendable (Result<Seq, CopyFailure>) -> Void) {
    mailbox.put(.copy(to: path, answer: answer))
  }

  /// Waits for the journal's thread: not to be called on it.
  public func load() throws(SQLiteJournalError) -> Snapshot {
    let reply = Mailbox<Result<Snapshot, SQLiteJournalError>>()
    mailbox.put(.load(reply))
    return try reply.take(waiting: true)[0].get()
  }

  public func project(_ projection: Projection) {
    mailbox.put(.project(projection))
  }

  public func page(_ query: PageQuery, _ answer: @escaping @Sendable (Page) -> Void) {
    mailbox.put(.read(.page(query, answer: answer)))
  }

  public func seq(before time: Timestamp, _ answer: @escaping @Sendable (Seq) -> Void) {
    mailbox.put(.read(.seq(before: time, answer: answer)))
  }

  public func remove(before time: Timestamp, idsBefore: Timestamp, _ answer: @escaping @Sendable (Seq) -> Void) {
    mailbox.put(.remove(before: time, idsBefore: idsBefore, answer: answer))
  }
}
