import QQTestSupport
import Testing

@Suite("qq send") struct SendTests {
  @Test("without TEXT all of standard input is one message, without its last newline")
  func standardInput() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sent = try await scene.run("send", "bob", nick: "alice", input: .text("one\ntwo\n\n"))
      #expect(sent.status == 0)
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == ["one\ntwo\n"])
    }
  }

  @Test("empty standard input is nothing to send, an empty TEXT is a message")
  func empty() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let refused = try await scene.run("send", "@all", nick: "alice", input: .text(""))
      #expect(refused.status == 65)
      #expect(refused.standardError.contains("standard input is empty"))
      #expect(refused.lines == [])
      #expect(try await scene.run("send", "@all", "", nick: "alice").status == 0)
      #expect(try await scene.run("history", "@all", nick: "alice").lines.map { $0["text"] } == [""])
    }
  }

  @Test("help names the whole command")
  func help() async throws {
    try await Scene.run { scene in
      let help = try await scene.run("send", "--help")
      #expect(help.status == 0)
      #expect(help.lines.contains { $0.text.hasPrefix("USAGE: qq send ") })
    }
  }

  @Test("with TEXT standard input is never read")
  func unreadInput() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq("send", "bob", "two", "words", nick: "alice", input: .pipe)
      #expect(try await sender.end() == 0)
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == ["two words"])
    }
  }

  @Test("--lines sends each line as it is written, on one connection")
  func lines() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      let sender = try scene.qq("send", "--lines", "bob", nick: "alice", input: .pipe)
      for text in ["first", "", "with\ttab", "日本語 🎉"] {
        sender.write(text + "\n")
        #expect(try await bob.line()["text"] == text)
        #expect(try await sender.line()["to"] == "bob")
      }
      sender.write("no newline")
      sender.endInput()
      #expect(try await bob.line()["text"] == "no newline")
      #expect(try await sender.end() == 0)
    }
  }

  @Test("a stream that can't go on ends though its input doesn't")
  func endlessInput() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("alice")
      let thief = try scene.qq("send", "--lines", "@all", nick: "alice", input: .pipe, state: "other account")
      thief.write("one\n")
      #expect(try await thief.end() == 77)
      let unreachable = try scene.qq("send", "--lines", "@all", "--hub", "127.0.0.1:1", nick: "alice", input: .pipe)
      #expect(try await unreachable.end() == 69)
    }
  }

  @Test("thousands of lines arrive all, once, in order")
  func many() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob", "-n", "5000")
      let texts = (1...5000).map { "line \($0)" }
      let sender = try scene.qq(
        "send", "--lines", "bob", nick: "alice", input: .text(texts.joined(separator: "\n") + "\n"))
      #expect(try await sender.end() == 0)
      #expect(sender.rest.count == 5000)
      #expect(try await bob.end() == 0)
      #expect(bob.rest.map { $0["text"] } == texts)
      let seqs = bob.rest.compactMap { $0.integer("seq") }
      #expect(seqs == seqs.sorted())
    }
  }

  @Test("a line that can't be sent is told, doesn't stop the stream, and decides the status")
  func badLines() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq("send", "--lines", "bob", nick: "alice", input: .pipe)
      sender.write(Array("good\n".utf8) + [0xff, 0x0a] + [UInt8](repeating: 0x61, count: 65_537) + [0x0a])
      sender.write(Array("better\n".utf8))
      sender.endInput()
      #expect(try await sender.end() == 65)
      #expect(sender.rest.map { $0["type"] } == ["sent", "sent"])
      #expect(
        sender.standardError == "qq: line 2 is not valid UTF-8\nqq: line 3 is longer than 65536 bytes\n")
      #expect(try await scene.run("listen", "-n", "2", nick: "bob").texts == ["good", "better"])
    }
  }

  @Test("a line longer than any message costs only itself")
  func hugeLine() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq("send", "--lines", "bob", nick: "alice", input: .pipe)
      sender.write(Array("good\n".utf8) + [UInt8](repeating: 0x61, count: 1 << 20) + Array("\nbetter\n".utf8))
      sender.endInput()
      #expect(try await sender.end() == 65)
      #expect(sender.standardError == "qq: line 2 is longer than 65536 bytes\n")
      #expect(try await scene.run("listen", "-n", "2", nick: "bob").texts == ["good", "better"])
    }
  }

  @Test("--jsonl takes what listen prints: ping is answered with pong")
  func pingPong() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      let pongs = try scene.qq("send", "--jsonl", nick: "bob", input: .pipe)
      let alice = try await scene.listen("alice", "--from", "bob")
      #expect(try await scene.run("send", "bob", "ping", nick: "alice").status == 0)
      let ping = try await bob.line()
      guard ping["text"] == "ping", let from = ping["from"], let id = ping["id"] else { throw UnexpectedOutput(ping) }
      pongs.write("{\"to\":\"\(from)\",\"text\":\"pong\",\"reply_to\":\"\(id)\"}\n")
      let pong = try await alice.line()
      #expect(pong["text"] == "pong")
      #expect(pong["from"] == "bob")
      #expect(pong["reply_to"] == id)
    }
  }

  @Test("what listen prints can be sent on as it is")
  func forwarded() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob", "carol")
      #expect(try await scene.run("send", "bob", "to bob", nick: "alice").status == 0)
      let heard = try await scene.run("listen", "-n", "1", nick: "bob")
      let events =
        heard.lines.map(\.text).joined(separator: "\n")
        + "\n{\"type\":\"presence\",\"nick\":\"x\"}\n\n{\"to\":[\"carol\",\"bob\"],\"text\":\"b\",\"unknown\":[1,{}]}\n"
      let sent = try await scene.run("send", "--jsonl", nick: "bob", input: .text(events))
      #expect(sent.status == 0)
      #expect(sent.lines.map { $0["to"] } == ["bob", "carol", "bob"])
      let noTarget = try await scene.run(
        "send", "--jsonl", "carol", nick: "bob", input: .text("{\"text\":\"to carol\",\"id\":\"k\"}\n"))
      #expect(noTarget.status == 0)
      #expect(try await scene.run("listen", "-n", "2", nick: "carol").texts == ["b", "to carol"])
    }
  }

  @Test(
    "an object that is no message is told with its line",
    arguments: [
      ("[]", "not one strict JSON object"),
      ("{\"text\":\"x\",\"text\":\"y\",\"to\":\"a\"}", "not one strict JSON object"),
      ("{\"to\":\"bob\"}", "\"text\" is missing"), ("{\"text\":\"x\"}", "\"to\" is missing"),
      ("{\"to\":3,\"text\":\"x\"}", "\"to\" must be"), ("{\"to\":\"bob\",\"text\":3}", "\"text\" must be a string"),
      ("{\"to\":\"bob\",\"text\":\"x\",\"reply_to\":\"y\"}", "\"reply_to\" must be"),
    ])
  func badObjects(_ object: String, _ complaint: String) async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let sent = try await scene.run("send", "--jsonl", nick: "alice", input: .text("\(object)\n"))
      #expect(sent.status == 65)
      #expect(sent.lines == [])
      #expect(sent.standardError.hasPrefix("qq: line 1: \(complaint)"))
    }
  }

  @Test("the same id is harmless with the same content, and refused with another")
  func ids() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let first = try await scene.run("send", "--id", "job 7", "bob", "done", nick: "alice")
      #expect(first.status == 0)
      #expect(first.lines.first?.bool("duplicate") == nil)
      let second = try await scene.run("send", "--id", "job 7", "bob", "done", nick: "alice")
      #expect(second.status == 0)
      #expect(second.lines.first?.bool("duplicate") == true)
      #expect(second.lines.first?["id"] == first.lines.first?["id"])
      #expect(second.lines.first?.integer("seq") == first.lines.first?.integer("seq"))
      let other = try await scene.run("send", "--id", "job 7", "bob", "failed", nick: "alice")
      #expect(other.status == 65)
      #expect(other.lines.map { $0["code"] } == ["id_conflict"])
      #expect(try await scene.run("send", "--id", "job 7", "bob", "mine", nick: "carol").status == 0)
      let given = try await scene.run("send", "--id", first.lines.first?["id"] ?? "", "bob", "done", nick: "alice")
      #expect(given.lines.first?.bool("duplicate") == true)
      for _ in 0..<2 {
        let lines = try await scene.run("send", "--id", "log", "--lines", "bob", nick: "alice", input: .text("a\nb\n"))
        #expect(lines.status == 0)
      }
      #expect(
        try await scene.run("listen", "--idle", "500ms", nick: "bob").texts == ["done", "mine", "a", "b"])
    }
  }

  @Test("--wait delivered is done once the reader has it")
  func delivered() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      let sent = try await scene.run("send", "--wait", "delivered", "--timeout", "60s", "bob", "hi", nick: "alice")
      #expect(sent.status == 0)
      #expect(sent.lines.map { $0["type"] } == ["sent", "receipt"])
      #expect(sent.lines.last?["nick"] == "bob")
      #expect(sent.lines.last?["id"] == sent.lines.first?["id"])
      #expect(try await bob.line()["text"] == "hi")
    }
  }

  @Test("--wait delivered ends with 75 and names whoever is missing; it is kept for them")
  func undelivered() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("dave", "carol")
      let bob = try await scene.listen("bob")
      let sent = try await scene.run(
        "send", "--wait", "delivered", "--timeout", "2s", "bob,carol,dave", "hi", nick: "alice")
      #expect(sent.status == 75)
      #expect(sent.lines.filter { $0["type"] == "sent" }.map { $0["to"] } == ["bob", "carol", "dave"])
      #expect(sent.lines.filter { $0["type"] == "receipt" }.map { $0["nick"] } == ["bob"])
      #expect(sent.standardError == "qq: stored, but not delivered in time to carol, dave: it is kept for them\n")
      #expect(try await bob.line()["text"] == "hi")
      #expect(try await scene.run("listen", "-n", "1", nick: "carol").texts == ["hi"])
    }
  }

  @Test("what is too long or no text is refused before anything is sent")
  func refused() async throws {
    try await Scene.run { scene in
      let long = try await scene.run(
        "send", "bob", nick: "alice", input: .text(String(repeating: "x", count: 65_537)))
      #expect(long.status == 65)
      #expect(long.standardError.contains("65536 bytes"))
      let sender = try scene.qq("send", "bob", nick: "alice", input: .pipe)
      sender.write([0x61, 0xc3, 0x28])
      sender.endInput()
      #expect(try await sender.end() == 65)
      #expect(sender.standardError == "qq: the message is not valid UTF-8\n")
    }
  }

  @Test("the longest text there may be arrives whole")
  func longest() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let text = String(repeating: "\"\u{1}", count: 10_000) + String(repeating: "日", count: 15_178) + "xx"
      #expect(text.utf8.count == 65_536)
      #expect(try await scene.run("send", "bob", nick: "alice", input: .text(text)).status == 0)
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == [text])
      // Six bytes each in JSON: such a line is longer than the protocol's.
      let escaped = String(repeating: "\u{1}", count: 60_000)
      let refused = try await scene.run("send", "bob", nick: "alice", input: .text(escaped))
      #expect(refused.status == 65)
      #expect(refused.standardError.contains("once it is escaped as JSON"))
    }
  }

  @Test(
    "arguments that can't be are usage errors",
    arguments: [
      [], [""], [","], ["bob", "--lines", "text"], ["--lines", "--jsonl", "bob"], ["--jsonl", "--id", "k"],
      ["bob", "--wait", "for-ever", "x"], ["bob", "--reply-to", "nothing", "x"], ["bob", "x", "--timeout", "soon"],
      ["bob", "x", "--hub", "a b"], ["bob", "x", "--nick", "a b"],
    ])
  func usage(_ arguments: [String]) async throws {
    try await Scene.run { scene in
      let sender = try scene.start(["send"] + arguments)
      #expect(try await sender.end() == 64)
      #expect(sender.rest == [])
      #expect(sender.standardError != "")
    }
  }
}
