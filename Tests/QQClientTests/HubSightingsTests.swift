import QQClient
import QQIdentity
import QQProtocol
import Testing

@Suite struct HubSightingsTests {
  private let first: Fingerprint
  private let second: Fingerprint

  init() throws {
    first = try #require(Fingerprint(bytes: Array(repeating: 1, count: 32)))
    second = try #require(Fingerprint(bytes: Array(repeating: 2, count: 32)))
  }

  private func announcement(_ key: Fingerprint, _ port: Int = 6789) -> DiscoveryPacket.Announcement {
    .init(name: "hub", port: port, fingerprint: key.description)
  }

  @Test("a hub that is heard over several ways is one, with the likeliest place first")
  func places() {
    var sightings = HubSightings()
    let hosts = ["fe80::1%eth0", "127.0.0.1", "fd00::1", "192.168.1.5", "10.0.0.1", "192.168.1.5"]
    var news: [Bool] = []
    for host in hosts { news.append(sightings.add(announcement(first), at: host)) }
    #expect(news == [true, true, true, true, true, false])
    #expect(
      sightings.hubs.map { $0.endpoints.map(\.host) } == [
        ["192.168.1.5", "10.0.0.1", "fd00::1", "fe80::1%eth0", "127.0.0.1"]
      ])
    let isNew = sightings.add(announcement(second, 7000), at: "192.168.1.5")
    #expect(isNew)
    #expect(sightings.hubs.map(\.fingerprint) == [first, second])
  }

  @Test("what was heard of a hub is news once")
  func news() {
    var sightings = HubSightings()
    let hub = announcement(first)
    _ = sightings.add(hub, at: "10.0.0.2")
    _ = sightings.add(hub, at: "10.0.0.1")
    #expect(sightings.takeNews(hub)?.endpoints.count == 2)
    #expect(sightings.takeNews(hub) == nil)
    _ = sightings.add(hub, at: "10.0.0.3")
    #expect(sightings.takeNews(hub)?.endpoints.count == 3)
    #expect(sightings.takeNews(announcement(second)) == nil)
  }

  @Test("what has no key is none, and more than a LAN has is somebody's invention")
  func flood() throws {
    var sightings = HubSightings()
    let isNew = sightings.add(.init(name: "x", port: 1, fingerprint: "SHA256:short"), at: "10.0.0.1")
    #expect(!isNew)
    for number in 0..<200 {
      var bytes = [UInt8](repeating: 0, count: 32)
      bytes[0] = UInt8(number)
      _ = sightings.add(announcement(try #require(Fingerprint(bytes: bytes))), at: "10.0.1.\(number)")
      _ = sightings.add(announcement(first, number + 1), at: "10.0.2.\(number)")
    }
    #expect(sightings.hubs.count == 64)
    #expect(sightings.hubs.allSatisfy { $0.endpoints.count <= 64 })
  }

  @Test("one machine has a few hubs and no more, whatever it claims; those of others stay heard")
  func floodOfOne() {
    var sightings = HubSightings()
    for port in 1...100 { _ = sightings.add(announcement(first, port), at: "10.0.0.66") }
    let isHeard = sightings.add(announcement(first), at: "10.0.0.1")
    #expect(isHeard)
    #expect(sightings.hubs[0].endpoints.count == 17)
  }

  @Test("what nobody proved to be makes room, and may be heard of again")
  func forgotten() {
    var sightings = HubSightings()
    for port in 1...16 { _ = sightings.add(announcement(first, port), at: "10.0.0.66") }
    let proved = Endpoint(host: "10.0.0.66", port: 3)
    sightings.forget(first, but: [proved])
    #expect(sightings.hubs.map(\.endpoints) == [[proved]])
    let isHeard = sightings.add(announcement(first, 99), at: "10.0.0.66")
    #expect(isHeard)
    sightings.forget(first, but: [])
    #expect(sightings.hubs.isEmpty)
    let isBack = sightings.add(announcement(first, 3), at: "10.0.0.66")
    #expect(isBack)
    #expect(sightings.takeNews(announcement(first, 3))?.endpoints == [proved])
  }

  private func candidate(_ key: Fingerprint, _ host: String = "10.0.0.1") -> HubCandidate {
    HubCandidate(endpoint: Endpoint(host: host), fingerprint: key)
  }

  @Test("the one that is trusted is used, the only one that isn't is asked about, of several none is chosen")
  func choice() {
    let (one, two) = (candidate(first), candidate(second, "10.0.0.2"))
    let again = candidate(first, "fd00::1")
    #expect(HubChoice(among: [], isTrusted: { _ in true }) == .none)
    #expect(HubChoice(among: [one, again], isTrusted: { _ in true }) == .use(one))
    #expect(HubChoice(among: [one, again], isTrusted: { _ in false }) == .ask(one))
    #expect(HubChoice(among: [one, two], isTrusted: { $0 == second }) == .use(two))
    #expect(HubChoice(among: [one, two, again], isTrusted: { _ in false }) == .several([one, two], areTrusted: false))
    #expect(HubChoice(among: [one, two], isTrusted: { _ in true }) == .several([one, two], areTrusted: true))
  }
}
