import QQJournal
import QQProtocol

/// How many sessions there may be. A connection that wasn't welcomed isn't one yet: `QQServer` bounds those.
public struct SessionLimits: Equatable, Sendable {
  /// Of everybody but owners.
  public var total: Int
  /// More of owners, so that somebody can always come in and remove whoever takes all others.
  public var owners: Int
  public var user: Int
  /// Of one source: an address of IPv4, a /64 of IPv6.
  public var source: Int

  public init(total: Int = 100_000, owners: Int = 16, user: Int = 64, source: Int? = nil) {
    self.total = total
    self.owners = owners
    self.user = user
    self.source = source ?? max(64, total / 4)
  }
}

/// The sessions that were welcomed: by user, and counted by source.
struct PresentSessions: Sendable {
  private(set) var count = 0
  private var byUser: [UserID: [SessionID]] = [:]
  private var bySource: [IPAddress: Int] = [:]

  /// In ascending order.
  func sessions(of user: UserID) -> [SessionID] { byUser[user] ?? [] }

  mutating func insert(_ id: SessionID, _ user: UserID, _ peer: Peer) {
    count += 1
    byUser[user, default: []].insertSorted(id)
    bySource[peer.address.source, default: 0] += 1
  }

  /// What it was when it ended; one that was never welcomed isn't here.
  mutating func remove(_ id: SessionID, _ session: Session?) {
    guard let session, let user = session.welcomedAs else { return }
    count -= 1
    byUser[user]?.removeAll { $0 == id }
    if byUser[user]?.isEmpty == true { byUser[user] = nil }
    let source = session.peer.address.source
    let others = bySource[source, default: 1] - 1
    bySource[source] = others > 0 ? others : nil
  }

  /// Why one more isn't let in.
  func refusal(_ user: UserID, _ peer: Peer, isOwner: Bool, _ limits: SessionLimits) -> String? {
    if sessions(of: user).count >= limits.user {
      return "this user has \(limits.user) sessions here already: end one of them"
    }
    if isOwner { return count < limits.total + limits.owners ? nil : "this hub has as many sessions as it takes" }
    if bySource[peer.address.source, default: 0] >= limits.source {
      return "\(limits.source) sessions come from \(peer.address.source) already, and this hub takes no more"
    }
    return count < limits.total ? nil : "this hub has as many sessions as it takes: try again later"
  }
}
