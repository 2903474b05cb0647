import NIOCore
import QQProtocol

/// This machine's addresses and the networks it is directly connected to.
public struct LocalNetworks: Equatable, Sendable {
  public var addresses: Set<IPAddress> = []
  /// Without loopback, each once.
  public var networks: [CIDR] = []

  public init() {}

  public static func current() -> LocalNetworks {
    var local = LocalNetworks()
    for device in (try? System.enumerateDevices()) ?? [] {
      guard let address = IPAddress(device.address) else { continue }
      local.addresses.insert(address)
      guard !address.isLoopback, let mask = IPAddress(device.netmask) else { continue }
      let length = mask.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
      let network = CIDR(address: address, prefixLength: length)
      if !local.networks.contains(network) { local.networks.append(network) }
    }
    return local
  }

  /// Addresses that others may reach this machine by, IPv4 first.
  public var reachable: [IPAddress] {
    let usable = addresses.filter { !$0.isLoopback && !$0.isLinkLocal && !$0.isUnspecified }
    return usable.sorted { ($0.isIPv4 ? 0 : 1, $0.description) < ($1.isIPv4 ? 0 : 1, $1.description) }
  }
}
