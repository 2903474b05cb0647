import Glibc
import QQTestSupport
import Testing

@Suite("qq serve") struct ServeTests {
  @Test("when a hub is ready it prints one line with its real port, its key and whom it admits")
  func ready() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      #expect(hub.ready["type"] == "ready")
      #expect(hub.address.hasPrefix("127.0.0.1:"))
      #expect(Int(hub.port).map { $0 > 0 } == true)
      #expect(hub.ready["fingerprint"]?.hasPrefix("SHA256:") == true)
      #expect(hub.ready["admits"]?.contains("this machine") == true)
      try await hub.process.complaint("keeping messages for 30d in \(scene.folder.path)/hub")
      hub.process.signal(SIGTERM)
      #expect(try await hub.process.end() == 0)
      #expect(hub.process.rest == [])
    }
  }

  @Test("with --text the line is for reading")
  func readableLine() async throws {
    try await Scene.run { scene in
      let hub = try scene.qq("serve", "--listen", "127.0.0.1:0", "--data", "\(scene.folder.path)/hub", "--text")
      #expect(try await hub.line().text.hasPrefix("ready on 127.0.0.1:"))
    }
  }

  @Test("its key stays, is nobody else's to read, and is made once")
  func key() async throws {
    try await Scene.run { scene in
      let first = try await scene.serve()
      #expect(try scene.folder.mode("hub") == 0o700)
      #expect(try scene.folder.mode("hub/hub.key") == 0o600)
      #expect(try scene.folder.mode("hub/journal.db") == 0o600)
      let second = try await scene.restart(first)
      #expect(second.ready["fingerprint"] == first.ready["fingerprint"])
      second.process.signal(SIGTERM)
      try await second.process.end()
      let third = try await scene.serve("--ephemeral")
      #expect(third.ready["fingerprint"] == first.ready["fingerprint"])
    }
  }

  @Test("a signal ends it with status 0", arguments: [SIGINT, SIGTERM])
  func signals(_ signal: Int32) async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let listener = try await scene.listen("bob")
      hub.process.signal(signal)
      #expect(try await hub.process.end() == 0)
      try await listener.complaint("connecting again")
    }
  }

  @Test("SIGINT ends it also where a shell had it ignored")
  func ignoredInterrupt() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve(program: ["/bin/sh", "-c", "trap '' INT; exec \"$0\" \"$@\""])
      hub.process.signal(SIGINT)
      #expect(try await hub.process.end() == 0)
    }
  }

  @Test("a busy port is told on one line")
  func busyPort() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let other = try await scene.run("serve", "--listen", hub.address, "--data", "\(scene.folder.path)/other")
      #expect(other.status == 69)
      #expect(other.lines == [])
      #expect(
        other.standardError == "qq: cannot listen on \(hub.address): the port is in use (--listen names another)\n")
    }
  }

  @Test("a second hub on one data directory is told so on one line")
  func lockedData() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let other = try await scene.run("serve", "--listen", "127.0.0.1:0", "--data", "\(scene.folder.path)/hub")
      #expect(other.status == 69)
      #expect(other.lines == [])
      #expect(other.standardError.split(separator: "\n").count == 1)
      #expect(other.standardError.contains("\(scene.folder.path)/hub"))
    }
  }

  @Test("a data directory that can't be made is told on one line", arguments: ["file", "/proc"])
  func unusableData(_ place: String) async throws {
    try await Scene.run { scene in
      try scene.folder.write("in the way", to: "file")
      let directory = place.hasPrefix("/") ? "\(place)/qq" : "\(scene.folder.path)/\(place)"
      let hub = try await scene.run("serve", "--listen", "127.0.0.1:0", "--data", directory)
      #expect(hub.status == 73)
      #expect(hub.lines == [])
      #expect(hub.standardError.split(separator: "\n").count == 1)
      #expect(hub.standardError.contains(directory))
    }
  }

  @Test(
    "arguments that can't be are usage errors",
    arguments: [
      ["--open", "--invite-only"], ["--listen", "nowhere"], ["--listen", "127.0.0.1:70000"],
      ["--admit", "10.0.0.0/99"],
      ["--tls-cert", "a.pem"], ["--threads", "0"], ["--retain", "soon"], ["--retain", "30"],
      ["--retain", "0d"], ["--nonsense"],
    ])
  func usage(_ arguments: [String]) async throws {
    try await Scene.run { scene in
      let hub = try scene.start(["serve", "--data", "\(scene.folder.path)/hub"] + arguments)
      #expect(try await hub.end() == 64)
      #expect(hub.rest == [])
    }
  }

  @Test("what it says into a log is a line of JSON each, without texts, tokens or keys of users")
  func logs() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("-v")
      let bob = try await scene.listen("bob")
      #expect(try await scene.run("send", "bob", "classified", nick: "alice").status == 0)
      _ = try await bob.line()
      let invite = try await scene.run("invite")
      let token = invite.lines.first?["token"] ?? "-"
      #expect(try await scene.run("accept", input: .text(token), state: "other").status == 0)
      hub.process.signal(SIGHUP)
      try await hub.process.complaint("read the certificate anew")
      hub.process.signal(SIGTERM)
      #expect(try await hub.process.end() == 0)
      let lines = hub.process.standardError.split(separator: "\n").map { JSONLine(Array($0.utf8)) }
      #expect(lines.count >= 3)
      for line in lines {
        #expect(line["type"] == "log", "\(line)")
        for field in [line["time"], line["level"], line["message"]] { #expect(field != nil, "\(line)") }
        #expect(!line.text.contains("classified") && !line.text.contains(token.dropFirst(20)))
      }
      #expect(lines.last?["message"] == "stopping")
    }
  }
}
