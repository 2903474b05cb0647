/// What the hub says: answers to requests, and events. The events are what `qq listen` prints.
public enum HubFrame: Equatable, Sendable {
  case welcome(Welcome)
  case ok(Ok)
  case sent(Sent)
  case error(Failure)
  case message(Message)
  case presence(Presence)
  case receipt(Receipt)
  /// Records `from` to `to` are kept no longer.
  case gap(from: Int64, to: Int64)
  case user(User)
  case invite(Invite)
  case status(Status)
  case backup(Backup)
  case pong(ref: Int64?)
  /// A file was offered: an event. Its bytes may still be on their way.
  case file(File)
  /// The hub has all of a file, verified: an event.
  case complete(Complete)
  /// A piece of the file that this session gets; its bytes follow.
  case chunk(Chunk)
  /// That was all of it.
  case end(size: Int64, hash: TreeHash)
  /// To the sender of a file: how much of it somebody has, verified.
  case progress(id: MessageID, nick: String, bytes: Int64)

  public struct Welcome: Equatable, Sendable {
    public var version: Int64
    public var hub: String
    /// Names this life of the hub's data: seqs of another epoch mean nothing.
    public var epoch: String
    public var nick: String
    public var address: String
    /// The newest seq.
    public var seq: Int64
    /// The user has no key: no unread, and a nick that a key may take.
    public var isGuest: Bool

    public init(
      version: Int64, hub: String, epoch: String, nick: String, address: String, seq: Int64, isGuest: Bool = false
    ) {
      self.version = version
      self.hub = hub
      self.epoch = epoch
      self.nick = nick
      self.address = address
      self.seq = seq
      self.isGuest = isGuest
    }
  }

  public struct Ok: Equatable, Sendable {
    public var ref: Int64?
    /// To `listen`: the seq after which events come. To `join` and `leave`: the seq from which it holds.
    public var seq: Int64?
    /// To `listen`: another reader holds the cursor, this one doesn't move it.
    public var isFollowing: Bool
    /// To `listen`: all that was there has been sent, and events come as they happen from here on.
    public var isLive: Bool
    /// To `history`: there are more in that direction. To `upload`: bytes are missing.
    public var more: Bool
    /// To `nick`: the name as it now is.
    public var nick: String?
    /// To `upload` and `get`: where to go on. Without a `ref`: how much of what the session uploads has been written.
    public var offset: Int64?
    /// To `upload`: of the bytes before the offset. To `finish`, and to the `upload` of a file that the hub has whole:
    /// of all.
    public var hash: TreeHash?

    public init(
      ref: Int64?, seq: Int64? = nil, isFollowing: Bool = false, isLive: Bool = false, more: Bool = false,
      nick: String? = nil, offset: Int64? = nil, hash: TreeHash? = nil
    ) {
      self.ref = ref
      self.seq = seq
      self.isFollowing = isFollowing
      self.isLive = isLive
      self.more = more
      self.nick = nick
      self.offset = offset
      self.hash = hash
    }
  }

  public struct Sent: Equatable, Sendable {
    public var ref: Int64?
    public var id: MessageID
    public var seq: Int64
    public var to: String
    public var status: String
    public var isDuplicate: Bool
    /// With `receipts`: who hasn't got it yet, at most `ProtocolLimits.awaiting` of them.
    public var awaiting: [String]?
    /// Another `sent` for the same target goes on with who hasn't got it yet; the last one is the answer.
    public var more: Bool

    public init(
      ref: Int64?, id: MessageID, seq: Int64, to: String, status: String = "stored", isDuplicate: Bool = false,
      awaiting: [String]? = nil, more: Bool = false
    ) {
      self.ref = ref
      self.id = id
      self.seq = seq
      self.to = to
      self.status = status
      self.isDuplicate = isDuplicate
      self.awaiting = awaiting
      self.more = more
    }
  }

  public struct Failure: Equatable, Sendable, Error {
    public var ref: Int64?
    /// A raw value of `ErrorCode`, or one that a newer hub knows.
    public var code: String
    public var message: String
    public var to: String?
    public var id: MessageID?

    public init(ref: Int64? = nil, code: String, message: String, to: String? = nil, id: MessageID? = nil) {
      self.ref = ref
      self.code = code
      self.message = message
      self.to = to
      self.id = id
    }

    public init(ref: Int64? = nil, _ code: ErrorCode, _ message: String, to: String? = nil, id: MessageID? = nil) {
      self.init(ref: ref, code: code.rawValue, message: message, to: to, id: id)
    }
  }

  public struct Message: Equatable, Sendable {
    public var id: MessageID
    public var seq: Int64
    public var time: Timestamp
    public var from: String
    public var address: String
    public var to: [String]
    public var text: String
    public var replyTo: MessageID?

    public init(
      id: MessageID, seq: Int64, time: Timestamp, from: String, address: String, to: [String], text: String,
      replyTo: MessageID? = nil
    ) {
      self.id = id
      self.seq = seq
      self.time = time
      self.from = from
      self.address = address
      self.to = to
      self.text = text
      self.replyTo = replyTo
    }
  }

  public struct Presence: Equatable, Sendable {
    public var time: Timestamp
    public var nick: String
    public var address: String
    public var online: Bool

    public init(time: Timestamp, nick: String, address: String, online: Bool) {
      self.time = time
      self.nick = nick
      self.address = address
      self.online = online
    }
  }

  public struct Receipt: Equatable, Sendable {
    public var time: Timestamp
    public var id: MessageID
    public var nick: String
    public var status: String

    public init(time: Timestamp, id: MessageID, nick: String, status: String = "delivered") {
      self.time = time
      self.id = id
      self.nick = nick
      self.status = status
    }
  }

  public struct User: Equatable, Sendable {
    public var ref: Int64?
    public var nick: String
    public var address: String?
    public var online: Bool
    public var since: Timestamp?
    public var groups: [String]
    public var key: String?
    /// What kind of client it is, where that isn't one of ours: "classic".
    public var client: String?
    /// Invites, and removes users.
    public var isOwner: Bool
    /// When an owner removed the user.
    public var removed: Timestamp?

    public init(
      ref: Int64? = nil, nick: String, address: String?, online: Bool, since: Timestamp?, groups: [String],
      key: String?, client: String? = nil, isOwner: Bool = false, removed: Timestamp? = nil
    ) {
      self.isOwner = isOwner
      self.removed = removed
      self.client = client
      self.ref = ref
      self.nick = nick
      self.address = address
      self.online = online
      self.since = since
      self.groups = groups
      self.key = key
    }
  }
}
