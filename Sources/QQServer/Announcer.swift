import Logging
import NIOCore
import QQProtocol
import QQTransport
import Synchronization

/// Tells a LAN where the hub is: at its start, every minute, and whoever asks.
///
/// Only networks where the hub listens hear of it, and only sources on them are answered.
final class Announcer: Sendable {
  /// A place where the hub accepts connections.
  struct Place: Equatable, Sendable {
    var address: IPAddress
    var port: Int

    /// Whether whoever is reached at this address of the machine can be connected to there.
    func covers(_ own: IPAddress) -> Bool {
      address.isUnspecified ? address.isIPv4 == own.isIPv4 : address == own
    }
  }

  private struct State {
    var ears: [Bool: any Channel] = [:]
    var mouths: [(device: NIONetworkDevice, channel: any Channel)] = []
    var budget = AnswerBudget()
    var local = LocalNetworks()
  }

  private let group: any EventLoopGroup
  private let name: String
  private let fingerprint: String
  private let places: [Place]
  private let logger: Logger
  private let state = Mutex(State())

  init(_ group: any EventLoopGroup, name: String, fingerprint: String, places: [Place], logger: Logger) {
    self.group = group
    self.name = name
    self.fingerprint = fingerprint
    self.places = places
    self.logger = logger
  }

  /// Opens its sockets anew where the machine's networks have changed, and announces the hub.
  func announce(on local: LocalNetworks) async {
    if state.withLock({ $0.local }) != local { await open(local) }
    for (device, channel) in state.withLock({ $0.mouths }) {
      guard let own = device.address.flatMap({ IPAddress($0) }), let bytes = answer(reachedAt: own) else { continue }
      DiscoverySockets.say(bytes, device, from: channel)
    }
  }

  private func open(_ local: LocalNetworks) async {
    close()
    let devices = DiscoverySockets.devices { own in places.contains { $0.covers(own) } }
    var ears: [Bool: any Channel] = [:]
    var mouths: [(device: NIONetworkDevice, channel: any Channel)] = []
    for device in devices {
      guard let isIPv4 = device.address.flatMap({ IPAddress($0) })?.isIPv4 else { continue }
      do {
        if ears[isIPv4] == nil {
          ears[isIPv4] = try await DiscoverySockets.ear(isIPv4: isIPv4, group) { [weak self] in self?.heard($0) }
        }
        if let ear = ears[isIPv4] { DiscoverySockets.join(ear, device) }
        mouths.append((device, try await DiscoverySockets.mouth(device, group) { [weak self] in self?.heard($0) }))
      } catch {
        logger.debug("cannot announce", metadata: ["device": "\(device.name)", "reason": "\(error)"])
      }
    }
    state.withLock { state in
      state.ears = ears
      state.mouths = mouths
      state.local = local
    }
  }

  func close() {
    let channels = state.withLock { state in
      defer {
        state.ears = [:]
        state.mouths = []
      }
      return Array(state.ears.values) + state.mouths.map(\.channel)
    }
    for channel in channels { channel.close(promise: nil) }
  }

  private func heard(_ heard: DiscoverySockets.Heard) {
    guard let source = IPAddress(heard.source), DiscoveryPacket(heard.bytes) == .query else { return }
    let mouth = state.withLock { state -> (any Channel)? in
      let isOwn = state.local.addresses.contains(source)
      guard isOwn || source.isLoopback || state.local.networks.contains(where: { $0.contains(source) }),
        state.budget.take(now: HubRunner.clock())
      else { return nil }
      return state.ears[source.isIPv4]
    }
    // Its own address on the way to the source is the kernel's to choose; any place of that family will do.
    guard let mouth, let bytes = answer(to: source) else { return }
    mouth.writeAndFlush(
      AddressedEnvelope(remoteAddress: heard.source, data: ByteBuffer(bytes: bytes)), promise: nil)
  }

  private func answer(to source: IPAddress) -> [UInt8]? {
    let place = places.first { place in
      place.address.isIPv4 == source.isIPv4 && (source.isLoopback || !place.address.isLoopback)
    }
    return place.map(bytes)
  }

  private func answer(reachedAt own: IPAddress) -> [UInt8]? {
    places.first { $0.covers(own) }.map(bytes)
  }

  private func bytes(_ place: Place) -> [UInt8] {
    DiscoveryPacket.hub(.init(name: name, port: place.port, fingerprint: fingerprint)).bytes
  }
}
