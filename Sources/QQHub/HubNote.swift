import QQJournal
import QQProtocol

/// What whoever runs a hub reads in its log: who came in, who wasn't let in, what owners did. Never what was said, and no
/// secret.
public enum HubNote: Equatable, Sendable {
  /// A new user, or a guest. `invite`: the one that let the user in.
  case admitted(nick: String, key: [UInt8]?, IPAddress, invite: String?)
  /// Somebody who is a user already.
  case entered(nick: String, key: [UInt8]?, IPAddress)
  /// A user asked for what is an owner's.
  case denied(nick: String, IPAddress)
  /// Somebody who says to be `nick` wasn't let in.
  case refused(code: String, nick: String?, key: [UInt8]?, IPAddress)
  case renamed(from: String, to: String)
  case invited(id: String, by: String)
  case revoked(id: String, by: String)
  case removed(nick: String, by: String)
  case restored(nick: String, by: String)
  /// The disk has no room for what users say any more, or has again.
  case journalFull
  case journalHasRoom
  case backedUp(path: String, by: String)
  case backupFailed(reason: String, by: String)
}

extension HubNote {
  /// Not just anybody can bring it about: it is always in the log.
  public var isOwners: Bool {
    switch self {
    case .removed, .restored, .backedUp, .backupFailed, .journalFull, .journalHasRoom: true
    case .admitted, .entered, .denied, .refused, .renamed, .invited, .revoked: false
    }
  }
}

extension Hub {
  mutating func note(_ note: HubNote) { deliveries.append(.log(note)) }

  /// For a note: who did it.
  func nick(of id: SessionID) -> String { sessions[id]?.user.flatMap { directory[$0]?.row.nick } ?? "" }
}
