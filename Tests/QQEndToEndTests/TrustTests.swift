import Glibc
import QQTestSupport
import Testing

@Suite("who is let in, and which hub is trusted") struct TrustTests {
  @Test("a hub whose key has changed is refused with 77 before it learns anything")
  func changedKey() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("alice", "bob")
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      let other = try await scene.serve("--ephemeral", data: "impostor", listen: hub.address)
      let sent = try await scene.run("send", "bob", "secret", nick: "alice")
      #expect(sent.status == 77)
      #expect(sent.lines == [])
      #expect(sent.standardError.contains("the key of the hub at \(hub.address) has changed"))
      #expect(sent.standardError.contains("known_hubs"))
      #expect(sent.standardError.contains(other.ready["fingerprint"] ?? "-"))
      #expect(
        try await scene.run("who", "--all", nick: "fresh", state: "other account").lines.map { $0["nick"] } == ["fresh"]
      )
    }
  }

  @Test("a hub that an authority vouches for is never trusted by its key instead, unless that is said")
  func authority() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try scene.folder.makeDirectory("state/qq")
      try scene.folder.write("\(hub.address) ca hub.example.org\n", to: "state/qq/known_hubs")
      let refused = try await scene.run("trust", hub.address)
      #expect(refused.status == 77)
      #expect(refused.standardError.contains("known by its certificate for hub.example.org already"))
      #expect(!scene.folder.names("state/qq").contains("default_hub"))
      #expect(try await scene.run("trust", "--replace", hub.address).status == 0)
      #expect(try scene.folder.read("state/qq/known_hubs").contains("SHA256:"))
    }
  }

  @Test("a listener that meets another key after a restart ends with 77")
  func changedKeyMeanwhile() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let bob = try await scene.listen("bob")
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      try await scene.serve(data: "impostor", listen: hub.address)
      #expect(try await bob.end() == 77)
      #expect(bob.standardError.contains("has changed"))
    }
  }

  @Test("a nick belongs to the key that first took it")
  func takenNick() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("alice")
      for nick in ["alice", "ALICE"] {
        let thief = try await scene.run("send", "@all", "hi", nick: nick, state: "other account")
        #expect(thief.status == 77)
        #expect(thief.lines == [])
        #expect(thief.standardError.contains("belongs to somebody else here: choose another with --nick"))
      }
      let owner = try await scene.run("who", "--all", nick: "alice")
      #expect(owner.lines.map { $0["nick"] } == ["alice"])
    }
  }

  @Test("a nick that nobody chose is made free by the machine's name or a number")
  func derivedNick() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let first = try await scene.run("whoami")
      let second = try await scene.run("whoami", state: "other account")
      #expect(first.status == 0)
      #expect(second.status == 0)
      guard let one = first.lines.first?["nick"], let two = second.lines.first?["nick"] else {
        throw UnexpectedOutput(second)
      }
      #expect(two.hasPrefix("\(one)-"))
    }
  }

  @Test("with --invite-only a stranger is refused with 77, and who was a user stays one")
  func inviteOnly() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("alice")
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      try await scene.serve("--invite-only", listen: hub.address)
      let stranger = try await scene.run("who", nick: "stranger", state: "other account")
      #expect(stranger.status == 77)
      #expect(stranger.lines == [])
      #expect(stranger.standardError.contains("127.0.0.1 is not admitted here"))
      #expect(try await scene.run("who", nick: "alice").status == 0)
    }
  }

  @Test("whoever runs an --invite-only hub is let in, --admit and --open let others in")
  func admitted() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--invite-only")
      #expect(try await scene.run("who").status == 0)
      #expect(try await scene.run("who", nick: "stranger", state: "other").status == 77)
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      let second = try await scene.serve("--invite-only", "--admit", "127.0.0.0/8", listen: hub.address)
      #expect(second.ready["admits"] == "nobody uninvited but 127.0.0.0/8")
      #expect(try await scene.run("who", nick: "stranger", state: "other").status == 0)
      second.process.signal(SIGTERM)
      try await second.process.end()
      let third = try await scene.serve("--open", listen: hub.address)
      #expect(third.ready["admits"] == "everybody")
      #expect(try await scene.run("who", nick: "newcomer", state: "third").status == 0)
    }
  }

  @Test("plaintext is refused unless the hub was started with --plaintext, and no client falls back to it")
  func plaintextRefused() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let plain = try await scene.run("send", "@all", "hi", "--plaintext", nick: "alice")
      #expect(plain.status == 77)
      #expect(plain.standardError.contains("without --plaintext"))
    }
  }

  @Test("with --plaintext on both sides a guest sends and listens; TLS clients are served too")
  func plaintext() async throws {
    try await Scene.run { scene in
      try await scene.serve("--plaintext")
      let guest = try await scene.listen("guest", "--plaintext")
      let sent = try await scene.run("send", "--plaintext", "guest", "in the clear", nick: "other")
      #expect(sent.status == 0)
      #expect(try await guest.line()["text"] == "in the clear")
      #expect(try await scene.run("send", "guest", "under TLS", nick: "alice").status == 0)
      let heard = try await guest.line()
      #expect(heard["text"] == "under TLS")
      #expect(heard["from"] == "alice")
      let thief = try await scene.run("send", "--plaintext", "@all", "x", nick: "alice")
      #expect(thief.status == 77)
    }
  }

  @Test("a key that is taken by a guest's nick goes to the key, and the guest is told")
  func guestGives() async throws {
    try await Scene.run { scene in
      try await scene.serve("--plaintext")
      let guest = try await scene.listen("dora", "--plaintext")
      #expect(try await scene.run("who", nick: "dora").status == 0)
      #expect(try await guest.end() == 77)
      #expect(guest.standardError.contains("now belongs to a key"))
    }
  }

  @Test("keys and known hubs are nobody else's to read")
  func files() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("alice")
      #expect(try scene.folder.mode("state/qq/identities/alice.key") == 0o600)
      #expect(try scene.folder.mode("state/qq/known_hubs") == 0o600)
      #expect(try scene.folder.mode("state/qq") == 0o700)
    }
  }
}
