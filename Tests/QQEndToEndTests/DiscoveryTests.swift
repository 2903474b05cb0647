import Glibc
import QQTestSupport
import Testing

/// Between machines that a cable joins: network namespaces, where this may make them.
@Suite("a hub is found on the LAN", .enabled(if: Namespaces.arePossible, "needs root, for network namespaces"))
struct DiscoveryTests {
  /// A hub on the first of two machines; commands are run on the second.
  private func lan(
    _ options: String..., ipv6: Bool = true, multicast: Bool = true,
    _ body: @escaping @Sendable (Scene, Namespaces, Scene.Hub, [String]) async throws -> Void
  ) async throws {
    try await Scene.run { scene in
      let networks = try await Namespaces(2, scene)
      try await networks.join(ipv6: ipv6, multicast: multicast)
      let hub = try await serve(scene, networks, options)
      try await body(scene, networks, hub, networks.inside(1))
    }
  }

  private func serve(
    _ scene: Scene, _ networks: Namespaces, _ options: [String] = [], data: String = "hub", port: Int = 6789,
    listen: String? = nil
  ) async throws -> Scene.Hub {
    let command =
      networks.inside(0) + [
        Scene.binary, "serve", "--listen", listen ?? "\(port)", "--data", "\(scene.folder.path)/\(data)",
      ] + options
    let process = try scene.start(program: command[0], Array(command.dropFirst()), state: "hub state")
    let ready = try await process.line()
    return Scene.Hub(process: process, ready: ready, address: ready["address"] ?? "")
  }

  @Test("where there is none, that is said with 68")
  func none() async throws {
    try await Scene.run { scene in
      let networks = try await Namespaces(2, scene)
      try await networks.join()
      let who = try await scene.run(networks.inside(1), "who")
      #expect(who.status == 68)
      #expect(who.standardError.contains("none was found on this machine or the LAN: \"qq serve\" starts one"))
      let hubs = try await scene.run(networks.inside(1), "who", "--hubs")
      #expect(hubs.status == 0)
      #expect(hubs.lines == [])
    }
  }

  @Test("one is listed with its key; a script trusts it only when told to, and uses it from then on")
  func one() async throws {
    try await lan { scene, _, hub, there in
      let key = hub.ready["fingerprint"] ?? "-"
      let seen = try await scene.run(there, "who", "--hubs")
      #expect(seen.lines.map { $0["fingerprint"] } == [key])
      #expect(seen.lines.first?["address"] == "10.9.0.1:6789")
      #expect(seen.lines.first?.strings("addresses") == ["10.9.0.1:6789", "[fd09::1]:6789"])
      #expect(seen.lines.first?.bool("trusted") == false)
      for arguments in [["who"], ["send", "10.9.0.1", "hi"], ["send", "@all", "hi"]] {
        let refused = try await scene.run(there, arguments: arguments)
        #expect(refused.status == 68)
        #expect(refused.standardError.contains(key))
        #expect(refused.standardError.contains("\"qq trust 10.9.0.1:6789\" settles it"))
      }
      #expect(scene.folder.names("state/qq").contains("known_hubs") == false)
      #expect(
        try await scene.run(there, "trust", "10.9.0.1", "--key", "SHA256:\(String(repeating: "A", count: 43))").status
          == 77)
      #expect(try await scene.run(there, "trust", "10.9.0.1", "--key", key).status == 0)
      #expect(try await scene.run(there, "send", "@all", "hi").status == 0)
      #expect(try await scene.run(there, "who", "--hubs").lines.first?.bool("trusted") == true)
    }
  }

  @Test("at a terminal a person is asked once")
  func asked() async throws {
    try await lan { scene, _, hub, there in
      func ask(_ answer: String) async throws -> Int32 {
        let terminal = try scene.terminal(
          ["who", "--all"], columns: 200, environment: ["QQ_HUB": ""], program: there)
        try await terminal.see("the question") { screen in
          screen.lines.contains { $0.contains("trusted from now on? [y/N]") }
            && screen.lines.contains { $0.contains(hub.ready["fingerprint"] ?? "-") }
        }
        terminal.type(answer + "\n")
        return try await terminal.end()
      }
      let (no, yes) = (try await ask(""), try await ask("y"))
      #expect(no == 68)
      #expect(yes == 0)
      #expect(try await scene.run(there, "send", "@all", "hi").status == 0)
    }
  }

  @Test("a hub that is known is found again by its key, wherever it is now, by a command and by a listener")
  func moved() async throws {
    try await lan(ipv6: false) { scene, networks, hub, there in
      #expect(try await scene.run(there, "trust", "10.9.0.1").status == 0)
      let command = there + [Scene.binary, "listen"]
      let listener = try scene.start(
        program: command[0], Array(command.dropFirst()), environment: ["QQ_HUB": "", "QQ_NICK": "bob"])
      let online = try await scene.run(there, "who", "--wait", "bob", "--timeout", "60s")
      #expect(online.status == 0)
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      try await networks.shell(0, "ip addr flush dev cable && ip addr add 10.9.0.77/24 brd + dev cable")
      let again = try await serve(scene, networks)
      #expect(again.ready["fingerprint"] == hub.ready["fingerprint"])
      let sent = try await scene.run(there, "send", "bob", "found you")
      #expect(sent.status == 0)
      #expect(sent.standardError.contains("the hub isn't at 10.9.0.1:6789 any more: found it at 10.9.0.77:6789"))
      #expect(try scene.folder.read("state/qq/default_hub").hasPrefix("10.9.0.77:6789 "))
      #expect(try await listener.line()["text"] == "found you")
      // The address by which it was named once means the same hub.
      #expect(try await scene.run(there, "send", "--hub", "10.9.0.1", "bob", "by name").status == 0)
      #expect(try await listener.line()["text"] == "by name")
    }
  }

  @Test("a listener follows its hub, and a hub that was chosen meanwhile, or took the old address, stays what it is")
  func movedAndReplaced() async throws {
    try await lan(ipv6: false) { scene, networks, hub, there in
      #expect(try await scene.run(there, "trust", "10.9.0.1").status == 0)
      let command = there + [Scene.binary, "listen"]
      let listener = try scene.start(
        program: command[0], Array(command.dropFirst()), environment: ["QQ_HUB": "", "QQ_NICK": "bob"])
      #expect(try await scene.run(there, "who", "--wait", "bob", "--timeout", "60s").status == 0)
      let other = try await serve(scene, networks, data: "other", port: 6790)
      #expect(try await scene.run(there, "trust", "10.9.0.1:6790").status == 0)
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      other.process.signal(SIGTERM)
      try await other.process.end()
      try await networks.shell(0, "ip addr add 10.9.0.77/24 brd + dev cable")
      let moved = try await serve(scene, networks, listen: "10.9.0.77:6789")
      // Takes the old place.
      let stranger = try await serve(scene, networks, data: "other", listen: "10.9.0.1:6789")
      #expect(stranger.ready["fingerprint"] == other.ready["fingerprint"])
      let sent = try await scene.run(there, "send", "--hub", "10.9.0.77", "bob", "hi", "--last-seen")
      #expect(sent.status == 0)
      #expect(try await listener.line()["text"] == "hi")
      #expect(try scene.folder.read("state/qq/default_hub").contains(other.ready["fingerprint"] ?? "-"))
      moved.process.signal(SIGTERM)
      try await moved.process.end()
      let again = try await serve(scene, networks, listen: "10.9.0.77:6789")
      #expect(again.ready["fingerprint"] == hub.ready["fingerprint"])
      #expect(try await scene.run(there, "send", "--hub", "10.9.0.77", "bob", "again").status == 0)
      #expect(try await listener.line()["text"] == "again")
    }
  }

  @Test("of two hubs neither is chosen for a script, unless one of them is trusted")
  func two() async throws {
    try await lan { scene, networks, hub, there in
      let other = try await serve(scene, networks, data: "other", port: 6790)
      let keys = [hub.ready["fingerprint"], other.ready["fingerprint"]].compactMap(\.self)
      #expect(Set(try await scene.run(there, "who", "--hubs").lines.compactMap { $0["fingerprint"] }) == Set(keys))
      let refused = try await scene.run(there, "who")
      #expect(refused.status == 68)
      for key in keys { #expect(refused.standardError.contains(key)) }
      #expect(try await scene.run(there, "whoami", "--hub", "10.9.0.1:6790").status == 0)
      // Known by having been named once, and so the one.
      let chosen = try await scene.run(there, "whoami")
      #expect(chosen.lines.first?["hub"]?.hasSuffix(":6790") == true)
    }
  }

  @Test("a forged announcement neither takes over a trusted hub nor gets itself trusted")
  func forged() async throws {
    try await lan(ipv6: false) { scene, networks, hub, there in
      #expect(try await scene.run(there, "trust", "10.9.0.1").status == 0)
      let known = try scene.folder.read("state/qq/known_hubs")
      let key = hub.ready["fingerprint"] ?? "-"
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      let impostor = try await serve(scene, networks, ["--no-announce", "--open"], data: "impostor", port: 6790)
      // Says that the trusted hub is where the impostor listens, over and over.
      let datagram = #"{"type":"hub","protocol":1,"name":"hub","port":6790,"fingerprint":"\#(key)"}"#
      let forger =
        networks.inside(0) + [
          "bash", "-c", "while :; do echo '\(datagram)' > /dev/udp/10.9.0.2/6789; sleep 0.02; done",
        ]
      _ = try scene.start(program: forger[0], Array(forger.dropFirst()))
      let seen = try await scene.run(there, "who", "--hubs")
      #expect(seen.lines.map { $0.bool("proved") } == [false])
      #expect(seen.lines.map { $0.bool("trusted") } == [false])
      let refused = try await scene.run(there, "send", "@all", "secret")
      #expect(refused.status == 69)
      // Who knows no hub yet isn't offered it.
      #expect(try await scene.run(there, "send", "@all", "secret", state: "other").status == 68)
      #expect(try scene.folder.read("state/qq/known_hubs") == known)
      #expect(scene.folder.names("other/qq").contains("known_hubs") == false)
      let command = networks.inside(0) + [Scene.binary, "who", "--all", "--hub", "127.0.0.1:6790"]
      let users = try scene.start(program: command[0], Array(command.dropFirst()), state: "hub state")
      #expect(try await users.end() == 0)
      #expect(users.rest.count == 1)
      #expect(impostor.process.isRunning)
    }
  }

  @Test("--no-announce keeps a hub silent; by an address that is written to it is found all the same")
  func silent() async throws {
    try await lan("--no-announce") { scene, _, hub, there in
      #expect(try await scene.run(there, "who", "--hubs").lines == [])
      #expect(try await scene.run(there, "send", "@all", "hi").standardError.contains("none was found"))
      let found = try await scene.run(there, "send", "10.9.0.1", "hi")
      #expect(found.status == 68)
      #expect(found.standardError.contains(hub.ready["fingerprint"] ?? "-"))
    }
  }

  @Test("where there is no multicast, broadcasts do")
  func broadcast() async throws {
    try await lan(ipv6: false, multicast: false) { scene, _, hub, there in
      let seen = try await scene.run(there, "who", "--hubs")
      #expect(seen.lines.map { $0["fingerprint"] } == [hub.ready["fingerprint"]])
    }
  }

  @Test("who --hubs --watch goes on with hubs that come later, and says when one is gone")
  func watched() async throws {
    try await Scene.run { scene in
      let networks = try await Namespaces(2, scene)
      try await networks.join()
      let command = networks.inside(1) + [Scene.binary, "who", "--hubs", "--watch"]
      let watcher = try scene.start(program: command[0], Array(command.dropFirst()), environment: ["QQ_HUB": ""])
      // Listening by then: a first hub is seen by its answer or its announcement.
      let hub = try await serve(scene, networks)
      #expect(try await watcher.line()["fingerprint"] == hub.ready["fingerprint"])
      let other = try await serve(scene, networks, data: "other", port: 6790)
      #expect(try await watcher.line()["fingerprint"] == other.ready["fingerprint"])
      other.process.signal(SIGTERM)
      try await other.process.end()
      let gone = try await watcher.line()
      #expect(gone["fingerprint"] == other.ready["fingerprint"])
      #expect(gone.bool("proved") == false)
    }
  }

  @Test("a hub that listens on loopback alone is found there and nowhere else")
  func loopback() async throws {
    try await Scene.run { scene in
      let networks = try await Namespaces(2, scene)
      try await networks.join()
      let command =
        networks.inside(0) + [
          Scene.binary, "serve", "--listen", "127.0.0.1:0", "--data", scene.folder.path + "/hub",
        ]
      let hub = try scene.start(program: command[0], Array(command.dropFirst()))
      let key = try await hub.line()["fingerprint"]
      #expect(try await scene.run(networks.inside(0), "who", "--hubs").lines.map { $0["fingerprint"] } == [key])
      #expect(try await scene.run(networks.inside(1), "who", "--hubs").lines == [])
    }
  }
}

@Suite("a hub is found on this machine") struct LoopbackDiscoveryTests {
  @Test(
    "by multicast over loopback, where no namespaces can be made",
    .enabled(if: !Namespaces.arePossible, "the tests between namespaces say more"))
  func found() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let seen = try await scene.run("who", "--hubs")
      #expect(seen.status == 0)
      #expect(seen.lines.contains { $0["fingerprint"] == hub.ready["fingerprint"] && $0["address"] == hub.address })
    }
  }
}
