import NIOCore
import QQHub
import QQProtocol
import QQTransport
import Synchronization

extension HubServer {
  /// An address that is new may not be usable for some seconds (RFC 4862, section 5.4).
  private static let triesAtOnce = 3

  /// Follows this machine's networks as they come and go: whom the hub admits depends on them. `fingerprint`: announce
  /// the hub with this key on them; nil keeps it silent.
  public func followNetworks(announcing fingerprint: String?) {
    let announcer = fingerprint.map { fingerprint in
      Announcer(
        group, name: name, fingerprint: fingerprint,
        places: addresses.compactMap { address in
          IPAddress(address).map { Announcer.Place(address: $0, port: address.port ?? 0) }
        }, logger: logger)
    }
    let task = Task { [runner] in
      var last = LocalNetworks()
      var announced: ContinuousClock.Instant?
      var tries = 0
      while !Task.isCancelled {
        let local = LocalNetworks.current()
        let isNew = local != last
        if isNew { runner.setLocal(local) }
        last = local
        if isNew { tries = 0 }
        if let announcer, tries < Self.triesAtOnce || announced.map({ .now - $0 >= .seconds(60) }) ?? true {
          tries = await announcer.announce(on: local) ? Self.triesAtOnce : tries + 1
          announced = .now
        }
        try? await Task.sleep(for: .seconds(5))
      }
      announcer?.close()
    }
    following.withLock { $0 = task }
  }
}
