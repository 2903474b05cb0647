import NIOCore
import QQHub
import QQProtocol
import QQTransport

/// This machine's addresses and the networks it is directly connected to.
enum Interfaces {
  /// This machine's addresses that others may reach it by, IPv4 first.
  static var reachable: [IPAddress] {
    let all = ((try? System.enumerateDevices()) ?? []).compactMap { IPAddress($0.address) }
    let usable = all.filter { !$0.isLoopback && !$0.isLinkLocal && !$0.isUnspecified }
    return usable.filter(\.isIPv4) + usable.filter { !$0.isIPv4 }
  }

  static func note(_ hub: inout HubConfiguration) {
    for device in (try? System.enumerateDevices()) ?? [] {
      guard let address = IPAddress(device.address) else { continue }
      hub.localAddresses.insert(address)
      guard !address.isLoopback, let mask = IPAddress(device.netmask) else { continue }
      let length = mask.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
      let network = CIDR(address: address, prefixLength: length)
      if !hub.interfaces.contains(network) { hub.interfaces.append(network) }
    }
  }
}
