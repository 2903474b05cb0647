import QQClient
import QQIdentity
import QQProtocol

/// `qq who --hubs`: the hubs on the LAN, each with whether it proved to be the one that it claims to be.
struct Hubs {
  let context: CommandContext

  /// Those that answer; `watches`: and those that announce themselves later on, until it is interrupted.
  func show(watches: Bool) async throws {
    let known = try context.knownHubs.all()
    let limit = context.timeout ?? (watches ? .max / 2 : HubFinder.patience)
    guard watches else {
      var sightings = HubSightings()
      for await (host, announcement) in HubFinder.sightings(for: limit) { _ = sightings.add(announcement, at: host) }
      for hub in sightings.hubs { try await show(hub, known) }
      return
    }
    let sightings = Shared()
    try await withThrowingTaskGroup { group in
      for await (host, announcement) in HubFinder.sightings(for: limit) {
        guard await sightings.add(announcement, at: host) else { continue }
        group.addTask {
          // Heard over one of its addresses it is soon heard over the others.
          try await Task.sleep(for: .milliseconds(HubFinder.patience))
          if let hub = await sightings.takeNews(announcement) { try await show(hub, known) }
        }
      }
      try await group.waitForAll()
    }
  }

  private func show(_ hub: HubSightings.Hub, _ known: [(address: KnownHubs.Address, entry: KnownHubs.Entry)])
    async throws
  {
    var proved: Set<Endpoint> = []
    for await finding in HubProbe.findings(at: hub.endpoints, within: 1_500) {
      if case .success(hub.fingerprint) = finding.key { proved.insert(finding.endpoint) }
    }
    let endpoints = proved.isEmpty ? hub.endpoints : hub.endpoints.filter(proved.contains)
    let isTrusted = !proved.isEmpty && known.contains { $0.entry == .pin(hub.fingerprint) }
    let status = isTrusted ? "trusted" : proved.isEmpty ? "unproved: nobody there has that key" : "not trusted yet"
    let text = "\(TextSafety.visible(hub.name))  \(endpoints[0])  \(hub.fingerprint)  \(status)"
    try context.output.show(text: text) { json in
      json.begin("hub")
      json.field("name", hub.name)
      json.field("address", endpoints[0].description)
      json.field("addresses", endpoints.map(\.description))
      json.field("fingerprint", hub.fingerprint.description)
      json.field("proved", !proved.isEmpty)
      json.field("trusted", isTrusted)
      json.end()
    }
  }
}

private actor Shared {
  private var sightings = HubSightings()

  func add(_ announcement: DiscoveryPacket.Announcement, at host: String) -> Bool {
    sightings.add(announcement, at: host)
  }

  func takeNews(_ announcement: DiscoveryPacket.Announcement) -> HubSightings.Hub? {
    sightings.takeNews(announcement)
  }
}
