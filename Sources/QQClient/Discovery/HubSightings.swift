import QQIdentity
import QQProtocol

/// A hub that was found: the key that it proved to have, and where.
public struct HubCandidate: Hashable, Sendable {
  public var endpoint: Endpoint
  public var fingerprint: Fingerprint
  /// As it calls itself; anybody may call a hub so.
  public var name: String?

  public init(endpoint: Endpoint, fingerprint: Fingerprint, name: String? = nil) {
    self.endpoint = endpoint
    self.fingerprint = fingerprint
    self.name = name
  }
}

extension HubCandidate {
  /// A name that nobody takes for more: letters, digits and `-_.` alone, at most 64 of them.
  public static func isPlain(_ name: String) -> Bool {
    1...64 ~= name.unicodeScalars.count
      && name.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || "0"..."9" ~= $0 || "-_.".unicodeScalars.contains($0)
      }
  }
}

/// What was announced on a LAN, by the hub that it claims to be from. Pure.
public struct HubSightings: Sendable {
  public struct Hub: Equatable, Sendable {
    public var fingerprint: Fingerprint
    public var name: String
    /// In the order of their discovery, those that others could reach it at first.
    public var endpoints: [Endpoint]
  }

  public private(set) var hubs: [Hub] = []
  /// How many places of a hub were taken.
  private var told: [Fingerprint: Int] = [:]
  /// A hub has a few addresses, and a LAN a few hubs: more is somebody's invention.
  private static let most = 64
  /// A machine has a few hubs.
  private static let mostOfOneHost = 16

  public init() {}

  /// The hub that was announced, unless nothing was heard of it since this was asked last.
  public mutating func takeNews(_ announcement: DiscoveryPacket.Announcement) -> Hub? {
    guard let place = hubs.firstIndex(where: { $0.fingerprint.description == announcement.fingerprint }),
      hubs[place].endpoints.count > told[hubs[place].fingerprint] ?? 0
    else { return nil }
    told[hubs[place].fingerprint] = hubs[place].endpoints.count
    return hubs[place]
  }

  /// Forgets where nobody proved to be this hub: it may be announced there again, and leaves room for others.
  public mutating func forget(_ fingerprint: Fingerprint, but proved: Set<Endpoint>) {
    guard let place = hubs.firstIndex(where: { $0.fingerprint == fingerprint }) else { return }
    hubs[place].endpoints.removeAll { !proved.contains($0) }
    told[fingerprint] = hubs[place].endpoints.count
    if hubs[place].endpoints.isEmpty { hubs.remove(at: place) }
  }

  /// Takes a sighting in; false where it is nothing new.
  public mutating func add(_ announcement: DiscoveryPacket.Announcement, at host: String) -> Bool {
    let known = hubs.reduce(0) { $0 + $1.endpoints.count { $0.host == host } }
    guard let fingerprint = Fingerprint(announcement.fingerprint), known < Self.mostOfOneHost else { return false }
    let endpoint = Endpoint(host: host, port: announcement.port)
    guard let place = hubs.firstIndex(where: { $0.fingerprint == fingerprint }) else {
      guard hubs.count < Self.most else { return false }
      hubs.append(Hub(fingerprint: fingerprint, name: announcement.name, endpoints: [endpoint]))
      return true
    }
    guard !hubs[place].endpoints.contains(endpoint), hubs[place].endpoints.count < Self.most else { return false }
    let index = hubs[place].endpoints.firstIndex { $0.rank > endpoint.rank }
    hubs[place].endpoints.insert(endpoint, at: index ?? hubs[place].endpoints.endIndex)
    return true
  }
}

extension Endpoint {
  /// Which of several is taken for one hub: the least. IPv4, then IPv6, then what holds on one link or one machine alone.
  var rank: Int {
    guard let address = IPAddress(host) else { return 0 }
    return address.isLoopback ? 3 : address.isLinkLocal ? 2 : address.isIPv4 ? 0 : 1
  }
}

/// Which of the hubs that were found is used where none is named. Pure.
public enum HubChoice: Equatable, Sendable {
  /// The only one that is trusted already.
  case use(HubCandidate)
  /// The only one there is, and nobody has said yet that it is the right one.
  case ask(HubCandidate)
  /// None of these more than the others.
  case several([HubCandidate], areTrusted: Bool)
  case none

  public init(among candidates: [HubCandidate], isTrusted: (Fingerprint) -> Bool) {
    var seen: Set<Fingerprint> = []
    // Which of them answered first says nothing.
    let likeliestFirst = candidates.sorted {
      ($0.endpoint.rank, $0.endpoint.description) < ($1.endpoint.rank, $1.endpoint.description)
    }
    let hubs = likeliestFirst.filter { seen.insert($0.fingerprint).inserted }
    let trusted = hubs.filter { isTrusted($0.fingerprint) }
    if trusted.count == 1 {
      self = .use(trusted[0])
    } else if trusted.count > 1 {
      self = .several(trusted, areTrusted: true)
    } else if hubs.count == 1 {
      self = .ask(hubs[0])
    } else {
      self = hubs.isEmpty ? .none : .several(hubs, areTrusted: false)
    }
  }
}
