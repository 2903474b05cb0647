import QQProtocol

/// A position in the journal, counted from 1; 0 stands before the first record.
public typealias Seq = Int64

/// A user's number on one hub, given when the user is admitted and never given again.
public struct UserID: Hashable, Comparable, Sendable {
  public let rawValue: UInt32

  public init(_ rawValue: UInt32) {
    self.rawValue = rawValue
  }

  public static func < (a: UserID, b: UserID) -> Bool { a.rawValue < b.rawValue }
}

/// A group's number on one hub, given at the first join.
public struct GroupID: Hashable, Comparable, Sendable {
  public let rawValue: UInt32

  public init(_ rawValue: UInt32) {
    self.rawValue = rawValue
  }

  public static func < (a: GroupID, b: GroupID) -> Bool { a.rawValue < b.rawValue }
}

/// Who proposed a record, so that the hub which has the session can answer it once it is applied. `hub` is a random
/// number of the running process: a replayed record has the number of a process that is gone, and nobody is answered.
public struct Origin: Hashable, Sendable {
  public var hub: UInt32
  public var session: UInt64
  public var ref: Int64

  public init(hub: UInt32, session: UInt64, ref: Int64) {
    self.hub = hub
    self.session = session
    self.ref = ref
  }
}

/// A proposal. It says what somebody wants; what comes of it is decided when it is applied, in journal order. Whatever
/// isn't determined by the records before it (time, random values, who was at an address) is in here.
public struct Record: Equatable, Sendable {
  public var time: Timestamp
  public var origin: Origin
  public var body: Body

  public init(time: Timestamp, origin: Origin, body: Body) {
    self.time = time
    self.origin = origin
    self.body = body
  }

  public enum Body: Equatable, Sendable {
    case message(MessageBody)
    case admit(AdmitBody)
    case rename(UserID, nick: String)
    case join(UserID, group: String)
    case leave(UserID, group: String)
    case cursors([CursorMove])
    /// A user began to listen from this address.
    case seen(UserID, address: IPAddress)
    /// A user has the file that was offered at this seq, whole and in place.
    case saved(UserID, file: Seq)
    /// The hub keeps these files no longer.
    case discard([Seq])
    case invite(InviteBody)
    /// The invite with this hash can't be used any more.
    case revoke(Digest)
    /// A user and the user's key are let in no more.
    case remove(UserID)
    /// They are again.
    case restore(UserID)
    /// No message up to this seq is kept any more: what these users have that is about such alone goes.
    case prune(through: Seq, ClosedRange<UserID>)
  }
}

extension Record {
  /// The hub's own, or an owner's: it makes room, or keeps somebody out, and is taken where the disk has little room left.
  public var isEssential: Bool {
    switch body {
    case .discard, .revoke, .remove, .restore, .prune: true
    // Who comes for the first time to do one of these.
    case .admit(let body): body.isOwner
    case .message, .rename, .join, .leave, .cursors, .seen, .saved, .invite: false
    }
  }

  /// Bytes that it takes on a disk and in memory, about, and rather too many.
  public var size: Int {
    guard case .message(let body) = body else { return 512 }
    return body.targets.reduce(256 + body.text.utf8.count) { $0 + 32 + $1.size }
  }
}

/// A message as its sender gave it, with what the hub stamps on it. A class, since records are handed from queue to
/// queue and never change: each hand over counts one reference instead of one a field.
public final class MessageBody: Equatable, Sendable {
  public let sender: UserID
  /// The sender's nick when it was sent.
  public let from: String
  public let address: IPAddress
  public let id: MessageID
  public let targets: [RecordTarget]
  public let text: String
  public let replyTo: MessageID?
  /// What makes it an event about a file; its text is empty then.
  public let attachment: Attachment?

  public static func == (a: MessageBody, b: MessageBody) -> Bool {
    a === b
      || (a.sender, a.from, a.address, a.id, a.text, a.replyTo) == (
        b.sender, b.from, b.address, b.id, b.text, b.replyTo
      )
        && a.targets == b.targets && a.attachment == b.attachment
  }

  public init(
    sender: UserID, from: String, address: IPAddress, id: MessageID, targets: [RecordTarget], text: String,
    replyTo: MessageID? = nil, attachment: Attachment? = nil
  ) {
    self.sender = sender
    self.from = from
    self.address = address
    self.id = id
    self.targets = targets
    self.text = text
    self.replyTo = replyTo
    self.attachment = attachment
  }
}

/// What a message is about besides its text. Boxed: nearly no message has one, and all would be larger for it.
public indirect enum Attachment: Hashable, Sendable {
  /// A file is offered.
  case file(FileInfo)
  /// The hub has all of the file that was offered at this seq.
  case complete(file: Seq, size: Int64, hash: TreeHash)
}

/// A target as a record keeps it: names resolve when it is applied, an address was resolved when it was proposed.
public enum RecordTarget: Hashable, Sendable {
  case nick(String)
  /// Without the `@`.
  case group(String)
  case address(String, users: [UserID])
}

extension RecordTarget {
  /// Bytes that it takes in memory, about.
  public var size: Int {
    switch self {
    case .nick(let name), .group(let name): name.utf8.count
    case .address(let name, let users): name.utf8.count + 4 * users.count
    }
  }
}

/// Somebody wants to be a user.
public struct AdmitBody: Equatable, Sendable {
  /// SHA-256 of the public key, 32 bytes; nil for a guest, who has none.
  public var key: [UInt8]?
  public var nick: String
  /// The nick was asked for by name: where it is taken, refuse; otherwise find one near it.
  public var isExplicit: Bool
  public var address: IPAddress
  /// The name of the machine, for a nick that is free.
  public var host: String
  /// The hash of the invite's secret, where one lets the key in.
  public var invite: Digest?
  /// The key was an owner's, uninvited.
  public var isOwner: Bool

  public init(
    key: [UInt8]?, nick: String, isExplicit: Bool, address: IPAddress, host: String, invite: Digest? = nil,
    isOwner: Bool = false
  ) {
    self.isOwner = isOwner
    self.invite = invite
    self.key = key
    self.nick = nick
    self.isExplicit = isExplicit
    self.address = address
    self.host = host
  }
}

/// Somebody wants to invite.
public struct InviteBody: Equatable, Sendable {
  public var by: UserID
  /// SHA-256 of the secret.
  public var hash: Digest
  /// The nick that whoever uses it gets.
  public var nick: String?
  public var expires: Timestamp

  public init(by: UserID, hash: Digest, nick: String?, expires: Timestamp) {
    self.by = by
    self.hash = hash
    self.nick = nick
    self.expires = expires
  }
}

/// One named reader of a user has processed everything up to `seq`.
public struct CursorMove: Hashable, Sendable {
  public var user: UserID
  public var name: String
  public var seq: Seq

  public init(user: UserID, name: String, seq: Seq) {
    self.user = user
    self.name = name
    self.seq = seq
  }
}
