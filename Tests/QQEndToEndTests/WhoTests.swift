import QQTestSupport
import Testing

@Suite("qq who, history, join, leave, nick, whoami") struct WhoTests {
  @Test("who prints the users that listen, --all the others too")
  func who() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      #expect(try await scene.run("who", nick: "alice").lines == [])
      _ = try await scene.listen("bob")
      let online = try await scene.run("who", nick: "alice")
      #expect(online.lines.map { $0["nick"] } == ["bob"])
      #expect(online.lines.first?["type"] == "user")
      #expect(online.lines.first?["address"] == "127.0.0.1")
      #expect(online.lines.first?.bool("online") == true)
      #expect(online.lines.first?.strings("groups") == ["@all"])
      #expect(online.lines.first?["key"]?.hasPrefix("SHA256:") == true)
      #expect(online.lines.first?.integer("ref") == nil)
      let all = try await scene.run("who", "--all", nick: "alice")
      #expect(all.lines.compactMap { $0["nick"] }.sorted() == ["alice", "bob", "watcher"])
      #expect(all.lines.filter { $0.bool("online") == false }.count == 2)
    }
  }

  @Test("--wait blocks until the user is here, and ends with 75 when the time is up")
  func wait() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let late = try await scene.run("who", "--wait", "bob", "--timeout", "300ms", nick: "alice")
      #expect(late.status == 75)
      #expect(late.standardError == "qq: \"bob\" was not online within 300ms\n")
      let waiter = try scene.qq("who", "--wait", "BOB", "--timeout", "60s", nick: "alice")
      let bob = try scene.qq("listen", nick: "bob")
      #expect(try await waiter.end() == 0)
      #expect(waiter.rest.map { $0["nick"] } == ["bob"])
      #expect(bob.isRunning)
    }
  }

  @Test("--watch prints who is here and then who comes and goes")
  func watch() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      _ = try await scene.listen("bob")
      let watcher = try scene.qq("who", "--watch", nick: "alice")
      #expect(try await watcher.line()["nick"] == "bob")
      let carol = try await scene.listen("carol")
      let came = try await watcher.line()
      #expect(came["nick"] == "carol")
      #expect(came.bool("online") == true)
      carol.signal(2)
      #expect(try await watcher.line().bool("online") == false)
    }
  }

  @Test("history prints what was said, oldest first, by conversation, start, number and pattern")
  func history() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob", "carol")
      #expect(try await scene.run("send", "bob", "a to b", nick: "alice").status == 0)
      #expect(try await scene.run("send", "alice", "b to a", nick: "bob").status == 0)
      #expect(try await scene.run("send", "alice", "c to a", nick: "carol").status == 0)
      #expect(try await scene.run("send", "@all", "to all", nick: "carol").status == 0)
      #expect(try await scene.run("send", "bob", "c to b", nick: "carol").status == 0)
      #expect(try await scene.run("history", "bob", nick: "alice").texts == ["a to b", "b to a"])
      #expect(try await scene.run("history", "@all", nick: "alice").texts == ["to all"])
      let all = try await scene.run("history", nick: "alice")
      #expect(all.texts == ["a to b", "b to a", "c to a", "to all"])
      #expect(try await scene.run("history", "--limit", "2", nick: "alice").texts == ["c to a", "to all"])
      let seq = all.lines.first?.integer("seq") ?? 0
      #expect(
        try await scene.run("history", "--since", "\(seq)", nick: "alice").texts == ["b to a", "c to a", "to all"])
      #expect(try await scene.run("history", "--since", "10m", "--limit", "1", nick: "alice").texts == ["to all"])
      #expect(try await scene.run("history", "--match", "^c", nick: "alice").texts == ["c to a"])
      let unknown = try await scene.run("history", "bbo", nick: "alice")
      #expect(unknown.status == 67)
      #expect(unknown.standardError.contains("did you mean \"bob\"?"))
      for arguments in [["--limit", "0"], ["--match", "("], ["--since", "x"]] {
        #expect(try await scene.start(["history"] + arguments).end() == 64)
      }
    }
  }

  @Test("more history than a page comes whole")
  func longHistory() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let texts = (1...700).map { "line \($0)" }
      let sent = try await scene.run(
        "send", "--lines", "bob", nick: "alice", input: .text(texts.joined(separator: "\n")))
      #expect(sent.status == 0)
      #expect(try await scene.run("history", "--since", "all", nick: "bob").texts == texts)
      #expect(try await scene.run("history", "--limit", "600", nick: "bob").texts == Array(texts.suffix(600)))
      #expect(try await scene.run("history", nick: "bob").texts == Array(texts.suffix(100)))
      #expect(try await scene.run("history", "alice", "--match", "line 1$", nick: "bob").texts == ["line 1"])
    }
  }

  @Test("a group is entered and left, its messages are its members', and it needs membership")
  func groups() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      #expect(try await scene.run("join", "@ops", nick: "bob").status == 0)
      let outside = try await scene.run("send", "@ops", "hi", nick: "alice")
      #expect(outside.status == 77)
      #expect(outside.standardError.hasPrefix("qq: you are not in @ops (qq join @ops lets you in)"))
      #expect(try await scene.run("join", "ops", nick: "alice").lines.map { $0["group"] } == ["@ops"])
      #expect(try await scene.run("join", "@OPS", nick: "alice").status == 0)
      #expect(try await scene.run("send", "@ops", "kept", nick: "alice").status == 0)
      let again = try await scene.restart(hub)
      #expect(again.address == hub.address)
      #expect(try await scene.run("send", "@ops", "lasts", nick: "alice").status == 0)
      #expect(try await scene.run("leave", "@ops", nick: "bob").lines.map { $0["type"] } == ["left"])
      #expect(try await scene.run("send", "@ops", "without bob", nick: "alice").status == 0)
      #expect(try await scene.run("listen", "--idle", "500ms", nick: "bob").texts == ["kept", "lasts"])
      #expect(try await scene.run("leave", "@ops", nick: "bob").status == 77)
      #expect(try await scene.run("join", "@", nick: "bob").status == 64)
      #expect(try await scene.run("join", "@all", nick: "bob").status != 70)
      let unknown = try await scene.run("send", "@opps", "hi", nick: "alice")
      #expect(unknown.status == 67)
      #expect(unknown.standardError.contains("did you mean @ops?"))
    }
  }

  @Test("a renamed user is reached under both names, and keeps what is unread")
  func rename() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("alice", "bob")
      #expect(try await scene.run("send", "alice", "before", nick: "bob").status == 0)
      let renamed = try await scene.run("nick", "alicia", nick: "alice")
      #expect(renamed.status == 0)
      #expect(renamed.lines.map { $0["nick"] } == ["alicia"])
      #expect(try await scene.run("send", "alice", "to the old", nick: "bob").status == 0)
      #expect(try await scene.run("send", "alicia", "to the new", nick: "bob").status == 0)
      #expect(
        try await scene.run("listen", "-n", "3", nick: "alicia").texts == ["before", "to the old", "to the new"])
      #expect(try await scene.run("whoami", nick: "alicia").lines.first?["nick"] == "alicia")
      let thief = try await scene.run("who", nick: "alice", state: "other account")
      #expect(thief.status == 77)
      #expect(try await scene.run("nick", "bob", nick: "alicia").status == 77)
      #expect(try await scene.run("nick", "a b", nick: "alicia").status == 65)
    }
  }

  @Test("whoami says what a command line would use, with and without a hub")
  func whoami() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("bob")
      #expect(try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("1\n2\n")).status == 0)
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").status == 0)
      let bob = try await scene.run("whoami", nick: "bob")
      #expect(bob.status == 0)
      let line = try #require(bob.lines.first)
      #expect(line["hub"] == hub.address)
      #expect(line["source"] == "QQ_HUB")
      #expect(line["hub_key"] == hub.ready["fingerprint"])
      #expect(line["nick"] == "bob")
      #expect(line["key"]?.hasPrefix("SHA256:") == true)
      #expect(line["cursor"] == "listen")
      #expect((line.integer("cursor_seq") ?? 0) > 0)
      #expect(line["state"] == "\(scene.folder.path)/state/qq")
      let fresh = try await scene.run("whoami", nick: "carol", state: "other account")
      #expect(fresh.lines.first?["hub_key"] == hub.ready["fingerprint"])
      let other = try await scene.run("whoami", "--hub", "127.0.0.1:1", nick: "bob")
      #expect(other.status == 0)
      #expect(other.lines.first?.bool("online") == false)
      #expect(other.lines.first?["source"] == "--hub")
    }
  }
}
