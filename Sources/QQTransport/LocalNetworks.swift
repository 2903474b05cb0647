import NIOCore
import QQProtocol

/// This machine's addresses and the networks it is directly connected to.
public struct LocalNetworks: Equatable, Sendable {
  public var addresses: Set<IPAddress> = []
  /// Without loopback, each once.
  public var networks: [CIDR] = []

  public init() {}

  /// `isWanted`: of these own addresses, and their networks.
  public static func current(where isWanted: (IPAddress) -> Bool = { _ in true }) -> LocalNetworks {
    var local = LocalNetworks()
    for device in (try? System.enumerateDevices()) ?? [] {
      guard let address = IPAddress(device.address), isWanted(address) else { continue }
      local.addresses.insert(address)
      guard !address.isLoopback, let network = CIDR(device) else { continue }
      if !local.networks.contains(network) { local.networks.append(network) }
    }
    return local
  }

  /// Whether an address is this machine's or on a network of it. Of IPv6 also what shares the first 64 bits with an
  /// address of it: where DHCPv6 gives addresses out, the length of the network stands elsewhere (RFC 8415).
  public func contains(_ address: IPAddress) -> Bool {
    address.isLoopback || addresses.contains(address) || networks.contains { $0.contains(address) }
      || !address.isIPv4 && addresses.contains { !$0.isIPv4 && CIDR(address: $0, prefixLength: 64).contains(address) }
  }

  /// Addresses that others may reach this machine by, IPv4 first.
  public var reachable: [IPAddress] {
    let usable = addresses.filter { !$0.isLoopback && !$0.isLinkLocal && !$0.isUnspecified }
    return usable.sorted { ($0.isIPv4 ? 0 : 1, $0.description) < ($1.isIPv4 ? 0 : 1, $1.description) }
  }
}

extension CIDR {
  /// The network that a device's address is on.
  public init?(_ device: NIONetworkDevice) {
    guard let address = IPAddress(device.address), let mask = IPAddress(device.netmask) else { return nil }
    self.init(address: address, prefixLength: mask.bytes.reduce(0) { $0 + $1.nonzeroBitCount })
  }
}
