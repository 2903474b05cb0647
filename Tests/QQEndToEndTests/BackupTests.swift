import Glibc
import QQTestSupport
import Testing

@Suite("a hub is backed up while it runs, and restored") struct BackupTests {
  private func copy(_ scene: Scene, _ old: String, _ new: String) async throws {
    let child = try scene.start(program: "/bin/cp", ["-a", old, new])
    #expect(try await child.end() == 0)
  }

  @Test(
    "what was stored before it is there again, files and members included, what came later isn't, and readers are told")
  func restored() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("alice", "bob")
      let before = try await scene.run("whoami", nick: "bob").lines.first
      #expect(try await scene.run("send", "bob", "before", nick: "alice").status == 0)
      try scene.folder.write("a report", to: "report.txt")
      let report = "\(scene.folder.path)/report.txt"
      #expect(try await scene.run("sendfile", "bob", report, nick: "alice").status == 0)
      let backup = try await scene.run("admin", "backup")
      #expect(backup.status == 0)
      let path = try #require(backup.lines.first?["path"])
      #expect(path.hasPrefix("\(scene.folder.path)/hub/backups/20"))
      #expect(scene.folder.names("hub/backups").count == 1)
      #expect(try await scene.run("send", "bob", "after", nick: "alice").status == 0)
      let listener = try await scene.listen("bob")
      let texts = [
        try await listener.line(), try await listener.line(), try await listener.line(), try await listener.line(),
      ]
      #expect(texts.compactMap { $0["text"] } == ["before", "after"])

      hub.process.signal(SIGTERM)
      try await hub.process.end()
      try await copy(scene, path, "\(scene.folder.path)/restored")
      let again = try await scene.serve(data: "restored", listen: hub.address)
      #expect(again.ready["fingerprint"] == hub.ready["fingerprint"])
      // The listener, which was up to date, reads what is unread there.
      #expect(try await listener.line()["text"] == "before")
      #expect(listener.standardError.contains("data"))
      let now = try await scene.run("whoami", nick: "bob").lines.first
      #expect(now?["epoch"] != before?["epoch"])
      #expect(now?["nick"] == "bob")
      let id = try #require(try await scene.run("history", nick: "bob").lines.first { $0["type"] == "file" }?["id"])
      let got = try await scene.run("get", id, "-o", "\(scene.folder.path)/got.txt", nick: "bob")
      #expect(got.status == 0)
      #expect(try scene.folder.read("got.txt") == "a report")
      // Opened once, it is that hub's data.
      again.process.signal(SIGTERM)
      try await again.process.end()
      let restarted = try await scene.serve(data: "restored", listen: hub.address)
      #expect(try await scene.run("whoami", nick: "bob").lines.first?["epoch"] == now?["epoch"])
      #expect(restarted.process.isRunning)
    }
  }

  @Test("only owners make one; older ones go with --keep, and nothing else that lies there")
  func keep() async throws {
    try await Scene.run { scene in
      let backups = "\(scene.folder.path)/elsewhere"
      try await scene.serve("--backups", backups)
      #expect(try await scene.run("admin", "backup", nick: "bob", state: "other").status == 77)
      #expect(try await scene.run("admin", "backup").status == 0)
      try scene.folder.write("mine", to: "elsewhere/20200101T000000Z.txt")
      let old = try #require(scene.folder.names("elsewhere").first { $0.hasSuffix("Z") })
      // The name has seconds.
      while try await scene.run("admin", "backup", "--keep", "1").status != 0 {}
      let left = scene.folder.names("elsewhere").sorted()
      #expect(left.count == 2)
      #expect(left.contains("20200101T000000Z.txt"))
      #expect(!left.contains(old))
      #expect(try await scene.run("admin", "backup", "--keep", "0").status == 64)
    }
  }

  @Test("a hub that keeps nothing says so, one without room too, and what could not be finished is gone")
  func impossible() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--ephemeral")
      let refused = try await scene.run("admin", "backup")
      #expect(refused.status == 74)
      #expect(refused.standardError.contains("this hub keeps nothing"))
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      try await scene.serve("--reserve", "1000TiB", data: "full")
      let full = try await scene.run("admin", "backup")
      #expect(full.status == 74)
      #expect(full.standardError.contains("are to stay (--reserve)"))
      #expect(scene.folder.names("full/backups") == [])
      #expect(try await scene.run("send", "@all", "goes on").status == 0)
    }
  }

  @Test("a data directory that has lost its journal or its key makes no other hub in silence: 78, and what to do")
  func halfRestored() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      #expect(try await scene.run("send", "@all", "kept", nick: "alice").status == 0)
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      func serve() async throws -> Scene.Finished {
        try await scene.run("serve", "--listen", "127.0.0.1:0", "--data", "\(scene.folder.path)/hub")
      }
      let (key, journal) = (try scene.folder.bytes("hub/hub.key"), try scene.folder.bytes("hub/journal.db"))
      scene.folder.remove("hub/hub.key")
      let keyless = try await serve()
      #expect(keyless.status == 78)
      #expect(keyless.standardError.contains("hub.key is missing, by which everybody knows this hub"))
      #expect(!scene.folder.names("hub").contains("hub.key"))
      let renewed = try await scene.serve("--new-key")
      #expect(renewed.ready["fingerprint"] != hub.ready["fingerprint"])
      renewed.process.signal(SIGTERM)
      try await renewed.process.end()
      try scene.folder.write(key, to: "hub/hub.key")
      try scene.folder.write([], to: "hub/journal.db")
      let empty = try await serve()
      #expect(empty.status == 78)
      #expect(empty.standardError.contains("journal.db is missing or empty, and this hub has run before"))
      try scene.folder.write(journal, to: "hub/journal.db")
      let whole = try await scene.serve()
      #expect(whole.ready["fingerprint"] == hub.ready["fingerprint"])
      #expect(try await scene.run("history", nick: "alice").lines.map { $0["text"] } == ["kept"])
    }
  }

  @Test("on another disk than the data it is a copy, as whole as a link would be")
  func otherDisk() async throws {
    // In memory, unlike the scene's folder.
    let backups = "/dev/shm/qq-backups-\(getpid())"
    try await Scene.run { scene in
      let hub = try await scene.serve("--backups", backups)
      try await scene.introduce("bob")
      try scene.folder.write(String(repeating: "x", count: 3_000_000), to: "large.txt")
      #expect(try await scene.run("sendfile", "bob", "\(scene.folder.path)/large.txt", nick: "alice").status == 0)
      let backup = try await scene.run("admin", "backup")
      #expect(backup.status == 0)
      let path = try #require(backup.lines.first?["path"])
      #expect(path.hasPrefix(backups + "/20"))
      #expect(scene.folder.names("hub").contains { $0.hasSuffix(".unfinished") } == false)
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      try await copy(scene, path, "\(scene.folder.path)/restored")
      try await scene.serve(data: "restored")
      let id = try #require(try await scene.run("history", nick: "bob").lines.first { $0["type"] == "file" }?["id"])
      let got = try await scene.run("get", id, "-o", "\(scene.folder.path)/got.txt", nick: "bob")
      #expect(got.status == 0)
      #expect(try scene.folder.read("got.txt").utf8.count == 3_000_000)
      let removal = try scene.start(program: "/bin/rm", ["-r", backups])
      #expect(try await removal.end() == 0)
    }
  }

  @Test("what is sent meanwhile is in it up to one moment, in its order, and every sender is answered")
  func meanwhile() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let lines = (1...3_000).map { "line \($0)" }.joined(separator: "\n")
      let sender = try scene.qq("send", "@all", "--lines", nick: "alice", input: .text(lines + "\n"))
      _ = try await sender.line()
      let backup = try await scene.run("admin", "backup")
      #expect(backup.status == 0)
      #expect(try await sender.end() == 0)
      let path = try #require(backup.lines.first?["path"])
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      try await copy(scene, path, "\(scene.folder.path)/restored")
      try await scene.serve(data: "restored")
      let texts = try await scene.run("history", "--limit", "5000", nick: "alice").lines.compactMap { $0["text"] }
      #expect(!texts.isEmpty)
      #expect(texts == (1...max(1, texts.count)).map { "line \($0)" })
    }
  }

  @Test("status tells an owner how the hub is doing, and nobody else")
  func status() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      #expect(try await scene.run("send", "@all", "hi", nick: "alice").status == 0)
      let status = try await scene.run("status")
      #expect(status.status == 0)
      let line = try #require(status.lines.first)
      #expect(line.integer("messages") == 1)
      #expect(line.integer("users") ?? 0 >= 1)
      #expect(line["started"]?.hasPrefix("20") == true)
      let text = try await scene.run("status", "--text")
      #expect(text.status == 0)
      let refused = try await scene.run("status", nick: "bob", state: "other")
      #expect(refused.status == 77)
      #expect(refused.standardError.contains("only an owner of this hub"))
      #expect(try await scene.run("status").lines.first?.text.contains("\"refused\":{\"not_owner\":1}") == true)
    }
  }

  @Test("a hub's log tells who came in, who didn't and what owners did, and nothing that was said")
  func log() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--invite-only")
      let invite = try await scene.run("invite", "--for", "bob")
      let token = try #require(invite.lines.first?["token"])
      #expect(try await scene.run("who", nick: "eve", state: "eve").status == 77)
      #expect(try await scene.run("accept", input: .text(token), state: "bob").status == 0)
      #expect(try await scene.run("send", "@all", "a secret text", state: "bob").status == 0)
      #expect(try await scene.run("admin", "remove", "bob").status == 0)
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      let log = hub.process.standardError
      for word in [
        "\"refused\"", "\"not_admitted\"", "\"eve\"", "\"invited\"", "\"admitted\"", "\"bob\"", "\"removed\"",
      ] { #expect(log.contains(word), "\(word)") }
      #expect(!log.contains("a secret text"))
      #expect(!log.contains(token.suffix(40)))
    }
  }
}
