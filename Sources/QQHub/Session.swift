import QQJournal
import QQProtocol

/// One connection of a user.
public typealias SessionID = UInt64

/// Who is at the other end, as the channel proves it.
public struct Peer: Equatable, Sendable {
  public var address: IPAddress
  /// SHA-256 of the public key that the TLS handshake proved; nil on a plaintext channel.
  public var key: [UInt8]?
  /// A client of the original mini QQ.
  public var isClassic: Bool

  public init(address: IPAddress, key: [UInt8]?, isClassic: Bool = false) {
    self.isClassic = isClassic
    self.address = address
    self.key = key
  }
}

struct Session: Sendable {
  enum Phase: Sendable {
    case greeting
    /// The record that makes this user is on its way.
    case admitting
    case ready(UserID)
    case closing
  }

  var peer: Peer
  var phase: Phase = .greeting
  /// Who it says to be.
  var wanted: String?
  var reading: Reading?
  var transfer: Transfer?
  /// Pieces of files that the spool was asked for.
  var reads = 0
  /// What it said, and waits for its turn.
  var inbox = Inbox()
  /// A request that takes several turns.
  var job: Job?
  /// It is behind, and the next part of the tail is looked through when it is its turn.
  var scansTail = false
  /// Bytes of answers since its channel last took more, and whether it was asked to say so.
  var answered = 0
  var awaitsChannel = false
  /// Questions to the store that it asked; what it says behind one waits for the answer.
  var questions = 0
  /// Messages on their way whose answer may be long.
  var heavySends = 0
  var isWatching = false
  /// The newest message that it sent before it listened, and so isn't marked as its own in the tail.
  var sentBefore: Seq = 0
  /// Requests whose answer waits for the journal or the store.
  var outstanding = 0

  /// Requests on their way to the disk beyond which a session is heard no further, and those of them with long answers.
  private static let maximumOutstanding = 8_192
  private static let maximumHeavySends = 8

  /// What it says has to wait: for the welcome, for an answer, or until its peer reads.
  var isHeld: Bool {
    if case .admitting = phase { return true }
    return awaitsChannel || questions > 0 || outstanding > Self.maximumOutstanding
      || heavySends >= Self.maximumHeavySends
  }

  /// Nothing that it said waits for an answer.
  var isDone: Bool { outstanding == 0 && inbox.isEmpty && job == nil }

  /// Who it was welcomed as, also when it is closing.
  var welcomedAs: UserID?

  var isClosing: Bool {
    if case .closing = phase { return true }
    return false
  }

  var user: UserID? {
    if case .ready(let user) = phase { return user }
    return nil
  }
}

/// A session that listens.
struct Reading: Sendable {
  enum Position: Equatable, Sendable {
    /// Has everything; the next record is written to it at once.
    case live
    /// Has everything up to here, and goes on when its channel takes more.
    case behind(after: Seq)
    /// The store was asked for what comes after this.
    case paging(after: Seq)
    /// The store was asked which seq a time is.
    case locating
  }

  /// The request's number, which what it comes to later repeats.
  var ref: Int64?
  var cursor: String
  var reader: String?
  /// This session wants to move the cursor.
  var wantsHold: Bool
  /// It does.
  var holds = false
  var position: Position
  var since: Timestamp
  /// Wants to be told when it is live; once.
  var tellsLive: Bool
  /// Where records were removed, say so: not where "all that is kept" was asked for.
  var tellsGaps = true

  /// Another session moves the cursor that this one would move.
  var isFollowing: Bool { wantsHold && !holds }
}

/// Records that were written to a session's channel: see `Effect.write`.
public struct Write: Equatable, Sendable {
  public var segment: UInt64
  public var bytes: Range<Int>
  /// The seq that these lines come after: where a channel can't take them, the session is stalled after it.
  public var after: Seq
  public var sessions: [SessionID]
  /// Part of catching up: such a write ends a stall, and after it the session asks for more by `.writable`.
  public var isCatchUp: Bool
}
