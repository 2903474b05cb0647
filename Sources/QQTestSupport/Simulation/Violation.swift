/// Something that must not happen, and did.
public struct Violation: Equatable, Sendable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    /// The hub said `sent`, and the journal doesn't have it so.
    case lostAcknowledged = "acknowledged and not stored"
    case storedTwice = "stored twice"
    case shownTwice = "shown twice, or out of order"
    case missing = "not shown"
    case notTheirs = "shown to somebody it wasn't for"
    case wrongContent = "shown with another content than was sent"
    case outOfOrder = "a sender's messages changed their order"
    case falseReceipt = "a receipt for what wasn't processed"
    case falseFailure = "a failure told for what was stored"
    case cursorAhead = "a cursor beyond what was processed"
    case cursorBack = "a cursor that went back"
    case unbounded = "memory beyond its bound"
    case divergence = "the hub's state is not what its journal says"
    case garbled = "a line that can't be read"
    case stuck = "no end of waiting"
    case trap = "the hub would end"
  }

  typealias Finding = (kind: Kind, text: String)

  public var kind: Kind
  public var text: String
  /// Virtual milliseconds.
  public var time: Int64

  public var description: String { "\(kind.rawValue), at \(time) ms: \(text)" }
}

/// Errors that the simulated world can be told to make, each of which must be found.
public enum PlantedBug: String, CaseIterable, Sendable {
  /// The journal delivers what it hasn't synced yet.
  case acknowledgesBeforeCommit
  /// Neither store nor hub knows an id again.
  case forgetsIDs
  /// A reader asks for what comes after the event after its last one.
  case resumesLate
  /// A reader asks for its last event again, and shows it.
  case resumesEarly
  /// A page goes on after somebody has left the group.
  case ignoresStays
  /// A full channel drops lines and tells nobody.
  case losesStalls
  /// A reader acknowledges what it has received, not what it has shown.
  case acknowledgesUnshown
  /// A sender doesn't send again what was lost with a connection.
  case neverResends
  /// A hub that starts doesn't read what its journal has beyond the projection.
  case skipsReplay
  /// Every process of a hub has the same number.
  case reusesInstance
  /// A reader takes the seqs of one life of the data for those of another.
  case forgetsEpoch
  /// The hub's machine keeps every line it has ever written.
  case keepsSegments
  /// A number from outside is multiplied and not checked.
  case multipliesUnchecked
  /// The hub isn't told that a session has ended.
  case keepsRows
  /// What was read is acted on while it is parsed.
  case callsOutOfParser
}

extension PlantedBug {
  /// It takes somebody who means no good to bring it to light.
  public var isHostile: Bool {
    switch self {
    case .multipliesUnchecked, .keepsRows, .callsOutOfParser: true
    default: false
    }
  }

  /// What it comes to light as, among others.
  public var violation: Violation.Kind {
    switch self {
    case .acknowledgesBeforeCommit, .skipsReplay: .lostAcknowledged
    case .forgetsIDs: .storedTwice
    case .resumesLate, .losesStalls, .reusesInstance, .forgetsEpoch: .missing
    case .resumesEarly: .shownTwice
    case .ignoresStays: .notTheirs
    case .acknowledgesUnshown: .cursorAhead
    case .neverResends: .stuck
    case .keepsSegments, .keepsRows: .unbounded
    case .multipliesUnchecked, .callsOutOfParser: .trap
    }
  }
}
