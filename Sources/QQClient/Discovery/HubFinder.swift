import CLinux
import NIOCore
import QQIdentity
import QQProtocol
import QQTransport

/// Looks for hubs on the networks that this machine is directly connected to.
public enum HubFinder {
  /// How long a LAN is given to answer, in milliseconds.
  public static let patience: Int64 = 300
  /// How long a hub that was announced is given to prove its key.
  private static let proofLimit: Int64 = 1_500
  /// How many are asked at the same time to prove their key: whoever invents hubs has a client try them.
  private static let provedAtOnce = 64
  /// What a likelier place is given before a less likely one, in milliseconds.
  private static let headStart: Int64 = 100

  public typealias Sighting = (host: String, announcement: DiscoveryPacket.Announcement)

  /// Asks for hubs, and gives what is announced meanwhile: hints, which anybody may have sent.
  public static func sightings(for limit: Int64 = patience) -> AsyncStream<Sighting> {
    let (stream, continuation) = AsyncStream.makeStream(of: Sighting.self)
    let local = LocalNetworks.current()
    let hear: @Sendable (DiscoverySockets.Heard) -> Void = { heard in
      guard case .hub(let announcement) = DiscoveryPacket(heard.bytes), let source = IPAddress(heard.source),
        local.contains(source), let host = host(heard.source)
      else { return }
      continuation.yield((host, announcement))
    }
    let task = Task {
      var channels: [any Channel] = []
      for isIPv4 in [true, false] {
        // Another program may have the port to itself: what is answered comes to the mouths.
        guard let ear = try? await DiscoverySockets.ear(isIPv4: isIPv4, HubLink.group, hear: hear) else { continue }
        channels.append(ear)
        for device in DiscoverySockets.devices(where: { $0.isIPv4 == isIPv4 }) { DiscoverySockets.join(ear, device) }
      }
      var mouths: [(device: NIONetworkDevice, channel: any Channel)] = []
      for device in DiscoverySockets.devices() {
        guard let mouth = try? await DiscoverySockets.mouth(device, HubLink.group, hear: hear) else { continue }
        channels.append(mouth)
        mouths.append((device, mouth))
      }
      // Datagrams get lost: once more after a third of the time, where that is short.
      let pause = min(limit / 3, patience)
      for wait in [pause, limit - pause] {
        for (device, mouth) in mouths { DiscoverySockets.say(DiscoveryPacket.query.bytes, device, from: mouth) }
        try? await Task.sleep(for: .milliseconds(wait))
      }
      for channel in channels { try? await channel.close() }
      continuation.finish()
    }
    continuation.onTermination = { _ in task.cancel() }
    return stream
  }

  private static func host(_ source: SocketAddress) -> String? {
    guard let address = IPAddress(source) else { return nil }
    guard address.isLinkLocal, !address.isIPv4 else { return address.description }
    // IF_NAMESIZE bytes.
    var name = [CChar](repeating: 0, count: 16)
    guard source.withSockAddr({ raw, _ in qq_zone(raw, &name) }) != nil else { return nil }
    let zone = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return "\(address)%\(zone)"
  }

  /// The hubs that are announced, or are at `places`, and prove to have a key; of those that are announced, the key that
  /// they claim. `wanted`: no others.
  public static func hubs(
    at places: [Endpoint] = [], wanted: Fingerprint? = nil, for limit: Int64 = patience
  ) -> AsyncStream<HubCandidate> {
    let (stream, continuation) = AsyncStream.makeStream(of: HubCandidate.self)
    let task = Task {
      await withTaskGroup { group in
        @Sendable func prove(_ endpoint: Endpoint, _ claimed: Fingerprint?, _ name: String?) async {
          // Who takes the first that is right prefers the likelier ones then.
          try? await Task.sleep(for: .milliseconds(Int64(endpoint.rank) * headStart))
          guard let key = try? await HubProbe.key(of: endpoint, within: proofLimit), key == claimed ?? key,
            key == wanted ?? key
          else { return }
          continuation.yield(HubCandidate(endpoint: endpoint, fingerprint: key, name: name))
        }
        for place in places { group.addTask { await prove(place, nil, nil) } }
        var seen = HubSightings()
        var running = places.count
        for await (host, announcement) in sightings(for: limit) {
          guard let claimed = Fingerprint(announcement.fingerprint), wanted == nil || wanted == claimed,
            seen.add(announcement, at: host)
          else { continue }
          let endpoint = Endpoint(host: host, port: announcement.port)
          if running < provedAtOnce { running += 1 } else { await group.next() }
          group.addTask { await prove(endpoint, claimed, announcement.name) }
        }
      }
      continuation.finish()
    }
    // However much is claimed, and however slowly it proves to be nothing, all of it takes no longer.
    let deadline = Task {
      try? await Task.sleep(for: .milliseconds(limit + proofLimit + 3 * headStart))
      continuation.finish()
    }
    continuation.onTermination = { _ in
      deadline.cancel()
      task.cancel()
    }
    return stream
  }

  /// Where the hub with this key is now; nil where it isn't found.
  public static func place(of fingerprint: Fingerprint) async -> Endpoint? {
    for await candidate in hubs(wanted: fingerprint) { return candidate.endpoint }
    return nil
  }

  /// Whether something on this machine accepts connections at a port.
  public static func isListening(port: Int) -> Bool { qq_is_listening(UInt16(clamping: port)) != 0 }
}
