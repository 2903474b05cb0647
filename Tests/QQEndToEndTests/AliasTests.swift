import QQTestSupport
import Testing

@Suite("qq alias") struct AliasTests {
  @Test("a name of one's own works wherever a target does")
  func targets() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      let made = try await scene.run("alias", "127.0.0.1", "printer")
      #expect(made.status == 0)
      #expect(made.lines.first?["target"] == "127.0.0.1")
      #expect(try await scene.run("alias", "bob", "boss").status == 0)
      #expect(try scene.folder.read("config/qq/aliases") == "boss bob\nprinter 127.0.0.1\n")
      let sent = try await scene.run("send", "printer,boss", "hi", nick: "alice")
      #expect(sent.status == 0)
      #expect(sent.lines.map { $0["to"] } == ["127.0.0.1", "bob"])
      #expect(try await bob.line()["text"] == "hi")
      let object = "{\"to\":\"boss\",\"text\":\"there\"}\n"
      #expect(try await scene.run("send", "--jsonl", nick: "alice", input: .text(object)).status == 0)
      #expect(try await bob.line()["text"] == "there")
      #expect(try await scene.run("history", "boss", nick: "alice").texts == ["hi", "there"])
      let chat = try await scene.run("chat", "boss", nick: "alice", input: .text("from a chat\n/msg BOSS again\n"))
      #expect(chat.status == 0)
      #expect(try await bob.lines(2).map { $0["text"] } == ["from a chat", "again"])
      _ = try await scene.run("send", "alice", "an answer", nick: "bob")
      let heard = try await scene.run("listen", "boss", "--from", "boss", "--since", "all", "-n", "1", nick: "alice")
      #expect(heard.texts == ["an answer"])
      let terminal = try await scene.chat("alice", "boss", prompt: "boss>")
      terminal.type("/to pri\t\r")
      try await terminal.see(line: "printer> ")
    }
  }

  @Test("they are listed and forgotten, and what is wrong is told with what to do")
  func errors() async throws {
    try await Scene.run { scene in
      #expect(try await scene.run("alias", "bob", "boss").status == 0)
      let list = try await scene.run("alias")
      #expect(list.lines.map { $0["name"] } == ["boss"])
      let unknown = try await scene.run("alias", "--remove", "bos")
      #expect(unknown.status == 67)
      #expect(unknown.standardError == "qq: there is no alias \"bos\" (did you mean \"boss\"?)\n")
      #expect(try await scene.run("alias", "--remove", "boss").status == 0)
      #expect(try await scene.run("alias").lines.isEmpty)
      #expect(try await scene.run("alias", "bob").status == 64)
      #expect(try await scene.run("alias", "bob", "@x").status == 64)
      try scene.folder.write("only\n", to: "config/qq/aliases")
      let broken = try await scene.run("alias")
      #expect(broken.status == 78)
      #expect(broken.standardError.contains("config/qq/aliases: line 1: a name and a target are expected"))
    }
  }
}
