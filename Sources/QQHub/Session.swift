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
  /// What came while the user was being made: it waits for the welcome.
  var held: [ClientFrame] = []
  /// The newest message that it sent before it listened, and so isn't marked as its own in the tail.
  var sentBefore: Seq = 0
  /// Requests whose answer waits for the journal or the store.
  var outstanding = 0

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
