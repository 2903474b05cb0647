import QQProtocol

/// What a message belongs to. A message is stored once and indexed under each of these, so that a reader's records are
/// found without reading everybody's.
public enum Conversation: Hashable, Sendable {
  /// Messages to `@all`.
  case everyone
  case group(GroupID)
  /// Messages to this user by nick or address.
  case inbox(UserID)
  /// Messages from this user to users by nick or address.
  case sent(UserID)
  /// Messages between two users by nick or address, either way.
  case pair(UserID, UserID)

  /// A number that is the conversation's alone: the kind above bit 60, then the ids, the smaller first for a pair.
  /// Ids are below 2^30 (the hub refuses more users).
  public var key: Int64 {
    switch self {
    case .everyone: 0
    case .group(let id): 1 << 60 | Int64(id.rawValue)
    case .inbox(let id): 2 << 60 | Int64(id.rawValue)
    case .sent(let id): 3 << 60 | Int64(id.rawValue)
    case .pair(let a, let b):
      4 << 60 | Int64(min(a, b).rawValue & 0x3fff_ffff) << 30 | Int64(max(a, b).rawValue & 0x3fff_ffff)
    }
  }
}

/// A target that a message did not reach, as the sender was told.
public struct TargetFailure: Hashable, Sendable {
  public var target: String
  public var code: String
  public var message: String

  public init(target: String, code: String, message: String) {
    self.target = target
    self.code = code
    self.message = message
  }
}

/// A user as the projection keeps it.
public struct UserRow: Equatable, Sendable {
  public var id: UserID
  /// SHA-256 of the public key, 32 bytes; nil for a guest.
  public var key: [UInt8]?
  public var nick: String
  /// The user reads records after this one.
  public var start: Seq
  /// Where the user last listened from, and when.
  public var address: IPAddress?
  public var seen: Timestamp?
  /// Nicks the user had before, which nobody else may take.
  public var former: [String]
  /// When an owner removed the user, whose key is let in no more.
  public var removed: Timestamp?
  /// While the user was removed, in their order: what was said to everybody then isn't the user's to read.
  public var absences: [Absence]

  /// Records behind `after` and up to `through`; nil while it lasts.
  public struct Absence: Hashable, Sendable {
    public var after: Seq
    public var through: Seq?

    public init(after: Seq, through: Seq? = nil) {
      self.after = after
      self.through = through
    }
  }

  public init(
    id: UserID, key: [UInt8]?, nick: String, start: Seq, address: IPAddress? = nil, seen: Timestamp? = nil,
    former: [String] = [], removed: Timestamp? = nil, absences: [Absence] = []
  ) {
    self.removed = removed
    self.absences = absences
    self.id = id
    self.key = key
    self.nick = nick
    self.start = start
    self.address = address
    self.seen = seen
    self.former = former
  }
}

extension UserRow {
  /// What is said to everybody at this seq is the user's to read.
  public func hears(at seq: Seq) -> Bool {
    start < seq && !absences.contains { $0.after < seq && seq <= $0.through ?? .max }
  }

  /// Removals of one user that are told apart. Of more the oldest count as one that lasted from first to last.
  private static let absencesKept = 64

  /// From `seq` on.
  public mutating func leave(at seq: Seq, time: Timestamp) {
    removed = time
    absences.append(Absence(after: seq))
    if absences.count > Self.absencesKept {
      absences[1].after = absences[0].after
      absences.removeFirst()
    }
  }

  /// What was said meanwhile, up to `seq`, wasn't for this user.
  public mutating func comeBack(at seq: Seq) {
    removed = nil
    guard let last = absences.indices.last, absences[last].through == nil else {
      // Removed by a hub that didn't write down when in the order of records.
      start = seq
      return
    }
    absences[last].through = seq
  }
}

/// A group is there as long as somebody is in it, or may read what was said in it.
public struct GroupRow: Equatable, Sendable {
  public var id: GroupID
  /// Without the `@`.
  public var name: String
  /// Something was said in it.
  public var isUsed: Bool

  public init(id: GroupID, name: String, isUsed: Bool = false) {
    self.id = id
    self.name = name
    self.isUsed = isUsed
  }
}

/// A user is, or was, in a group: records after `joined` and up to `left` are the user's to read.
public struct MembershipRow: Equatable, Sendable {
  public var user: UserID
  public var group: GroupID
  public var joined: Seq
  public var left: Seq?

  public init(user: UserID, group: GroupID, joined: Seq, left: Seq? = nil) {
    self.user = user
    self.group = group
    self.joined = joined
    self.left = left
  }
}

/// Where an accepted message stands, and what its retry is answered with.
public struct MessageIndex: Equatable, Sendable {
  public var seq: Seq
  public var sender: UserID
  public var id: MessageID
  /// Of what the sender gave: a retry with other content is an error.
  public var digest: UInt64
  public var failures: [TargetFailure]
  public var conversations: [Conversation]

  public init(
    seq: Seq, sender: UserID, id: MessageID, digest: UInt64, failures: [TargetFailure], conversations: [Conversation]
  ) {
    self.seq = seq
    self.sender = sender
    self.id = id
    self.digest = digest
    self.failures = failures
    self.conversations = conversations
  }
}

/// One change that applying records made to what is known.
public enum Change: Equatable, Sendable {
  case message(MessageIndex)
  /// Put in the place of the row with this id.
  case user(UserRow)
  /// The user and the user's memberships and cursors go; the messages stay.
  case forget(UserID)
  case group(GroupRow)
  /// The row goes; nobody's memberships name it any more.
  case forgetGroup(GroupID)
  /// Put in the place of the row with this user, group and `joined`.
  case membership(MembershipRow)
  /// The row with this user, group and `joined` goes.
  case forgetMembership(UserID, GroupID, joined: Seq)
  case cursor(CursorMove)
  case forgetCursor(UserID, name: String)
  /// Put in the place of the row with this seq.
  case file(FileRow)
  /// The row with this seq goes.
  case forgetFile(Seq)
  /// Put in the place of the row with this hash.
  case invite(InviteRow)
  /// The row with this hash goes.
  case forgetInvite(Digest)
}

/// All that applying the records up to `through` changed since the projection before.
public struct Projection: Equatable, Sendable {
  public var changes: [Change]
  public var through: Seq

  public init(changes: [Change], through: Seq) {
    self.changes = changes
    self.through = through
  }
}

/// What a hub starts from: the projection up to `applied`. Records after it are replayed.
public struct Snapshot: Equatable, Sendable {
  /// Names this life of the data: another where a data directory was restored or replaced.
  public var epoch: String
  public var applied: Seq
  /// The first seq still kept: those below were removed. 1 where nothing was.
  public var floor: Seq
  public var users: [UserRow]
  public var groups: [GroupRow]
  public var memberships: [MembershipRow]
  public var cursors: [CursorMove]
  public var files: [FileRow]
  /// In the order of their hashes.
  public var invites: [InviteRow]
  /// No user or group gets a number below these.
  public var nextUser: UInt32
  public var nextGroup: UInt32
  /// The time of the newest record; the hub's clock never goes back behind it.
  public var time: Timestamp

  public init(epoch: String) {
    self.epoch = epoch
    applied = 0
    floor = 1
    users = []
    groups = []
    memberships = []
    cursors = []
    files = []
    invites = []
    nextUser = 1
    nextGroup = 1
    time = Timestamp(milliseconds: 0)
  }
}
