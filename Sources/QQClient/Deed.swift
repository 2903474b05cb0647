import QQProtocol

/// What was asked for and is done.
public enum Deed: Equatable, Sendable {
  case joined(String, seq: Int64?)
  case left(String, seq: Int64?)
  case renamed(String)
  /// An invite can't be used any more.
  case revoked(String)
  /// A user is let in no more.
  case removed(String)
  case restored(String)
  /// A file is at the hub.
  case uploaded(HubFrame.Sent, FileInfo, size: Int64, TreeHash)

  public var text: String {
    switch self {
    case .joined(let group, _): "joined \(group)"
    case .left(let group, _): "left \(group)"
    case .renamed(let nick): "you are \(nick) now"
    case .revoked(let invite): "revoked \(invite)"
    case .removed(let nick): "removed \(nick)"
    case .restored(let nick): "restored \(nick)"
    case .uploaded(let sent, let info, let size, _):
      "sent \(info.name) (\(ByteCount.text(size - (info.manifest ?? 0)))) to \(sent.to)"
    }
  }
}
