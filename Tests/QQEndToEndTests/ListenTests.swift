import QQTestSupport
import Testing

@Suite("qq listen") struct ListenTests {
  @Test("--since starts after a seq, at a time, a duration ago, or with all that is kept")
  func since() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sent = try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("1\n2\n3\n"))
      let seqs = sent.lines.compactMap { $0.integer("seq") }
      let kept = try await scene.run("listen", "--since", "all", "-n", "3", "--timeout", "60s", nick: "bob")
      #expect(kept.status == 0)
      #expect(kept.texts == ["1", "2", "3"])
      #expect(kept.lines.compactMap { $0.integer("seq") } == seqs)
      guard seqs.count == 3, let time = kept.lines.first?["time"] else { throw UnexpectedOutput(sent) }
      #expect(try await scene.run("listen", "--since", "\(seqs[0])", "-n", "2", nick: "bob").texts == ["2", "3"])
      #expect(try await scene.run("listen", "--since", "\(seqs[2])", "--idle", "300ms", nick: "bob").texts == [])
      #expect(try await scene.run("listen", "--since", time, "-n", "3", nick: "bob").texts == ["1", "2", "3"])
      #expect(try await scene.run("listen", "--since", "10m", "-n", "3", nick: "bob").texts == ["1", "2", "3"])
      let old = try await scene.run("listen", "--since", "2001-01-01T00:00:00Z", "-n", "1", nick: "bob")
      #expect(old.texts == ["1"])
      let late = try await scene.run("listen", "--since", "2100-01-01T00:00:00Z", "--idle", "300ms", nick: "bob")
      #expect(late.texts == [])
    }
  }

  @Test("a conversation, a sender and a pattern are filters")
  func filters() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      for nick in ["bob", "alice", "carol"] { #expect(try await scene.run("join", "@ops", nick: nick).status == 0) }
      #expect(try await scene.run("send", "bob", "disk full", nick: "alice").status == 0)
      #expect(try await scene.run("send", "@ops", "disk broken", nick: "carol").status == 0)
      #expect(try await scene.run("send", "@all", "lunch", nick: "carol").status == 0)
      func heard(_ arguments: String...) async throws -> [String?] {
        let listener = try scene.start(["listen", "--since", "all", "--idle", "500ms", "--nick", "bob"] + arguments)
        #expect(try await listener.end() == 0)
        return listener.rest.map { $0["text"] }
      }
      #expect(try await heard() == ["disk full", "disk broken", "lunch"])
      #expect(try await heard("@ops") == ["disk broken"])
      #expect(try await heard("alice") == ["disk full"])
      #expect(try await heard("@ops,@all") == ["disk broken", "lunch"])
      #expect(try await heard("--from", "CAROL") == ["disk broken", "lunch"])
      #expect(try await heard("--from", "alice,carol", "--match", "^disk") == ["disk full", "disk broken"])
      #expect(try await heard("--match", "nothing") == [])
    }
  }

  @Test("--type presence shows who comes and goes")
  func presence() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let watcher = try await scene.listen("watcher", "--type", "presence", "--from", "bob", "-n", "2")
      let bob = try await scene.listen("bob")
      let came = try await watcher.line()
      #expect(came["type"] == "presence")
      #expect(came["nick"] == "bob")
      #expect(came["address"] == "127.0.0.1")
      #expect(came.bool("online") == true)
      bob.signal(15)
      #expect(try await bob.end() == 130)
      #expect(try await watcher.line().bool("online") == false)
      #expect(try await watcher.end() == 0)
    }
  }

  @Test("--idle ends with 0, --timeout without -n too, and with -n it is 75")
  func limits() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let idle = try await scene.run("listen", "--idle", "300ms", nick: "bob")
      #expect(idle.status == 0)
      #expect(idle.standardError == "")
      let timeout = try await scene.run("listen", "--timeout", "300ms", nick: "bob")
      #expect(timeout.status == 0)
      let count = try await scene.run("listen", "-n", "1", "--timeout", "300ms", nick: "bob")
      #expect(count.status == 75)
      #expect(count.standardError == "qq: 0 of 1 events came in time\n")
    }
  }

  @Test("time spent connecting, or in a command, doesn't count as idle")
  func busyIsNotIdle() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      #expect(try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("1\n2\n")).status == 0)
      #expect(try await scene.run("listen", "--cursor", "a", "--idle", "1ms", nick: "bob").status == 0)
      let heard = try await scene.run("listen", "--idle", "200ms", "--exec", "sleep 0.5; echo $QQ_TEXT", nick: "bob")
      #expect(heard.status == 0)
      #expect(heard.lines.map(\.text) == ["1", "2"])
      #expect(try await scene.run("listen", "--idle", "300ms", nick: "bob").texts == [])
    }
  }

  @Test("when nobody reads its output any more it ends with 0 and says nothing, even while nothing comes")
  func closedOutput() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      bob.closeOutput()
      #expect(try await bob.end() == 0)
      #expect(bob.standardError == "")
      let shell = try scene.start(
        program: "/bin/sh",
        ["-c", "\"$0\" listen --nick carol | head -1; echo \"${PIPESTATUS:-done}\"", Scene.binary])
      let online = try await scene.run("who", "--wait", "carol", "--timeout", "60s", nick: "alice")
      #expect(online.status == 0)
      #expect(try await scene.run("send", "carol", "one", nick: "alice").status == 0)
      #expect(try await shell.line()["text"] == "one")
      #expect(try await shell.line().text == "done")
      #expect(try await shell.end() == 0)
      #expect(shell.standardError == "")
    }
  }

  @Test("an interrupted client ends with 130", arguments: [Int32(2), 15])
  func interrupted(_ signal: Int32) async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      bob.signal(signal)
      #expect(try await bob.end() == 130)
      #expect(bob.standardError == "")
      let watcher = try scene.qq("who", "--watch", "--all", nick: "bob")
      _ = try await watcher.line()
      watcher.signal(signal)
      #expect(try await watcher.end() == 130)
      let sender = try scene.qq("send", "--lines", "bob", nick: "alice", input: .pipe)
      sender.write("one\n")
      _ = try await sender.line()
      sender.signal(signal)
      #expect(try await sender.end() == 130)
    }
  }

  @Test(
    "arguments that can't be are usage errors",
    arguments: [
      ["--new", "--since", "all"], ["-n", "0"], ["-n", "many"], ["--since", "yesterday-ish"], ["--match", "("],
      ["--type", "noise"], ["--retries", "-1"], ["--idle", "soon"], ["--json", "--text"], ["--cursor", ""],
      ["bob", "x"],
    ])
  func usage(_ arguments: [String]) async throws {
    try await Scene.run { scene in
      let listener = try scene.start(["listen"] + arguments)
      #expect(try await listener.end() == 64)
      #expect(listener.rest == [])
      #expect(listener.standardError != "")
    }
  }
}
