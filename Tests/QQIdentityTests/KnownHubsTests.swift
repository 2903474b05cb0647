import Testing

@testable import QQIdentity

@Suite("Known hubs")
struct KnownHubsTests {
  let directory = TemporaryDirectory()
  var hubs: KnownHubs { KnownHubs(stateDirectory: directory.path) }
  var path: String { directory("known_hubs") }

  let one = Fingerprint(spki: [1])
  let two = Fingerprint(spki: [2])

  @Test("nothing is known at first, and asking makes no file")
  func empty() throws {
    #expect(try hubs.lookup(host: "hub.lan", port: 6789) == nil)
    #expect(try hubs.all().isEmpty)
    #expect(try directory.names == [])
  }

  @Test("what is remembered is known afterwards, per host and port")
  func remembers() throws {
    let hubs = KnownHubs(stateDirectory: directory("new/state"))
    try hubs.remember(host: "Hub.LAN.", port: 6789, .pin(one))
    try hubs.remember(host: "hub.lan", port: 6790, .pin(two))
    try hubs.remember(host: "2001:DB8::0:1", port: 6789, .pin(one))
    try hubs.remember(host: "hub.example.org", port: 6789, .ca(hostname: "Hub.Example.org."))
    #expect(
      try contents(directory("new/state/known_hubs")) == """
        hub.lan:6789 \(one)
        hub.lan:6790 \(two)
        [2001:db8::1]:6789 \(one)
        hub.example.org:6789 ca hub.example.org

        """)
    #expect(try hubs.lookup(host: "hub.lan", port: 6789) == .pin(one))
    #expect(try hubs.lookup(host: "HUB.lan", port: 6790) == .pin(two))
    #expect(try hubs.lookup(host: "[2001:db8::1]", port: 6789) == .pin(one))
    #expect(try hubs.lookup(host: "hub.example.org", port: 6789) == .ca(hostname: "hub.example.org"))
    #expect(try hubs.lookup(host: "hub.lan", port: 6791) == nil)
    #expect(try hubs.hosts(with: one).map(\.description) == ["hub.lan:6789", "[2001:db8::1]:6789"])
    #expect(mode(directory("new/state/known_hubs")) == 0o600)
  }

  @Test("comments, blank and unknown lines survive a rewrite, in their places")
  func keepsLines() throws {
    let before = "# mine\n\n@marker something new\na:1 \(one) # at home\n"
    try put(before + "b:2 \(one)\r\n# end\n", path)
    try hubs.remember(host: "b", port: 2, .pin(two), replacing: true)
    try hubs.remember(host: "c", port: 3, .pin(one))
    #expect(try contents(path) == before + "b:2 \(two)\n# end\nc:3 \(one)\n")
    #expect(try hubs.all().map(\.address.description) == ["a:1", "b:2", "c:3"])
    #expect(try hubs.all().map(\.entry) == [.pin(one), .pin(two), .pin(one)])
  }

  @Test("a file whose last line has no newline gains one before the next entry")
  func missingNewline() throws {
    try put("a:1 \(one)", path)
    try hubs.remember(host: "b", port: 2, .pin(two))
    #expect(try contents(path) == "a:1 \(one)\nb:2 \(two)\n")
  }

  @Test("a known hub is replaced only when asked to, a certificate authority's not by a pin either")
  func conflict() throws {
    try hubs.remember(host: "a", port: 1, .pin(one))
    try hubs.remember(host: "a", port: 1, .pin(one))
    #expect(throws: IdentityError.otherwiseKnown(path: path, hub: "a:1", as: "\(one)")) {
      try hubs.remember(host: "a", port: 1, .pin(two))
    }
    try hubs.remember(host: "b", port: 1, .ca(hostname: "b"))
    #expect(throws: IdentityError.otherwiseKnown(path: path, hub: "b:1", as: "ca b")) {
      try hubs.remember(host: "b", port: 1, .pin(two))
    }
    try hubs.remember(host: "a", port: 1, .pin(two), replacing: true)
    #expect(try contents(path) == "a:1 \(two)\nb:1 ca b\n")
  }

  @Test("a forgotten hub is unknown, the others stay")
  func forgets() throws {
    try hubs.remember(host: "a", port: 1, .pin(one))
    try hubs.remember(host: "b", port: 1, .pin(two))
    #expect(try hubs.forget(host: "a", port: 1))
    #expect(try !hubs.forget(host: "a", port: 1))
    #expect(try contents(path) == "b:1 \(two)\n")
  }

  @Test(
    "a damaged line about a hub is an error for that hub alone, until it is forgotten",
    arguments: [
      "a:1", "a", "a:", "a:x", "a:1 SHA256:short", "a:1 ca", "a:1 ca 10.0.0.1", "a:1 future stuff",
      "A.:1 SHA256:uNiVztksCsDhcc0u9e8BrrJXVCAhzPaZD3KCuUU7WZB", "a:1 ca b c", "a:99999 ca b", "a:1 # comment",
    ])
  func damaged(line: String) throws {
    try put("# head\n\(line)\nb:1 \(two)\n", path)
    let damage = IdentityError.malformedKnownHub(path: path, line: 2, hub: "a:1")
    #expect(throws: damage) { try hubs.lookup(host: "a", port: 1) }
    #expect(throws: damage) { try hubs.remember(host: "a", port: 1, .pin(one)) }
    #expect(throws: damage) { try hubs.remember(host: "a", port: 1, .pin(one), replacing: true) }
    #expect(try hubs.lookup(host: "b", port: 1) == .pin(two))
    #expect(try hubs.lookup(host: "c", port: 1) == nil)
    #expect(try hubs.forget(host: "a", port: 1))
    #expect(try hubs.lookup(host: "a", port: 1) == nil)
    #expect(try contents(path) == "# head\nb:1 \(two)\n")
  }

  @Test("a damaged line about one port says nothing about another")
  func damagedPort() throws {
    try put("a:1 future stuff\na:2 \(two)\n", path)
    #expect(try hubs.lookup(host: "a", port: 2) == .pin(two))
    #expect(try hubs.lookup(host: "a", port: 3) == nil)
  }

  @Test("two lines that disagree about a hub are an error, two that agree are not")
  func disagreement() throws {
    try put("a:1 \(one)\na:1 \(two)\nb:1 \(one)\nb:1 \(one)\n", path)
    #expect(throws: IdentityError.malformedKnownHub(path: path, line: 2, hub: "a:1")) {
      try hubs.lookup(host: "a", port: 1)
    }
    #expect(try hubs.lookup(host: "b", port: 1) == .pin(one))
    try hubs.remember(host: "b", port: 1, .pin(two), replacing: true)
    #expect(try contents(path) == "a:1 \(one)\na:1 \(two)\nb:1 \(two)\n")
  }

  @Test(
    "zeros, binary and a line that was cut off are errors for every hub", arguments: ["\0\0\0\n", "\u{1}\n", "hub.la"])
  func damagedFile(text: String) throws {
    try put("b:1 \(two)\n" + text, path)
    for host in ["a", "b"] {
      #expect(throws: IdentityError.malformedKnownHub(path: path, line: 2, hub: "\(host):1")) {
        try hubs.lookup(host: host, port: 1)
      }
    }
    #expect(throws: IdentityError.self) { try hubs.remember(host: "a", port: 1, .pin(one)) }
    #expect(try contents(path) == "b:1 \(two)\n" + text)
  }

  @Test("an address or name that cannot be is refused before anything is touched")
  func refuses() throws {
    for (host, port) in [("", 1), ("a b", 1), ("a", 0), ("a", 65_536), ("a", -1), ("#a", 1), ("a\nb:1", 1)] {
      #expect(throws: IdentityError.badHub(host: host, port: port)) { try hubs.lookup(host: host, port: port) }
      #expect(throws: IdentityError.badHub(host: host, port: port)) {
        try hubs.remember(host: host, port: port, .pin(one))
      }
    }
    for hostname in ["10.0.0.1", "a b", "::1", ""] {
      #expect(throws: IdentityError.badHostname(hostname)) {
        try hubs.remember(host: "a", port: 1, .ca(hostname: hostname))
      }
    }
    #expect(try directory.names == [])
  }

  @Test("clients that remember at once lose nothing")
  func concurrent() async throws {
    let hubs = hubs
    _ = try await onThreads(8) { thread in
      for number in 1...10 {
        try hubs.remember(host: "hub\(thread)", port: number, .pin(Fingerprint(spki: [UInt8(thread), UInt8(number)])))
      }
    }
    let all = try hubs.all()
    #expect(all.count == 80)
    #expect(Set(all.map(\.address)).count == 80)
    #expect(try hubs.lookup(host: "hub7", port: 10) == .pin(Fingerprint(spki: [7, 10])))
    #expect(try directory.names == ["known_hubs", "known_hubs.lock"])
  }
}
