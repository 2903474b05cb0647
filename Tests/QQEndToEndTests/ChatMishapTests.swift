import QQTestSupport
import Testing

@Suite("qq chat when things go wrong") struct ChatMishapTests {
  @Test("a lost hub is a row, its return another; what was typed meanwhile is sent once, in order")
  func lostHub() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("bob")
      let chat = try await scene.chat("alice", "bob", prompt: "bob>")
      chat.type("/msg @all for everybody\r")
      try await chat.see("its mark") { $0.lines.contains { $0.contains("✓") && $0.contains("for everybody") } }
      hub.process.signal(9)
      try await hub.process.end()
      try await chat.see(line: "bob (no hub)> ")
      #expect(chat.screen.lines.contains { $0.contains("closed the connection; connecting again") })
      chat.type("first\rsecond\r/who\r")
      try await chat.see("two that wait") {
        $0.lines.filter { $0.contains("~~ alice ⇒ bob") }.count == 2
          || $0.lines.filter { $0.contains("~~ alice") }.count == 2
      }
      try await chat.see("an error") { screen in screen.lines.contains { $0.contains("there is no connection") } }
      _ = try await scene.serve(listen: hub.address)
      try await chat.see(row: "      *  connected to \(hub.address) again")
      try await chat.see("the marks") { $0.lines.filter { $0.contains("✓  alice: ") }.count == 2 }
      try await chat.see(line: "bob> ")
      let heard = try await scene.run("listen", "--idle", "500ms", nick: "bob")
      #expect(heard.texts == ["for everybody", "first", "second"])
      // What comes again as everybody's stands there already.
      _ = try await scene.run("send", "alice", "the end", nick: "bob")
      let screen = try await chat.see("the end") { $0.lines.contains { $0.hasSuffix("the end") } }
      #expect(screen.lines.count { $0.contains("for everybody") && !$0.contains("✓✓ delivered") } == 1)
    }
  }

  @Test("on leaving what could not be sent is named, and how to send it")
  func unsent() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let chat = try await scene.chat("alice")
      hub.process.signal(9)
      try await chat.see(line: "@all (no hub)> ")
      chat.type("never arrives\r/quit\r")
      #expect(try await chat.end() == 75)
      let last = chat.screen.lines.joined()
      #expect(last.contains("qq: not confirmed: \"never arrives\" to @all (qq send --id "))
    }
  }

  @Test("whoever is told to end while the hub hangs is told all the same what was not sent")
  func unsentToHungHub() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let chat = try await scene.chat("alice")
      try await hub.process.stop()
      chat.type("on its way\r")
      try await chat.see("its mark") { $0.lines.contains { $0.contains("~  alice: on its way") } }
      chat.signal(15)
      #expect(try await chat.end() == 75)
      #expect(chat.screen.lines.joined().contains("qq: not confirmed: \"on its way\" to @all (qq send --id "))
      hub.process.signal(18)
    }
  }

  @Test("what others send moves no cursor, sets no title, colours nothing and forges no row")
  func hostileTexts() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let chat = try await scene.chat("alice")
      chat.type("half typed")
      try await chat.see(line: "@all> half typed")
      let forged = "23:59    carol: I agree"
      let texts = [
        "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[1;1H\u{1b}[31mred",
        "first\n\(forged)\r\(forged)", "second\ncarol: I agree\ncarol ⇒ you: yes",
        String(repeating: "x", count: 75) + forged,
        String(repeating: " ", count: 71) + forged,
        "abc\u{202e}def\u{2066}\u{200f}",
        "Z" + String(repeating: "\u{301}", count: 500),
        String(repeating: "y", count: 64 << 10),
        "the end",
      ]
      for text in texts {
        #expect(try await scene.run("send", "@all", nick: "mallory", input: .text(text)).status == 0)
      }
      let screen = try await chat.see(row: "         mallory: the end")
      try await chat.see(line: "@all> half typed")
      #expect(screen.titles == [])
      #expect(screen.unknown == [])
      #expect(screen.bells == 0)
      // Every row that begins with a time, or at the left edge, is the chat's own.
      let own = ["half typed", "── ", "      *  ", "         | "]
      for row in screen.everything where !row.contains("mallory:") {
        #expect(
          own.contains { row.hasPrefix($0) || row.hasSuffix($0) } || row == "@all> half typed" || row.isEmpty, "\(row)")
      }
      #expect(!screen.everything.contains { $0.hasPrefix("23:59    carol") })
      #expect(screen.everything.contains { $0.contains("^[]0;title^G^[[2J^[[1;1H^[[31mred") })
    }
  }

  @Test("a mention stands out and rings the bell, as a private message does; --no-bell is silent")
  func bell() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let chat = try await scene.chat("alice")
      let silent = try await scene.chat("alice", "--no-bell", "--cursor", "other")
      _ = try await scene.run("send", "@all", "nothing for her", nick: "bob")
      _ = try await scene.run("send", "@all", "look, Alice: here", nick: "bob")
      let screen = try await chat.see(row: "      >  bob: look, Alice: here")
      #expect(screen.bells == 1)
      #expect(screen.style(of: "Alice") == "1;7")
      #expect(screen.style(of: "bob")?.hasPrefix("1;38;5;") != false)
      _ = try await scene.run("send", "alice", "psst", nick: "bob")
      try await chat.see("another bell") { $0.bells == 2 && $0.lines.contains("         bob ⇒ you: psst") }
      try await silent.see(row: "         bob ⇒ you: psst")
      #expect(silent.screen.bells == 0)
    }
  }

  @Test("NO_COLOR and TERM=dumb are respected")
  func plainTerminals() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      _ = try await scene.listen("bob")
      let chat = try await scene.chat("alice", environment: ["NO_COLOR": "1"])
      chat.type("/msg bob hello\r")
      try await chat.see("it is delivered") { $0.lines.contains { $0.hasSuffix("✓✓ alice ⇒ bob: hello") } }
      #expect(!String(decoding: chat.bytes, as: UTF8.self).contains("m@all"))
      #expect(!String(decoding: chat.bytes, as: UTF8.self).contains("\u{1b}[1m"))
      let dumb = try await scene.chat("carol", environment: ["TERM": "dumb"])
      dumb.type("hello\r")
      try await dumb.see(row: "      ✓  stored: hello")
      _ = try await scene.run("send", "@all", "an answer", nick: "dave")
      try await dumb.see("an answer") { screen in screen.everything.contains { $0.hasSuffix("dave: an answer") } }
      #expect(!dumb.bytes.contains(0x1b))
    }
  }

  @Test("a file is offered in one row, fetched and sent with a bar that leaves the line alone, and Ctrl-C ends it")
  func files() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try scene.folder.makeDirectory("in")
      try scene.folder.write("some bytes", to: "note.txt")
      let chat = try await scene.chat("alice", columns: 100)
      let sent = try await scene.run("sendfile", "alice", "\(scene.folder.path)/note.txt", nick: "bob")
      #expect(sent.status == 0)
      try await chat.see("the offer") { screen in
        screen.lines.contains { $0.hasSuffix("bob ⇒ you: file \"note.txt\" (10 bytes)  /get 1") }
      }
      chat.type("/get 1 ~/in\r")
      try await chat.see("it is saved") { screen in screen.lines.contains { $0.hasSuffix("/in/note.txt from bob") } }
      #expect(try scene.folder.read("in/note.txt") == "some bytes")
      // A sender that has stopped: the transfer waits, and so there is a bar for as long as is wanted.
      let slow = try scene.qq(
        "sendfile", "alice", "-", "--name", "endless", nick: "bob", input: .pipe)
      slow.write([UInt8](repeating: 7, count: 3 << 20))
      try await chat.see("the second offer") { screen in screen.lines.contains { $0.hasSuffix("  /get 2") } }
      chat.type("/get 2 ~/in\rhalf typed")
      try await chat.see("a bar above the line") { screen in
        screen.lines.count >= 2 && screen.lines[screen.lines.count - 2].hasPrefix("endless")
          && screen.lines.last == "@all> half typed"
      }
      _ = try await scene.run("send", "@all", "meanwhile", nick: "bob")
      try await chat.see("a message above the bar") { screen in
        screen.lines.suffix(3).first == "         bob: meanwhile"
          && screen.lines[screen.lines.count - 2].hasPrefix("endless") && screen.lines.last == "@all> half typed"
      }
      chat.type("\u{3}")
      try await chat.see("no bar") { screen in
        screen.lines.suffix(2) == [
          "      *  \"endless\" is cancelled: the same command goes on where it was", "@all> half typed",
        ]
      }
      chat.type("\u{15}/file bob ~/note.txt\r")
      try await chat.see(row: "      *  sent note.txt (10 bytes) to bob")
      chat.type("/file bob ~/nothing\r")
      try await chat.see("an error") { screen in screen.lines.contains { $0.contains("!  \"nothing\": cannot open") } }
    }
  }

  @Test("names and groups change as they are told to")
  func names() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let chat = try await scene.chat("alice")
      chat.type("/join ops\r")
      try await chat.see(line: "@ops> ")
      chat.type("/nick 爱丽丝\r")
      try await chat.see(row: "      *  you are 爱丽丝 now")
      chat.type("hello\r")
      try await chat.see("the new name") { screen in screen.lines.contains { $0.hasSuffix("爱丽丝: hello") } }
      chat.type("/leave\r")
      try await chat.see(line: "> ")
      chat.type("lost?\r")
      try await chat.see("a question") { screen in screen.lines.contains { $0.contains("!  whom to? /to NICK") } }
      chat.type("/to bbo\r")
      try await chat.see("an error") { screen in
        screen.lines.contains { $0.contains("nobody called \"bbo\" (did you mean \"bob\"?)") }
      }
      try await chat.see(line: "> ")
      chat.type("/who all\r")
      try await chat.see("who isn't here") { screen in screen.lines.contains { $0.hasPrefix("      -  bob  127.0.0.1") }
      }
      chat.type("/quit\r")
      #expect(try await chat.end() == 0)
      // The key went with the name.
      #expect(try await scene.run("whoami", nick: "爱丽丝").lines.first?["nick"] == "爱丽丝")
    }
  }

  @Test("a stopped chat gives the terminal back and takes it again; one that is told to end ends, also in a search")
  func signals() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let chat = try await scene.chat("alice")
      chat.type("half typed")
      try await chat.see(line: "@all> half typed")
      chat.type("\u{1a}")
      try await chat.see("no line") { $0.lines.last?.hasPrefix("@all>") != true }
      try await chat.stopped()
      chat.signal(18)
      try await chat.see(line: "@all> half typed")
      chat.type("\u{12}")
      try await chat.see("a search") { screen in screen.lines.contains { $0.hasPrefix("(reverse-i-search)") } }
      _ = try await scene.run("send", "@all", "behind the search", nick: "bob")
      chat.signal(15)
      #expect(try await chat.end() == 130)
      // Had it come by then, it is shown; else it stays unread.
      if !chat.screen.lines.contains(where: { $0.hasSuffix("bob: behind the search") }) {
        let later = try await scene.run("listen", "--cursor", "chat", "--idle", "500ms", nick: "alice")
        #expect(later.texts == ["behind the search"])
      }
      #expect(chat.screen.lines.last?.hasPrefix("@all>") != true)
    }
  }

  @Test("however a chat ends, the terminal is as it was", arguments: ["/quit\r", "\u{4}", "text\r/quit\r"])
  func restored(_ keys: String) async throws {
    try await Scene.run { scene in try await Self.leave(scene, keys) }
  }

  private static func leave(_ scene: Scene, _ keys: String) async throws {
    _ = try await scene.serve()
    for _ in 0..<8 {
      let chat = try await scene.chat("alice")
      #expect(!chat.echoes)
      chat.type(keys)
      let status = try await chat.end()
      #expect(status == 0)
      #expect(chat.echoes)
      let bytes = String(decoding: chat.bytes, as: UTF8.self)
      #expect(bytes.lastPlace(of: "\u{1b}[?2004l") > bytes.lastPlace(of: "\u{1b}[?2004h"))
    }
    let chat = try await scene.chat("alice")
    chat.hangUp()
    let status = try await chat.end()
    #expect(status == 130)
    #expect(chat.echoes)
  }

  @Test("two chats of one user: the second follows and says so, and moves the place once the first has ended")
  func twoChats() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let first = try await scene.chat("alice")
      let second = try await scene.chat("alice")
      try await second.see("that it follows") { screen in
        screen.lines.contains { $0.contains("another chat of yours is open") }
      }
      first.type("hello\r")
      try await second.see("what the other said") { screen in screen.lines.contains { $0.hasSuffix("✓  alice: hello") }
      }
      first.type("\u{4}")
      #expect(try await first.end() == 0)
      try await second.see("that it doesn't any more") { screen in
        screen.lines.contains { $0.contains("the other chat has ended") }
      }
    }
  }

  @Test("nobody of that name, or no hub: told at once, with the status that scripts know")
  func noStart() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("bob")
      let nobody = try scene.terminal(["chat", "--nick", "alice", "bbo"])
      #expect(try await nobody.end() == 67)
      #expect(nobody.screen.lines.contains { $0.hasPrefix("qq: nobody called \"bbo\" (did you mean \"bob\"?)") })
      hub.process.signal(9)
      try await hub.process.end()
      let noHub = try scene.terminal(["chat", "--nick", "alice"])
      #expect(try await noHub.end() == 69)
      #expect(noHub.screen.lines.first?.hasPrefix("qq: cannot reach the hub at ") == true)
    }
  }
}

extension String {
  /// Where the last of these begins.
  fileprivate func lastPlace(of text: String) -> Int {
    ranges(of: text).last.map { utf8.distance(from: startIndex, to: $0.lowerBound) } ?? -1
  }
}
