import QQTestSupport
import Testing

@Suite("what is unread") struct UnreadTests {
  @Test("what came while nobody listened comes first, in order, once, and then what is live")
  func offline() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let early = (1...5).map { "early \($0)" }.joined(separator: "\n")
      #expect(try await scene.run("send", "--lines", "bob", nick: "alice", input: .text(early)).status == 0)
      let bob = try await scene.listen("bob")
      // Once it is delivered the reader's place is kept, whatever ends it.
      #expect(try await scene.run("send", "--wait", "delivered", "bob", "live", nick: "alice").status == 0)
      #expect(
        try await bob.lines(6).map { $0["text"] } == ["early 1", "early 2", "early 3", "early 4", "early 5", "live"])
      bob.signal(2)
      #expect(try await bob.end() == 130)
      #expect(try await scene.run("send", "bob", "later", nick: "alice").status == 0)
      let again = try await scene.run("listen", "--idle", "1s", nick: "bob")
      #expect(again.status == 0)
      #expect(again.texts == ["later"])
    }
  }

  @Test("-n takes so many and leaves the rest unread")
  func count() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      #expect(try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("1\n2\n3\n4\n5\n")).status == 0)
      #expect(try await scene.run("listen", "-n", "2", nick: "bob").texts == ["1", "2"])
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == ["3"])
      let whole = try await scene.run("listen", "-n", "3", "--timeout", "1s", nick: "bob")
      #expect(whole.status == 75)
      #expect(whole.texts == ["4", "5"])
      #expect(whole.standardError == "qq: 2 of 3 events came in time\n")
    }
  }

  @Test("named cursors are kept apart, and --new with a name moves it")
  func cursors() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      #expect(try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("1\n2\n3\n")).status == 0)
      #expect(try await scene.run("listen", "--cursor", "log", "-n", "3", nick: "bob").texts == ["1", "2", "3"])
      #expect(try await scene.run("listen", "--cursor", "mail", "-n", "1", nick: "bob").texts == ["1"])
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == ["1"])
      #expect(try await scene.run("listen", "--cursor", "log", "--idle", "500ms", nick: "bob").texts == [])
      #expect(try await scene.run("listen", "--cursor", "mail", "-n", "1", nick: "bob").texts == ["2"])
      let new = try await scene.listen("bob", "--new", "--cursor", "mail", "-n", "1")
      #expect(try await scene.run("send", "bob", "4", nick: "alice").status == 0)
      #expect(try await new.line()["text"] == "4")
      #expect(try await new.end() == 0)
      #expect(try await scene.run("listen", "--cursor", "mail", "--idle", "500ms", nick: "bob").texts == [])
    }
  }

  @Test("a filter, --since and --new move no cursor that wasn't named")
  func unmoved() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      #expect(try await scene.run("send", "--lines", "bob", nick: "alice", input: .text("1\n2\n")).status == 0)
      for arguments in [
        ["--from", "alice"], ["--match", "[12]"], ["--type", "message"], ["--since", "all"], ["alice"],
      ] {
        let listener = try scene.start(["listen", "-n", "2", "--nick", "bob"] + arguments)
        #expect(try await listener.end() == 0)
        #expect(listener.rest.map { $0["text"] } == ["1", "2"], "\(arguments)")
      }
      let new = try await scene.run("listen", "--new", "--idle", "300ms", nick: "bob")
      #expect(new.texts == [])
      #expect(try await scene.run("listen", "-n", "2", nick: "bob").texts == ["1", "2"])
    }
  }

  @Test("a second reader of a cursor follows without moving it, and is told")
  func follower() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let first = try await scene.listen("bob")
      let second = try scene.qq("listen", nick: "bob")
      try await second.complaint("another reader moves the cursor \"listen\": following without moving it")
      #expect(try await scene.run("send", "bob", "hi", nick: "alice").status == 0)
      #expect(try await first.line()["text"] == "hi")
      #expect(try await second.line()["text"] == "hi")
      let named = try scene.qq("listen", "--cursor", "own", nick: "bob")
      #expect(try await named.line()["text"] == "hi")
      #expect(named.standardError == "")
    }
  }

  @Test("a reader that is told to end has what it printed behind it")
  func interrupted() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq("send", "--lines", "bob", nick: "alice", input: .pipe)
      var texts: [String?] = []
      for round in 1...6 {
        let bob = try scene.qq("listen", nick: "bob")
        sender.write((1...400).map { "\(round) \($0)\n" }.joined())
        texts.append(try await bob.line()["text"])
        bob.signal(15)
        #expect(try await bob.end() == 130)
        texts += bob.rest.map { $0["text"] }
      }
      sender.endInput()
      #expect(try await sender.end() == 0)
      let left = 2_400 - texts.count
      if left > 0 { texts += try await scene.run("listen", "-n", "\(left)", nick: "bob").lines.map { $0["text"] } }
      #expect(texts == (1...6).flatMap { round in (1...400).map { "\(round) \($0)" } })
    }
  }

  @Test("a killed reader gets again only what it hadn't acknowledged")
  func killed() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      let sent = try await scene.run("send", "--wait", "delivered", "bob", "read", nick: "alice")
      #expect(sent.lines.map { $0["type"] } == ["sent", "receipt"])
      bob.signal(9)
      #expect(try await bob.end() == -9)
      #expect(try await scene.run("send", "bob", "unread", nick: "alice").status == 0)
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == ["unread"])
    }
  }
}
