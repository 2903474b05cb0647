import NIOCore
import NIOPosix
import QQProtocol

/// The UDP sockets of discovery. A *mouth* is bound to one address of this machine, so that what it says goes out there
/// and what is answered comes back to it; an *ear* is bound to the port and in the groups.
public enum DiscoverySockets {
  /// A datagram's source, and the datagram.
  public typealias Heard = (source: SocketAddress, bytes: [UInt8])

  /// Addresses of this machine that something can be said from: of IPv4 those of loopback, too; of IPv6 each device once.
  public static func devices(where isWanted: (IPAddress) -> Bool = { _ in true }) -> [NIONetworkDevice] {
    var seen: Set<Int> = []
    // An address of the link alone may not be usable yet, and is of less use to others.
    let all = ((try? System.enumerateDevices()) ?? []).compactMap { device in
      IPAddress(device.address).map { (device: device, address: $0) }
    }
    let devices = all.filter { !$0.address.isLinkLocal } + all.filter(\.address.isLinkLocal)
    return devices.filter { device, address in
      guard isWanted(address) else { return false }
      if address.isIPv4 { return device.multicastSupported || device.broadcastAddress != nil || address.isLoopback }
      return device.multicastSupported && !address.isLoopback && seen.insert(device.interfaceIndex).inserted
    }.map(\.device)
  }

  /// IP_MULTICAST_IF.
  private static let multicastInterface: SocketOptionName = 32

  public static func mouth(
    _ device: NIONetworkDevice, _ group: any EventLoopGroup, hear: @escaping @Sendable (Heard) -> Void
  ) async throws -> any Channel {
    guard var address = device.address else { throw ChannelError.unknownLocalAddress }
    address.port = 0
    let channel = try await bootstrap(group, hear).channelOption(.socketOption(.so_broadcast), value: 1)
      .bind(to: address).get()
    guard let provider = channel as? any SocketOptionProvider else { return channel }
    // Without it the routing table decides, which may have no route for a group. Not as a channel option: those are 8
    // bytes long, which IP_MULTICAST_IF takes for another structure (ip(7)).
    do {
      if let v4 = IPAddress(address)?.v4 {
        try await provider.unsafeSetSocketOption(level: 0, name: multicastInterface, value: v4.bigEndian).get()
      } else {
        try await provider.setIPv6MulticastIF(CUnsignedInt(device.interfaceIndex)).get()
      }
    } catch {
      try? await channel.close()
      throw error
    }
    return channel
  }

  /// Says it to the group, and on networks that know broadcasts to everybody.
  public static func say(_ bytes: [UInt8], _ device: NIONetworkDevice, from mouth: any Channel) {
    let isIPv4 = device.address.flatMap { IPAddress($0) }?.isIPv4 == true
    let port = ProtocolLimits.port
    var places = [
      try? SocketAddress(ipAddress: isIPv4 ? DiscoveryPacket.group4 : DiscoveryPacket.group6, port: port)
    ]
    if isIPv4, var broadcast = device.broadcastAddress {
      broadcast.port = port
      places.append(broadcast)
    }
    for place in places.compactMap(\.self) {
      mouth.writeAndFlush(AddressedEnvelope(remoteAddress: place, data: ByteBuffer(bytes: bytes)), promise: nil)
    }
  }

  /// Several programs of one machine may have one.
  public static func ear(
    isIPv4: Bool, _ group: any EventLoopGroup, hear: @escaping @Sendable (Heard) -> Void
  ) async throws -> any Channel {
    let bootstrap = bootstrap(group, hear)
    // Not by name: the resolver has no addresses of IPv6 for a machine whose only one is loopback.
    let place = try SocketAddress(ipAddress: isIPv4 ? "0.0.0.0" : "::", port: ProtocolLimits.port)
    return try await (isIPv4 ? bootstrap : bootstrap.channelOption(OnlyIPv6.option, value: 1)).bind(to: place).get()
  }

  /// Failures are none of the caller's: a device without multicast is heard by broadcast.
  public static func join(_ ear: any Channel, _ device: NIONetworkDevice) {
    guard let address = device.address.flatMap({ IPAddress($0) }) else { return }
    if let own = address.v4, let group = IPAddress(DiscoveryPacket.group4)?.v4 {
      // NIO refuses loopback, which can do it and doesn't say so.
      let membership = Membership(group: group.bigEndian, interface: own.bigEndian)
      let provider = ear as? any SocketOptionProvider
      _ = provider?.unsafeSetSocketOption(level: 0, name: addMembership, value: membership)
    } else if let group = try? SocketAddress(ipAddress: DiscoveryPacket.group6, port: ProtocolLimits.port) {
      (ear as? any MulticastChannel)?.joinGroup(group, device: device, promise: nil)
    }
  }

  /// IP_ADD_MEMBERSHIP and its `struct ip_mreq`, both addresses in network order: ip(7).
  private static let addMembership: SocketOptionName = 35
  private struct Membership: Sendable {
    var group: UInt32
    var interface: UInt32
  }

  private static func bootstrap(
    _ group: any EventLoopGroup, _ hear: @escaping @Sendable (Heard) -> Void
  ) -> DatagramBootstrap {
    DatagramBootstrap(group: group).channelOption(.socketOption(.so_reuseaddr), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Ear(hear)) }
      }
  }

  private final class Ear: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let hear: @Sendable (Heard) -> Void

    init(_ hear: @escaping @Sendable (Heard) -> Void) {
      self.hear = hear
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let datagram = unwrapInboundIn(data)
      hear((datagram.remoteAddress, Array(datagram.data.readableBytesView)))
    }

    /// What can't be delivered to one is no reason not to hear the next.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
  }
}
