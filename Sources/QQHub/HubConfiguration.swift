import QQProtocol

/// Who may become a user without an invite.
public enum Admission: Hashable, Sendable {
  /// Loopback, and private and link-local sources within a prefix of one of the hub's own interfaces.
  case localNetworks
  case everybody
  case nobody
}

/// Which peers may talk without TLS.
public enum PlaintextPolicy: Hashable, Sendable {
  case refused
  case loopback
  /// Whoever the admission rule admits.
  case admitted
}

/// What the hub takes of files, in bytes.
public struct FileLimits: Hashable, Sendable {
  public var file: Int64 = .max
  /// Of all files that one user has offered and the hub still keeps.
  public var user: Int64 = .max
  /// Of all files.
  public var total: Int64 = .max
  /// Files that one user has offered and the hub still keeps.
  public var userCount = 10_000
  /// What stays free on the hub's disk.
  public var reserve: Int64 = 1 << 30

  public init() {}
}

/// The settings of a hub, fixed while it runs.
public struct HubConfiguration: Sendable {
  /// How the hub calls itself in `welcome`.
  public var name: String
  /// A random number of this process; see `Origin`.
  public var instance: UInt32
  public var admission: Admission
  /// Sources admitted besides the rule.
  public var admitted: [CIDR]
  /// The keys of whoever runs the hub: always admitted, and they invite and remove users.
  public var ownerKeys: Set<[UInt8]>
  /// Every user with a key may invite, not owners alone.
  public var everybodyInvites = false
  public var plaintext: PlaintextPolicy
  /// The prefixes of the hub's interfaces.
  public var interfaces: [CIDR]
  /// The hub's own addresses: users on its machine count for each of them.
  public var localAddresses: Set<IPAddress>
  /// Bytes of lines kept in memory for readers that are a little behind.
  public var tailCapacity: Int
  /// Bytes written at once to a reader that catches up.
  public var catchUpBytes: Int
  public var maximumUsers: Int
  public var sessions = SessionLimits()
  /// Guests and keys that come for the first time, uninvited, from one source: an address of IPv4, a /64 of IPv6.
  public var newcomers = RateLimit(burst: 10_000, hourly: 10_000)
  /// Of one user.
  public var joins = RateLimit(burst: 1_000, hourly: 3_600)
  public var turns = TurnLimits()
  public var files = FileLimits()
  /// Milliseconds that a cursor move waits for another record to be committed with.
  public var cursorDelay: Int64

  /// Bytes of the disk that messages leave free: what a journal's log holds until it is moved to the tables, about. Less
  /// than files leave, so that people can talk where files are refused, and on a small disk.
  public var journalReserve: Int64 { min(max(files.reserve / 2, 4 << 20), 8 << 20) }

  /// Whom it lets in uninvited, for people.
  public var admits: String {
    let more = admitted.map(\.description)
    switch admission {
    case .everybody: return "everybody"
    case .nobody: return "nobody uninvited" + (more.isEmpty ? "" : " but " + more.joined(separator: ", "))
    case .localNetworks:
      let near = interfaces.isEmpty ? ["no network"] : interfaces.map(\.description)
      return "this machine and " + (near + more).joined(separator: ", ")
    }
  }

  public init(name: String, instance: UInt32) {
    self.name = name
    self.instance = instance
    admission = .localNetworks
    admitted = []
    ownerKeys = []
    plaintext = .refused
    interfaces = []
    localAddresses = []
    tailCapacity = 32 << 20
    catchUpBytes = 1 << 20
    maximumUsers = 1_000_000
    cursorDelay = 200
  }

  /// Whether a source may become a user, or talk as a guest, by its address.
  func admits(_ address: IPAddress) -> Bool {
    if admission == .everybody { return true }
    if admitted.contains(where: { $0.contains(address) }) { return true }
    guard admission == .localNetworks else { return false }
    if address.isLoopback || localAddresses.contains(address) { return true }
    return (address.isPrivate || address.isLinkLocal) && interfaces.contains { $0.contains(address) }
  }

  func isLocal(_ address: IPAddress) -> Bool {
    address.isLoopback || localAddresses.contains(address)
  }

  /// A user at `address` is somebody whom a message to `target` means.
  func address(_ address: IPAddress, matches target: IPAddress) -> Bool {
    address == target || isLocal(target) && isLocal(address)
  }
}
