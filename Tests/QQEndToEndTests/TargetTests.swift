import QQTestSupport
import Testing

@Suite("whom a message reaches") struct TargetTests {
  @Test("an address, a nick, a group and everybody are targets, and each has its line of the answer")
  func everyKind() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      #expect(try await scene.run("join", "@ops", nick: "bob").status == 0)
      let joined = try await scene.run("join", "@ops", nick: "alice")
      #expect(joined.lines.map { $0["type"] } == ["joined"])
      #expect(joined.lines.first?["group"] == "@ops")
      for target in ["bob", "127.0.0.1", "@ops", "@all"] {
        let sent = try await scene.run("send", target, "to", target, nick: "alice")
        #expect(sent.status == 0)
        #expect(sent.standardError == "")
        #expect(sent.lines.map { $0["type"] } == ["sent"])
        #expect(sent.lines.first?["to"] == target)
        #expect(sent.lines.first?["status"] == "stored")
        let message = try await bob.line()
        #expect(message["type"] == "message")
        #expect(message["text"] == "to \(target)")
        #expect(message.strings("to") == [target])
        #expect(message["from"] == "alice")
        #expect(message["address"] == "127.0.0.1")
        #expect(message["id"] == sent.lines.first?["id"])
        #expect(message.integer("seq") == sent.lines.first?.integer("seq"))
        #expect(message["time"]?.hasSuffix("Z") == true)
      }
    }
  }

  @Test("several targets are one message, which everybody in their union gets once")
  func union() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      let carol = try await scene.listen("carol")
      let sent = try await scene.run("send", "bob,@all,127.0.0.1", "once", nick: "alice")
      #expect(sent.status == 0)
      #expect(sent.lines.map { $0["to"] } == ["bob", "@all", "127.0.0.1"])
      #expect(Set(sent.lines.map { $0.integer("seq") }).count == 1)
      #expect(try await scene.run("send", "@all", "after", nick: "alice").status == 0)
      #expect(try await bob.lines(2).map { $0["text"] } == ["once", "after"])
      #expect(try await carol.lines(2).map { $0["text"] } == ["once", "after"])
    }
  }

  @Test("an unknown target ends with 67 and the nearest name, and the others get it all the same")
  func unknown() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("bob")
      let alone = try await scene.run("send", "bbo", "hi", nick: "alice")
      #expect(alone.status == 67)
      #expect(
        alone.standardError == "qq: nobody called \"bbo\" (did you mean \"bob\"?) (hub \(hub.address))\n")
      #expect(alone.lines.map { $0["code"] } == ["unknown_target"])
      #expect(alone.lines.first?["to"] == "bbo")
      let some = try await scene.run("send", "nobody-at-all,bob,@nogroup,9.9.9.9", "hi", nick: "alice")
      #expect(some.status == 67)
      #expect(some.lines.compactMap { $0["to"] }.sorted() == ["9.9.9.9", "@nogroup", "bob", "nobody-at-all"])
      #expect(some.lines.filter { $0["type"] == "sent" }.map { $0["to"] } == ["bob"])
      #expect(some.standardError.split(separator: "\n").count == 3)
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == ["hi"])
    }
  }

  @Test("two users on one address both get what is sent there")
  func sharedAddress() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      let carol = try await scene.listen("carol", state: "another account")
      #expect(try await scene.run("send", "127.0.0.1", "both", nick: "alice").status == 0)
      #expect(try await bob.line()["text"] == "both")
      #expect(try await carol.line()["text"] == "both")
    }
  }

  @Test("an address where nobody listens is unknown, says who was seen there, and --last-seen sends to them")
  func lastSeen() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      bob.signal(15)
      #expect(try await bob.end() == 130)
      try await nobodyIsOnline(scene)
      let refused = try await scene.run("send", "127.0.0.1", "hi", nick: "alice")
      #expect(refused.status == 67)
      #expect(refused.standardError.contains("last seen there: bob"))
      #expect(try await scene.run("send", "--last-seen", "127.0.0.1", "hi", nick: "alice").status == 0)
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == ["hi"])
    }
  }

  /// The hub hears of a closed connection a little after its program has ended.
  private func nobodyIsOnline(_ scene: Scene) async throws {
    while try await scene.run("who", nick: "alice").lines != [] {}
  }

  @Test("every session of a user gets it, the sender's own other ones too, and the sending one doesn't")
  func sessions() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let first = try await scene.listen("bob")
      let second = try scene.qq("listen", nick: "bob")
      try await second.complaint("following without moving it")
      let sender = try scene.qq("send", "--jsonl", nick: "bob", input: .pipe)
      sender.write(#"{"to":"bob","text":"to myself"}"# + "\n")
      #expect(try await sender.line()["type"] == "sent")
      #expect(try await first.line()["text"] == "to myself")
      #expect(try await second.line()["text"] == "to myself")
      #expect(try await scene.run("send", "bob", "from another", nick: "alice").status == 0)
      #expect(try await first.line()["text"] == "from another")
      #expect(try await second.line()["text"] == "from another")
    }
  }

  @Test("--text prints lines for reading, in UTC, in which nothing of others can do harm")
  func readable() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob", "--text")
      let sent = try await scene.run("send", "bob", "--text", "a\u{1b}[2Jb\nc\u{202e}d", nick: "alice")
      #expect(sent.lines.map(\.text) == ["sent to bob"])
      let first = try await bob.line().text
      #expect(first.contains("alice → bob: a"))
      #expect(first.hasSuffix("b"))
      let second = try await bob.line().text
      #expect(second.hasPrefix("    c"))
      for line in [first, second] {
        #expect(!line.unicodeScalars.contains { $0.value == 0x1b || $0.value == 0x202e })
      }
    }
  }
}
