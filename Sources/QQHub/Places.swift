import QQJournal
import QQProtocol

/// Users by the addresses that they are at, so that finding them costs what there are of them.
struct Places: Sendable {
  private var users: [IPAddress: [UserID: Int]] = [:]
  /// Those of the addresses that are loopback.
  private var loopback: Set<IPAddress> = []

  /// In the order of their numbers. All addresses of the hub's own machine are one place.
  func users(at address: IPAddress, _ configuration: HubConfiguration) -> [UserID] {
    guard configuration.isLocal(address) else { return (users[address]?.keys).map { $0.sorted() } ?? [] }
    var found: Set<UserID> = []
    for place in loopback.union(configuration.localAddresses) { found.formUnion(users[place]?.keys ?? [:].keys) }
    return found.sorted()
  }

  /// As often as it is put here, a user has to be removed.
  mutating func insert(_ user: UserID, at address: IPAddress) {
    users[address, default: [:]][user, default: 0] += 1
    if address.isLoopback { loopback.insert(address) }
  }

  mutating func remove(_ user: UserID, at address: IPAddress) {
    guard let count = users[address]?[user] else { return }
    users[address]?[user] = count > 1 ? count - 1 : nil
    if users[address]?.isEmpty == true {
      users[address] = nil
      loopback.remove(address)
    }
  }
}
