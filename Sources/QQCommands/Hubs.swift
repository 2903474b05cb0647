import QQClient
import QQIdentity
import QQProtocol

/// `qq who --hubs`: the hubs on the LAN, each with whether it proved to be the one that it claims to be.
struct Hubs {
  let context: CommandContext
  /// How often a hub that was shown is asked again, in milliseconds.
  private static let interval: Int64 = 10_000
  private static let proofLimit: Int64 = 1_500

  /// Those that answer; `watches`: and those that announce themselves later on, move or go, until it is interrupted.
  func show(watches: Bool) async throws {
    let known = Set(try context.knownHubs.all().map(\.entry))
    let limit = context.timeout ?? (watches ? .max / 2 : HubFinder.patience)
    guard watches else {
      var sightings = HubSightings()
      for await (host, announcement) in HubFinder.sightings(for: limit) { _ = sightings.add(announcement, at: host) }
      for hub in sightings.hubs { try await show(hub, proved: proved(hub), known) }
      return
    }
    let watched = Watched()
    try await withThrowingTaskGroup { group in
      group.addTask { try await recheck(watched, known) }
      group.addTask {
        try await hear(watched, known, for: limit)
        throw Over()
      }
      do { try await group.next() } catch is Over {}
      group.cancelAll()
    }
  }

  /// The time to listen is over.
  private struct Over: Error {}

  /// Shows hubs as they are heard of.
  private func hear(_ watched: Watched, _ known: Set<KnownHubs.Entry>, for limit: Int64) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      for await (host, announcement) in HubFinder.sightings(for: limit) {
        guard await watched.add(announcement, at: host) else { continue }
        group.addTask {
          // Heard over one of its addresses it is soon heard over the others.
          try await Task.sleep(for: .milliseconds(HubFinder.patience))
          guard let hub = await watched.takeNews(announcement) else { return }
          let proved = await proved(hub)
          if await watched.isNew(proved, of: hub) { try await show(hub, proved: proved, known) }
        }
      }
    }
  }

  /// Shows those that were shown and aren't where they were any more.
  private func recheck(_ watched: Watched, _ known: Set<KnownHubs.Entry>) async throws {
    while true {
      try await Task.sleep(for: .milliseconds(Self.interval))
      for hub in await watched.shown {
        let proved = await proved(hub)
        if await watched.isNew(proved, of: hub) { try await show(hub, proved: proved, known) }
      }
    }
  }

  /// Where the hub proves to have the key that it claims.
  private func proved(_ hub: HubSightings.Hub) async -> Set<Endpoint> {
    var proved: Set<Endpoint> = []
    for await finding in HubProbe.findings(at: hub.endpoints, within: Self.proofLimit) {
      if case .success(hub.fingerprint) = finding.key { proved.insert(finding.endpoint) }
    }
    return proved
  }

  private func show(_ hub: HubSightings.Hub, proved: Set<Endpoint>, _ known: Set<KnownHubs.Entry>) async throws {
    let endpoints = proved.isEmpty ? hub.endpoints : hub.endpoints.filter(proved.contains)
    let isTrusted = !proved.isEmpty && known.contains(.pin(hub.fingerprint))
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

private actor Watched {
  private var sightings = HubSightings()
  /// Where each hub that was shown had proved its key then.
  private var proofs: [Fingerprint: Set<Endpoint>] = [:]

  var shown: [HubSightings.Hub] { sightings.hubs.filter { proofs[$0.fingerprint] != nil } }

  func add(_ announcement: DiscoveryPacket.Announcement, at host: String) -> Bool {
    sightings.add(announcement, at: host)
  }

  func takeNews(_ announcement: DiscoveryPacket.Announcement) -> HubSightings.Hub? {
    sightings.takeNews(announcement)
  }

  func isNew(_ proved: Set<Endpoint>, of hub: HubSightings.Hub) -> Bool {
    sightings.forget(hub.fingerprint, but: proved)
    return proofs.updateValue(proved, forKey: hub.fingerprint) != proved
  }
}
