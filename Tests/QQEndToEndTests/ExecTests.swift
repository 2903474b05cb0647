import QQTestSupport
import Testing

@Suite("qq listen --exec") struct ExecTests {
  @Test("a command gets the event on its standard input and in variables, and the cursor moves when it succeeds")
  func success() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sent = try await scene.run("send", "bob,alice", "it's \"$HOME\"", nick: "alice")
      let command = """
        cat; printf '%s|' "$QQ_TYPE" "$QQ_SEQ" "$QQ_ID" "$QQ_FROM" "$QQ_ADDRESS" "$QQ_TO" "$QQ_TEXT" "$QQ_TIME"; echo
        """
      let heard = try await scene.run("listen", "-n", "1", "--exec", command, nick: "bob")
      #expect(heard.status == 0)
      guard heard.lines.count == 2, let first = sent.lines.first, let id = first["id"], let seq = first.integer("seq")
      else { throw UnexpectedOutput(heard) }
      #expect(heard.lines[0]["text"] == "it's \"$HOME\"")
      let time = heard.lines[0]["time"] ?? ""
      #expect(heard.lines[1].text == "message|\(seq)|\(id)|alice|127.0.0.1|bob,alice|it's \"$HOME\"|\(time)|")
      #expect(try await scene.run("listen", "--idle", "300ms", nick: "bob").texts == [])
    }
  }

  @Test("events are given one after the other, each when the one before has succeeded")
  func order() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      #expect(try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("1\n2\n3\n")).status == 0)
      let heard = try await scene.run(
        "listen", "-n", "3", "--exec", "echo begin $QQ_TEXT; sleep 0.05; echo end $QQ_TEXT", nick: "bob")
      #expect(
        heard.lines.map(\.text) == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"])
    }
  }

  @Test("a failed command is tried again")
  func retried() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      #expect(try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("1\n2\n")).status == 0)
      let once = "echo $QQ_TEXT; test -e \(scene.folder.path)/tried || { touch \(scene.folder.path)/tried; exit 3; }"
      let heard = try await scene.run("listen", "-n", "2", "--exec", once, nick: "bob")
      #expect(heard.status == 0)
      #expect(heard.lines.map(\.text) == ["1", "1", "2"])
      #expect(heard.standardError.contains("--exec failed with status 3"))
    }
  }

  @Test("one that keeps failing ends the listener with 75, and its event stays unread")
  func failing() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      #expect(
        try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("good\nbad\nlate\n")).status == 0)
      let heard = try await scene.run(
        "listen", "--retries", "1", "--exec", "echo $QQ_TEXT; test $QQ_TEXT != bad", nick: "bob")
      #expect(heard.status == 75)
      #expect(heard.lines.map(\.text) == ["good", "bad", "bad"])
      #expect(heard.standardError.contains("(try 2 of 2)"))
      #expect(try await scene.run("listen", "-n", "2", nick: "bob").texts == ["bad", "late"])
    }
  }

  @Test("a command that reads nothing, or is killed, harms nobody")
  func oddCommands() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let long = String(repeating: "x", count: 60_000)
      #expect(try await scene.run("send", "bob", nick: "alice", input: .text(long)).status == 0)
      #expect(try await scene.run("listen", "-n", "1", "--exec", "true", nick: "bob").status == 0)
      #expect(try await scene.run("send", "bob", nick: "alice", input: .text(long)).status == 0)
      let killed = try await scene.run("listen", "--retries", "0", "--exec", "kill -9 $$", nick: "bob")
      #expect(killed.status == 75)
      #expect(killed.standardError.contains("status 137"))
    }
  }
}
