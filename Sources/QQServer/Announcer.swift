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

  private struct Mouth {
    var device: NIONetworkDevice
    var channel: any Channel
    var own: IPAddress
    /// The network that the address is on.
    var network: CIDR?
  }

  private struct State {
    var ears: [Bool: any Channel] = [:]
    var mouths: [Mouth] = []
    var budget = AnswerBudget()
    var local = LocalNetworks()
    /// Whose sources are answered: where the hub can be connected to.
    var answered = LocalNetworks()
    /// A socket couldn't be opened, as for an address that isn't usable yet.
    var isIncomplete = false
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

  /// Opens its sockets anew where the machine's networks have changed, and announces the hub. False where some couldn't be
  /// opened: the next time tries again.
  func announce(on local: LocalNetworks) async -> Bool {
    if state.withLock({ $0.local != local || $0.isIncomplete }) { await open(local) }
    for mouth in state.withLock({ $0.mouths }) {
      guard let bytes = answer(reachedAt: mouth.own) else { continue }
      DiscoverySockets.say(bytes, mouth.device, from: mouth.channel)
    }
    return !state.withLock(\.isIncomplete)
  }

  private func open(_ local: LocalNetworks) async {
    close()
    let devices = DiscoverySockets.devices { own in places.contains { $0.covers(own) } }
    var ears: [Bool: any Channel] = [:]
    var mouths: [Mouth] = []
    var isIncomplete = false
    for device in devices {
      guard let own = IPAddress(device.address) else { continue }
      let isIPv4 = own.isIPv4
      do {
        if ears[isIPv4] == nil {
          ears[isIPv4] = try await DiscoverySockets.ear(isIPv4: isIPv4, group) { [weak self] in self?.heard($0) }
        }
        if let ear = ears[isIPv4] { DiscoverySockets.join(ear, device) }
        let channel = try await DiscoverySockets.mouth(device, group) { [weak self] in self?.heard($0) }
        mouths.append(Mouth(device: device, channel: channel, own: own, network: CIDR(device)))
      } catch {
        isIncomplete = true
        logger.debug("cannot announce", metadata: ["device": "\(device.name)", "reason": "\(error)"])
      }
    }
    let answered = LocalNetworks.current { own in places.contains { $0.covers(own) } }
    state.withLock { [ears, mouths, isIncomplete] state in
      state.ears = ears
      state.mouths = mouths
      state.local = local
      state.answered = answered
      state.isIncomplete = isIncomplete
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
    let answer = state.withLock { state -> (from: any Channel, bytes: [UInt8]?)? in
      guard state.answered.contains(source), state.budget.take(now: HubRunner.clock()) else { return nil }
      // What it comes from is where the hub is looked for: an address that the hub listens on.
      let near = state.mouths.filter { $0.network?.contains(source) == true }
      if let mouth = near.max(by: { $0.network?.prefixLength ?? 0 < $1.network?.prefixLength ?? 0 }) {
        return (mouth.channel, self.answer(reachedAt: mouth.own))
      }
      // The kernel chooses; any place of that family will do.
      return state.ears[source.isIPv4].map { ($0, self.answer(to: source)) }
    }
    // Somebody else's address may stand for the asker's: an answer is no longer than the question that brought it.
    guard let answer, let bytes = answer.bytes, bytes.count <= heard.bytes.count else { return }
    answer.from.writeAndFlush(
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
