import QQProtocol

/// A message that was stored before under the same sender and id.
public struct Earlier: Equatable, Sendable {
  public var seq: Seq
  public var digest: UInt64
  public var failures: [TargetFailure]
  /// As the record has them; empty where the record was removed since.
  public var targets: [RecordTarget]

  public init(seq: Seq, digest: UInt64, failures: [TargetFailure], targets: [RecordTarget] = []) {
    self.seq = seq
    self.digest = digest
    self.failures = failures
    self.targets = targets
  }
}

/// A record that is durable, at its place in the order.
public struct Committed: Equatable, Sendable {
  public var seq: Seq
  public var record: Record
  /// For a message: what the projection knew of its sender and id when it was appended. Records that the projection
  /// didn't have then are for whoever applies to remember: see `CommittedBatch.projected`.
  public var earlier: Earlier?

  public init(seq: Seq, record: Record, earlier: Earlier? = nil) {
    self.seq = seq
    self.record = record
    self.earlier = earlier
  }
}

/// What became durable at once, in seq order.
public struct CommittedBatch: Equatable, Sendable {
  public var records: [Committed]
  /// How far the projection had come when `earlier` was looked up.
  public var projected: Seq

  public init(records: [Committed], projected: Seq) {
    self.records = records
    self.projected = projected
  }
}

public enum JournalEvent: Sendable {
  case committed(CommittedBatch)
  /// The disk has no room for these records, in the order in which they were appended: they never happened. What was
  /// committed stays, reading goes on, and records are taken again once there is room.
  case refused([Record])
  /// The journal can promise nothing any more, as when a sync failed: stop without answering.
  case failed(String)
}

/// The ordered, durable record of all that was proposed. It promises order and durability, not where: records of others
/// may stand between one's own.
public protocol Journal: Sendable {
  /// Begins to deliver: first the records after the projection's `applied`, then whatever is appended. One event is
  /// delivered at a time, on a thread of the journal's choice or within `append`. Called once.
  func start(_ sink: @escaping @Sendable (JournalEvent) -> Void)

  /// Appends in this order; returns at once. What has queued while a commit runs is the next commit.
  func append(_ records: [Record])

  /// Bytes of its disk that stay free whatever users say; no concern of a journal without a disk.
  func setReserve(_ bytes: Int64)

  /// Commits what was appended and projected before, delivers it, and closes. Nothing may be appended after.
  func close(_ done: @escaping @Sendable () -> Void)
}

extension Journal {
  public func setReserve(_ bytes: Int64) {}
}

/// Records of one conversation with `after < seq <= through`.
public struct ConversationSpan: Hashable, Sendable {
  public var conversation: Conversation
  public var after: Seq
  public var through: Seq

  public init(_ conversation: Conversation, after: Seq, through: Seq = .max) {
    self.conversation = conversation
    self.after = after
    self.through = through
  }
}

public struct PageQuery: Equatable, Sendable {
  /// Their union; a record in several is given once.
  public var spans: [ConversationSpan]
  public var limit: Int
  /// Take the `limit` newest instead of the oldest. The page is oldest first either way.
  public var newest: Bool

  public init(spans: [ConversationSpan], limit: Int, newest: Bool = false) {
    self.spans = spans
    self.limit = limit
    self.newest = newest
  }

  /// The most records that are read between two commits.
  public static let maximumLimit = 256
}

public struct Page: Equatable, Sendable {
  /// Messages alone, oldest first.
  public var records: [Committed]
  /// There are more in the query's direction.
  public var more: Bool
  /// How far the projection had come: without `more`, everything up to here was looked at.
  public var applied: Seq
  /// The first seq still kept.
  public var floor: Seq

  public init(records: [Committed], more: Bool, applied: Seq, floor: Seq) {
    self.records = records
    self.more = more
    self.applied = applied
    self.floor = floor
  }
}

/// The projection: what applying the journal made known, kept for reading. Answers come on a thread of the store's
/// choice, or at once, in the order of the questions; a question sees every projection handed over before it.
public protocol Store: Sendable {
  /// What a hub starts from.
  func load() throws -> Snapshot

  /// Keeps what was changed, in the order of the calls; messages in seq order.
  func project(_ projection: Projection)

  /// At most `limit` messages, and never more than `PageQuery.maximumLimit`.
  func page(_ query: PageQuery, _ answer: @escaping @Sendable (Page) -> Void)

  /// A seq that parts the messages older than `time`, up to it, from the rest; 0 where none is older. Also 0 where
  /// messages of that time or newer ones were removed, so that who reads on from there learns of the gap.
  func seq(before time: Timestamp, _ answer: @escaping @Sendable (Seq) -> Void)

  /// Removes messages older than `time`, a slice at a time between commits, and forgets the ids of those older than
  /// `idsBefore`, which isn't after `time`; a store in memory forgets an id with its message. Records that weren't
  /// projected yet stay. Answers, once it is done, with the first seq still kept; other questions don't wait for it.
  func remove(before time: Timestamp, idsBefore: Timestamp, _ answer: @escaping @Sendable (Seq) -> Void)
}

/// A journal that can be copied while it is used. A seam of its own: what keeps nothing has nothing to copy.
public protocol CopyableJournal: Sendable {
  /// Makes the file `path`, which isn't there yet, a copy of the journal and its projection as of one moment between two
  /// commits. Who opens it gets another epoch. Records go on being committed meanwhile. The answer, on the journal's
  /// thread: the newest seq that the copy has, or why there is none, for a person; what there is of it may be left.
  func copy(to path: String, _ answer: @escaping @Sendable (Result<Seq, CopyFailure>) -> Void)
}

public struct CopyFailure: Error, Equatable, Sendable {
  public var message: String

  public init(_ message: String) {
    self.message = message
  }
}
