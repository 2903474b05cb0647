/// What a client says. `ref` is a number of its choice that the answer repeats.
public enum ClientFrame: Equatable, Sendable {
  case hello(Hello)
  case send(Send)
  case listen(Listen)
  case ack(seq: Int64)
  /// Where a reader of this name would go on; `listen` where none is given.
  case cursor(ref: Int64?, name: String?)
  case who(Who)
  case join(ref: Int64?, group: String)
  case leave(ref: Int64?, group: String)
  case nick(ref: Int64?, nick: String)
  case history(HistoryRequest)
  case ping(ref: Int64?)

  // Who may come in.
  /// Makes an invite whose secret has this SHA-256: the hub need not know the secret before it is used.
  /// `lifetime`: milliseconds from when the hub has it, whatever the client's clock says.
  case invite(ref: Int64?, hash: Digest, nick: String?, lifetime: Int64)
  /// How the hub is doing; for owners.
  case status(ref: Int64?)
  /// Makes a backup and keeps so many of the newest; for owners.
  case backup(ref: Int64?, keep: Int64?)
  /// The invites that this user made; to an owner, all.
  case invites(ref: Int64?)
  /// The invite of this name can't be used any more.
  case revoke(ref: Int64?, invite: String)
  /// A user, by nick or by the fingerprint of the key, is let in no more.
  case remove(ref: Int64?, user: String)
  /// And is again.
  case restore(ref: Int64?, user: String)

  // Files: an offer is a `send` with a file in the place of the text.
  /// Begins to send the bytes of a file that was offered under this id, or goes on.
  case upload(ref: Int64?, id: MessageID)
  /// A piece of the file that this session uploads; its bytes follow.
  case put(Chunk)
  /// That was all of it.
  case finish(ref: Int64?, size: Int64, hash: TreeHash)
  case get(Get)
  /// The session that gets a file has this much of it, verified.
  case got(offset: Int64)
  /// The file that was offered under this id will never be whole.
  case withdraw(ref: Int64?, id: MessageID)
  /// This user has the file whole, verified and in place.
  case saved(ref: Int64?, seq: Int64)
  /// The files that were offered to this user after this seq and not saved yet.
  case files(ref: Int64?, after: Int64)

  public struct Hello: Equatable, Sendable {
    public var version: Int64
    public var nick: String?
    /// The nick was chosen by a person: where it is taken, refuse instead of finding one near it.
    public var isExplicit: Bool
    /// The name of the client's machine, for a nick that is free.
    public var host: String?
    public var agent: String?
    /// The secret of an invite, 16 bytes in base64 for addresses.
    public var invite: String?

    public init(
      version: Int64 = Int64(ProtocolLimits.version), nick: String? = nil, isExplicit: Bool = false,
      host: String? = nil, agent: String? = nil, invite: String? = nil
    ) {
      self.invite = invite
      self.version = version
      self.nick = nick
      self.isExplicit = isExplicit
      self.host = host
      self.agent = agent
    }
  }

  public struct Send: Equatable, Sendable {
    public var ref: Int64?
    public var id: MessageID
    public var to: [String]
    public var text: String
    public var replyTo: MessageID?
    /// The sender waits for receipts.
    public var wantsReceipts: Bool
    /// An address where nobody is online stands for whoever was last seen there.
    public var lastSeen: Bool
    /// What is offered; the text is empty then.
    public var file: FileInfo?

    public init(
      ref: Int64?, id: MessageID, to: [String], text: String, replyTo: MessageID? = nil, wantsReceipts: Bool = false,
      lastSeen: Bool = false, file: FileInfo? = nil
    ) {
      self.ref = ref
      self.id = id
      self.to = to
      self.text = text
      self.replyTo = replyTo
      self.wantsReceipts = wantsReceipts
      self.lastSeen = lastSeen
      self.file = file
    }
  }

  /// Asks for the bytes of a file.
  public struct Get: Equatable, Sendable {
    public var ref: Int64?
    /// The file's id, or its seq, which no two have in common.
    public var file: FileKey
    /// Where to go on, a multiple of `Chunk.size`, and the hash of what comes before, as it was received. Where that
    /// isn't what the hub has, it begins at 0.
    public var offset: Int64
    public var hash: TreeHash?

    public init(ref: Int64?, file: FileKey, offset: Int64 = 0, hash: TreeHash? = nil) {
      self.ref = ref
      self.file = file
      self.offset = offset
      self.hash = hash
    }
  }

  public enum FileKey: Hashable, Sendable {
    case id(MessageID)
    case seq(Int64)
  }

  public enum Start: Equatable, Sendable {
    /// After this seq; 0 is everything that is kept.
    case seq(Int64)
    /// After the cursor.
    case unread
    /// Only what comes from now on.
    case now
    /// From this time on.
    case time(Timestamp)
  }

  public struct Listen: Equatable, Sendable {
    public var ref: Int64?
    public var after: Start
    public var cursor: String?
    /// Names the reading process, so that its reconnection takes over from its own lost connection.
    public var reader: String?
    /// Take hold of the cursor and move it by acknowledging; otherwise only start from it.
    public var holds: Bool
    /// Say by another `ok` once there is nothing more to catch up with.
    public var tellsLive: Bool

    public init(
      ref: Int64?, after: Start, cursor: String? = nil, reader: String? = nil, holds: Bool = false,
      tellsLive: Bool = false
    ) {
      self.ref = ref
      self.after = after
      self.cursor = cursor
      self.reader = reader
      self.holds = holds
      self.tellsLive = tellsLive
    }
  }

  public struct Who: Equatable, Sendable {
    public var ref: Int64?
    public var all: Bool
    public var watch: Bool
    /// Also who was removed; for owners.
    public var removed: Bool

    public init(ref: Int64?, all: Bool = false, watch: Bool = false, removed: Bool = false) {
      self.removed = removed
      self.ref = ref
      self.all = all
      self.watch = watch
    }
  }

  public struct HistoryRequest: Equatable, Sendable {
    public var ref: Int64?
    /// A nick, an address or a group; nil is everything the user may read or has said.
    public var target: String?
    /// Oldest first after this seq. Without it, the newest below `before`.
    public var after: Int64?
    public var before: Int64?
    public var since: Timestamp?
    public var limit: Int64

    public init(
      ref: Int64?, target: String? = nil, after: Int64? = nil, before: Int64? = nil, since: Timestamp? = nil,
      limit: Int64 = Int64(ProtocolLimits.historyPage)
    ) {
      self.ref = ref
      self.target = target
      self.after = after
      self.before = before
      self.since = since
      self.limit = limit
    }
  }

  public var ref: Int64? {
    switch self {
    case .hello, .ack, .put, .got: nil
    case .send(let send): send.ref
    case .listen(let listen): listen.ref
    case .who(let who): who.ref
    case .join(let ref, _), .leave(let ref, _), .nick(let ref, _), .cursor(let ref, _), .ping(let ref): ref
    case .invite(let ref, _, _, _), .invites(let ref), .revoke(let ref, _), .remove(let ref, _), .restore(let ref, _):
      ref
    case .status(let ref), .backup(let ref, _): ref
    case .history(let request): request.ref
    case .upload(let ref, _), .withdraw(let ref, _), .finish(let ref, _, _), .saved(let ref, _), .files(let ref, _): ref
    case .get(let get): get.ref
    }
  }
}
