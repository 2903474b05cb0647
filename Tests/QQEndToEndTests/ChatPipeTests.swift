import QQTestSupport
import Testing

@Suite("qq chat in a pipe") struct ChatPipeTests {
  @Test("lines are sent, what is said is printed as text, and the status is truthful")
  func text() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      _ = try await scene.run("send", "bob", "unread", nick: "alice")
      let chat = try await scene.run("chat", "@all", nick: "bob", input: .text("hello\n//slash\n/quit\nnever\n"))
      #expect(chat.status == 0)
      #expect(chat.standardError == "")
      let lines = chat.lines.map(\.text)
      #expect(lines.contains { $0.hasSuffix(" alice → bob: unread") })
      #expect(lines.filter { $0 == "sent to @all" }.count == 2)
      #expect(!lines.contains { $0.contains("\u{1b}") })
      let heard = try await scene.run("history", "@all", nick: "alice")
      #expect(heard.texts == ["hello", "/slash"])
    }
  }

  @Test("--json prints the events and answers as any other command does")
  func json() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("alice")
      let chat = try scene.qq("chat", "--json", "alice", nick: "bob", input: .pipe)
      chat.write("one\n")
      let sent = try await chat.line(of: "sent")
      #expect(sent["to"] == "alice")
      #expect(sent["status"] == "stored")
      _ = try await scene.run("send", "bob", "two", nick: "alice")
      #expect(try await chat.line(of: "message")["text"] == "two")
      chat.write("/join @ops\n")
      #expect(try await chat.line(of: "joined")["group"] == "@ops")
      chat.write("/who\n")
      #expect(try await chat.line(of: "user")["nick"] == "bob")
      chat.endInput()
      #expect(try await chat.end() == 0)
    }
  }

  @Test("an unknown target is 67, a wrong command 64, no hub 69, and a silent one 75 with what was not sent")
  func statuses() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("bob")
      let unknown = try await scene.run("chat", nick: "bob", input: .text("/msg nobody hi\nafter\n"))
      #expect(unknown.status == 67)
      #expect(unknown.standardError == "qq: nobody called \"nobody\"\n")
      #expect(unknown.lines.map(\.text) == ["sent to @all"])
      let wrong = try await scene.run("chat", nick: "bob", input: .text("/hepl\n"))
      #expect(wrong.status == 64)
      #expect(wrong.standardError.contains("(did you mean \"/help\"?)"))
      let first = try await scene.run("chat", "nobody", nick: "bob", input: .text("hi\n"))
      #expect(first.status == 67)
      let chat = try scene.qq("chat", "--timeout", "500ms", nick: "bob", input: .pipe)
      chat.write("before\n")
      #expect(try await chat.line().text == "sent to @all")
      try await hub.process.stop()
      chat.write("while it sleeps\n")
      chat.endInput()
      #expect(try await chat.end() == 75)
      #expect(chat.standardError.contains("not confirmed: \"while it sleeps\" to @all (qq send --id "))
      hub.process.signal(18)
      let asking = try scene.qq("chat", "--timeout", "500ms", nick: "bob", input: .pipe)
      asking.write("before\n")
      #expect(try await asking.line().text == "sent to @all")
      try await hub.process.stop()
      asking.write("/join @ops\n")
      asking.endInput()
      #expect(try await asking.end() == 75)
      #expect(asking.standardError.contains("the hub has answered nothing for too long"))
      hub.process.signal(9)
      try await hub.process.end()
      #expect(try await scene.run("chat", nick: "bob", input: .text("hi\n")).status == 69)
    }
  }

  @Test("history that can't be written is told by the status, though it comes beside what is read")
  func fullDisk() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      _ = try await scene.run("send", "@all", "words", nick: "bob")
      let shell = try scene.start(
        program: "/bin/sh",
        ["-c", "echo /history | \"$0\" chat --nick bob > /dev/full; echo $?", Scene.binary])
      #expect(try await shell.line().text == "74")
      try await shell.end()
    }
  }

  @Test("a closed pipe is a quiet end, and a line that isn't UTF-8 an error")
  func ends() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let chat = try scene.qq("chat", nick: "bob", input: .pipe)
      chat.write("x\n")
      #expect(try await chat.line().text == "sent to @all")
      chat.closeOutput()
      chat.write("y\n")
      #expect(try await chat.end() == 0)
      #expect(chat.standardError == "")
      let bad = try scene.qq("chat", nick: "bob", input: .pipe)
      bad.write([0xff, 0x0a])
      bad.endInput()
      #expect(try await bad.end() == 65)
      #expect(bad.standardError == "qq: line 1 is not valid UTF-8: reading no further\n")
      let long = try await scene.run(
        "chat", nick: "bob", input: .text(String(repeating: "长", count: 100_000) + "\nnext\n"))
      #expect(long.status == 65)
      #expect(long.standardError.hasPrefix("qq: the message is longer than 65536 bytes"))
      #expect(long.lines.map(\.text).contains("sent to @all"))
    }
  }
}
