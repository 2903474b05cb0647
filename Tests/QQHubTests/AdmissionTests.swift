import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct AdmissionTests {
  private static let loopback = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
  private static let own = ["192.168.1.2"]
  private static let near = ["192.168.1.200", "::ffff:192.168.1.200", "fd00::5"]
  private static let far = [
    "192.168.2.1", "10.0.0.1", "fd00:0:0:1::5", "fe80::1", "8.8.8.8", "2001:db8::1", "169.254.1.1",
  ]

  /// The code that a greeting from this address is refused with.
  private func refusal(_ address: String, key: UInt8?, _ configure: (inout HubConfiguration) -> Void) -> String? {
    let hub = HubHarness(configure)
    let id = hub.open(address, key: key)
    hub.say(id, .hello(.init(nick: "zoe")))
    switch hub.take(id).first {
    case .error(let failure):
      #expect(hub.isClosed(id))
      return failure.code
    case .welcome(let welcome):
      #expect(welcome.nick == "zoe")
      #expect(welcome.isGuest == (key == nil))
      return nil
    default: return "nothing"
    }
  }

  @Test(
    "who may become a user depends on the rule and the address",
    arguments: [
      (Admission.localNetworks, loopback + own + near, far), (.everybody, loopback + own + near + far, []),
      (.nobody, [], loopback + own + near + far),
    ])
  func admission(_ rule: Admission, _ admitted: [String], _ refused: [String]) {
    for address in admitted {
      #expect(refusal(address, key: 1) { $0.admission = rule } == nil, "\(address)")
    }
    for address in refused {
      #expect(refusal(address, key: 1) { $0.admission = rule } == "not_admitted", "\(address)")
    }
  }

  @Test(
    "a source that was admitted comes in under any rule", arguments: [Admission.localNetworks, .nobody, .everybody])
  func admitted(_ rule: Admission) {
    let admit = { (configuration: inout HubConfiguration) in
      configuration.admission = rule
      configuration.admitted = [CIDR("8.8.0.0/16"), CIDR("2001:db8::/32")].compactMap { $0 }
    }
    #expect(refusal("8.8.8.8", key: 1, admit) == nil)
    #expect(refusal("2001:db8::1", key: 1, admit) == nil)
    #expect(refusal("8.9.8.8", key: 1, admit) == (rule == .everybody ? nil : "not_admitted"))
  }

  @Test("the owner's key is always admitted, and a link-local source where an interface has its prefix")
  func owner() {
    #expect(
      refusal("8.8.8.8", key: 7) { configuration in
        configuration.admission = .nobody
        configuration.ownerKeys = [Array(repeating: 7, count: 32)]
      } == nil)
    #expect(refusal("fe80::1", key: 1) { $0.interfaces = [CIDR("fe80::/64")].compactMap { $0 } } == nil)
    #expect(refusal("8.8.8.8", key: 1) { $0.interfaces = [CIDR("8.8.8.0/24")].compactMap { $0 } } == "not_admitted")
  }

  @Test("whoever is a user stays one, wherever from")
  func known() {
    let hub = HubHarness()
    hub.disconnect(hub.connect("alice", key: 1, "192.168.1.5"))
    let id = hub.open("8.8.8.8", key: 1)
    hub.say(id, .hello(.init(nick: "other")))
    #expect(
      hub.take(id) == [
        .welcome(.init(version: 1, hub: "hub", epoch: "epoch", nick: "alice", address: "8.8.8.8", seq: 1))
      ])
  }

  @Test(
    "plaintext is for those the policy says",
    arguments: [
      (PlaintextPolicy.refused, [], loopback + own + near + far, "plaintext_refused"),
      (.loopback, loopback + own, near + far, "plaintext_refused"),
      (.admitted, loopback + own + near, far, "not_admitted"),
    ])
  func plaintext(_ policy: PlaintextPolicy, _ taken: [String], _ refused: [String], _ code: String) {
    for address in taken {
      #expect(refusal(address, key: nil) { $0.plaintext = policy } == nil, "\(address)")
    }
    for address in refused {
      #expect(refusal(address, key: nil) { $0.plaintext = policy } == code, "\(address)")
    }
    // It says nothing about TLS.
    #expect(refusal("192.168.1.9", key: 1) { $0.plaintext = policy } == nil)
  }

  @Test("plaintext under an open or a closed rule follows that rule")
  func plaintextAdmitted() {
    for (rule, code) in [(Admission.everybody, nil), (.nobody, "not_admitted")] as [(Admission, String?)] {
      let configure = { (configuration: inout HubConfiguration) in
        configuration.plaintext = .admitted
        configuration.admission = rule
      }
      #expect(refusal("8.8.8.8", key: nil, configure) == code)
      #expect(refusal("127.0.0.1", key: nil, configure) == code)
    }
  }

  @Test("another protocol is refused, and a hub that is full")
  func others() {
    let hub = HubHarness { $0.maximumUsers = 1 }
    let other = hub.open("127.0.0.1", key: 1)
    hub.say(other, .hello(.init(version: 2)))
    #expect(hub.errors(other).map(\.code) == ["unsupported_protocol"])
    #expect(hub.isClosed(other))
    _ = hub.connect("alice", key: 1)
    let late = hub.open("127.0.0.1", key: 2)
    hub.say(late, .hello(.init(nick: "bob")))
    #expect(hub.errors(late).map(\.code) == ["too_many_sessions"])
    _ = hub.connect("alice", key: 1)
    #expect(hub.violations == [])
  }

  @Test("the rule follows the hub's addresses when they change")
  func interfaces() throws {
    let configuration = HubConfiguration(name: "hub", instance: 1)
    var hub = Hub(configuration, .init(epoch: "e"))
    let address = try #require(IPAddress("10.1.1.1"))
    func isRefused(_ id: SessionID) -> Bool {
      _ = hub.receive(
        .opened(id, Peer(address: address, key: Array(repeating: 1, count: 32))), now: .init(milliseconds: 1))
      let effects = hub.receive(.frames(id, [.hello(.init(nick: "a"))]), now: .init(milliseconds: 1))
      return effects.contains(.close(id))
    }
    #expect(isRefused(1))
    hub.setLocal(addresses: [], interfaces: [CIDR("10.0.0.0/8")].compactMap { $0 })
    #expect(!isRefused(2))
  }
}
