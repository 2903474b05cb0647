import QQHub
import QQProtocol

/// Connections that nobody was welcomed on yet. There is room for some, and it is never used up: one more ends the oldest
/// of whoever has the most, so that somebody who comes in at once gets in while others only hold their places.
struct Strangers: Sendable {
  private var bySource: [IPAddress: [SessionID]] = [:]
  private var sources: [SessionID: IPAddress] = [:]
  private let limit: Int
  private let sourceLimit: Int

  /// `sourceLimit`: of one address of IPv4, or one /64 of IPv6.
  init(limit: Int, sourceLimit: Int) {
    self.limit = limit
    self.sourceLimit = sourceLimit
  }

  var count: Int { sources.count }

  /// Returns the one that has to go.
  mutating func insert(_ id: SessionID, from address: IPAddress) -> SessionID? {
    let source = address.source
    bySource[source, default: []].append(id)
    sources[id] = source
    if let own = bySource[source], own.count > sourceLimit { return own.first.flatMap { remove($0) } }
    guard sources.count > limit else { return nil }
    let largest = bySource.max { ($0.value.count, $1.value.first ?? 0) < ($1.value.count, $0.value.first ?? 0) }
    return largest?.value.first.flatMap { remove($0) }
  }

  /// Returns it, if it was one.
  @discardableResult
  mutating func remove(_ id: SessionID) -> SessionID? {
    guard let source = sources.removeValue(forKey: id) else { return nil }
    bySource[source]?.removeAll { $0 == id }
    if bySource[source]?.isEmpty == true { bySource[source] = nil }
    return id
  }
}
