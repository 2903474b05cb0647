import QQTestSupport
import Testing

@Suite("qq chat at a terminal") struct ChatTests {
  @Test("what is unread comes first and is counted, and the prompt shows whom one writes to")
  func unread() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("alice", "bob")
      _ = try await scene.run("send", "@all", "for everybody", nick: "bob")
      _ = try await scene.run("send", "alice", "for you", nick: "bob")
      let chat = try await scene.chat("alice")
      let screen = try await chat.see("the unread") { $0.lines.contains { $0.hasSuffix("bob ⇒ you: for you") } }
      let unread = try #require(screen.lines.firstIndex(of: "── 2 unread ──"))
      #expect(screen.lines[unread + 2].hasSuffix("   bob: for everybody"))
      #expect(screen.lines[unread + 3] == "         bob ⇒ you: for you")
      chat.type("/to bob\r")
      try await chat.see(line: "bob> ")
      chat.type("/quit\r")
      #expect(try await chat.end() == 0)
      #expect(chat.screen.unknown == [])
      #expect(chat.screen.wrapsLines)
      // What was shown counts as read.
      let again = try await scene.chat("alice", "bob", prompt: "bob>")
      try await again.see("who is online") { $0.lines.contains("      *  1 online: alice") }
      #expect(!again.screen.lines.contains { $0.contains("unread") })
    }
  }

  @Test("own lines are marked when they are stored and when they are delivered, where they stand")
  func marks() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let chat = try await scene.chat("alice")
      chat.type("/msg bob are you there?\r")
      try await chat.see("the mark of what is stored") { screen in
        screen.lines.contains { $0.hasSuffix(" ✓  alice ⇒ bob: are you there?") }
      }
      chat.type("one more\rhalf a")
      try await chat.see("two lines") { $0.lines.contains { $0.hasSuffix("✓  alice: one more") } }
      let bob = try await scene.listen("bob")
      #expect(try await bob.lines(2).map { $0["text"] } == ["are you there?", "one more"])
      let screen = try await chat.see("the marks of what is delivered") { screen in
        screen.lines.filter { $0.contains("✓✓ alice") }.count >= 1
      }
      #expect(screen.lines.contains { $0.hasSuffix(" ✓✓ alice ⇒ bob: are you there?") })
      #expect(screen.lines.last == "@all> half a")
      #expect(screen.column == 12)
    }
  }

  @Test("a mark that has scrolled away is told in a row of its own")
  func farMarks() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let chat = try await scene.chat("alice", height: 10)
      chat.type("/msg bob remember this\r")
      try await chat.see("it is stored") { $0.lines.contains { $0.hasSuffix("alice ⇒ bob: remember this") } }
      let lines = (1...20).map { "line \($0)" }.joined(separator: "\n")
      _ = try await scene.run("send", "--lines", "@all", nick: "carol", input: .text(lines))
      try await chat.see(row: "         carol: line 20")
      _ = try await scene.listen("bob")
      try await chat.see(row: "      ✓✓ delivered to bob: remember this")
    }
  }

  @Test("a hundred messages leave the half-typed line, its cursor, its undo and a running search as they were")
  func intact() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let chat = try await scene.chat("alice", columns: 40)
      // Wraps, and has wide characters before and behind the cursor.
      let text = "half typed 你好吗 and so long that it wraps 😀 twice over"
      chat.type("remembered needle\r")
      try await chat.see("it is sent") { $0.lines.contains { $0.hasSuffix("alice: remembered needle") } }
      chat.type(text)
      let rows = ["@all> half typed 你好吗 and so long that", " it wraps 😀 twice over"]
      try await chat.see("the line") { $0.lines.suffix(2) == rows }
      // Eleven to the left: between "😀" and " twice over".
      chat.type(String(repeating: "\u{2}", count: 11))
      let before = try await chat.see("the cursor within it") { $0.column == 12 }
      let lines = (1...100).map { "message \($0)" }.joined(separator: "\n")
      _ = try await scene.run("send", "--lines", "@all", nick: "bob", input: .text(lines))
      try await chat.see(row: "         bob: message 100")
      let after = try await chat.see("the line again") { $0.lines.suffix(2) == rows && $0.column == before.column }
      #expect(after.everything.filter { $0.contains("bob: message ") }.count == 100)
      // A word is taken away, messages come, and undo brings it back.
      chat.type("\u{17}")
      try await chat.see("a word less") { $0.lines.last == " it wraps  twice over" }
      _ = try await scene.run("send", "@all", "in between", nick: "bob")
      try await chat.see(row: "         bob: in between")
      chat.type("\u{1f}")
      try await chat.see("the word back") { $0.lines.suffix(2) == rows && $0.column == before.column }
      // A search goes on while messages come, and what came is shown when it is over.
      chat.type("\u{12}needle")
      let search = "(reverse-i-search)`needle': remembered ne"
      try await chat.see("the search") { screen in screen.lines.contains { $0.hasPrefix(search.prefix(38)) } }
      _ = try await scene.run("send", "@all", "during the search", nick: "bob")
      chat.type("\u{5}")
      try await chat.see(row: "         bob: during the search")
      try await chat.see(line: "@all> remembered needle")
      chat.type("!\r")
      try await chat.see("it is sent") { $0.everything.contains { $0.hasSuffix("alice: remembered needle!") } }
      #expect(chat.screen.unknown == [])
    }
  }

  @Test("a window that changes its size leaves what is typed, and what comes next fits")
  func resizing() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let chat = try await scene.chat("alice")
      chat.type("some words that wait here for a window that is narrower, soon")
      try await chat.see(line: "@all> some words that wait here for a window that is narrower, soon")
      chat.resize(columns: 40, height: 20)
      try await chat.see("the line in two rows") {
        $0.lines.suffix(2) == ["@all> some words that wait here for a wi", "ndow that is narrower, soon"]
      }
      _ = try await scene.run(
        "send", "@all", "a text of more than thirty columns, which has to be wrapped", nick: "bob")
      try await chat.see("it fits") { screen in
        screen.lines.contains { $0.hasSuffix("bob: a text of more than") }
          && screen.lines.contains("         | thirty columns, which has to")
      }
      chat.resize(columns: 90, height: 24)
      chat.type(" again\r")
      try await chat.see("the line as it was typed") { screen in
        screen.lines.contains {
          $0.hasSuffix("alice: some words that wait here for a window that is narrower, soon again")
        }
      }
    }
  }

  @Test("what is pasted is shown in its lines and sent as one message after one Enter")
  func pasting() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob")
      let chat = try await scene.chat("alice")
      chat.paste("first\n/quit\n\nlast")
      try await chat.see("all of it") { $0.lines.suffix(4) == ["@all> first", "/quit", "", "last"] }
      chat.type("\r")
      #expect(try await bob.line()["text"] == "first\n/quit\n\nlast")
      let screen = try await chat.see(line: "@all> ")
      let start = try #require(screen.lines.firstIndex { $0.hasSuffix("alice: first") })
      #expect(screen.lines[start + 1..<start + 4] == ["         | /quit", "         |", "         | last"])
    }
  }

  @Test("Tab completes commands, names, groups and paths")
  func completion() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      _ = try await scene.run("join", "@operators", nick: "bob")
      try scene.folder.makeDirectory("papers")
      try scene.folder.write("x", to: "papers/a name with spaces.txt")
      let chat = try await scene.chat("alice")
      try await chat.see("who is online") { $0.lines.contains("      *  1 online: alice") }
      chat.type("/ms\t")
      try await chat.see(line: "@all> /msg ", cursor: 11)
      chat.type("B\t")
      try await chat.see(line: "@all> /msg bob ", cursor: 15)
      chat.type("\u{15}bo\t")
      try await chat.see(line: "@all> bob: ", cursor: 11)
      chat.type("\u{15}/to bob,@op\t")
      try await chat.see(line: "@all> /to bob,@operators")
      chat.type("\u{15}/file bob ~/pap\ta\t")
      try await chat.see(line: "@all> /file bob ~/papers/a name with spaces.txt")
      // Several may be meant: the second Tab lists them above the line.
      chat.type("\u{15}/h\t\t")
      try await chat.see(row: "         /history  /help")
      try await chat.see(line: "@all> /h")
    }
  }

  @Test("history is kept for the hub, for its owner alone, and found again")
  func history() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let chat = try await scene.chat("alice")
      chat.type("to be found\r/nothing\r")
      try await chat.see("the error") { screen in screen.lines.contains { $0.contains("no command \"/nothing\"") } }
      chat.type("\u{4}")
      #expect(try await chat.end() == 0)
      let file = "state/qq/history/127.0.0.1:\(hub.port).history"
      #expect(try scene.folder.mode(file) == 0o600)
      #expect(try scene.folder.read(file) == "to be found\n/nothing\n")
      let again = try await scene.chat("alice")
      again.type("\u{1b}[A\u{1b}[A")
      try await again.see(line: "@all> to be found")
    }
  }

  @Test("~/.inputrc is honoured, vi's modes too")
  func inputrc() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try scene.folder.write("set editing-mode vi\n$if qq\n\"\\C-t\": \"typed by a macro\"\n$endif\n", to: ".inputrc")
      let chat = try await scene.chat("alice")
      chat.type("\u{14}")
      try await chat.see(line: "@all> typed by a macro")
      // The movement mode: to the beginning, and a word away.
      chat.type("\u{1b}0dw")
      try await chat.see(line: "@all> by a macro", cursor: 6)
      chat.type("\r")
      try await chat.see("it is sent") { screen in screen.lines.contains { $0.hasSuffix("alice: by a macro") } }
      chat.type("and insertion again\r")
      try await chat.see("it is sent") { screen in screen.lines.contains { $0.hasSuffix("alice: and insertion again") }
      }
    }
  }

  @Test("Ctrl-C empties the line, and twice on an empty one it leaves; so does Ctrl-D at once")
  func leaving() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let chat = try await scene.chat("alice")
      chat.type("something")
      try await chat.see(line: "@all> something")
      chat.type("\u{3}")
      try await chat.see(line: "@all> ")
      chat.type("\u{3}")
      try await chat.see(row: "      *  Ctrl-C again, Ctrl-D or /quit leaves")
      // What is typed in between takes it back.
      chat.type("x")
      try await chat.see(line: "@all> x")
      chat.type("\u{7f}")
      try await chat.see(line: "@all> ")
      chat.type("\u{3}")
      try await chat.see("the word again") { $0.lines.filter { $0.contains("Ctrl-C again") }.count == 2 }
      chat.type("\u{3}")
      #expect(try await chat.end() == 0)
      let other = try await scene.chat("alice")
      other.type("\u{4}")
      #expect(try await other.end() == 0)
    }
  }

  @Test("Ctrl-C forgets the line that was being typed before history was looked at")
  func interruptedHistory() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let chat = try await scene.chat("alice")
      chat.type("said\r")
      try await chat.see("what was said") { $0.lines.contains { $0.hasSuffix("alice: said") } }
      chat.type("half")
      try await chat.see(line: "@all> half")
      chat.type("\u{10}")
      try await chat.see(line: "@all> said")
      chat.type("\u{3}")
      try await chat.see(line: "@all> ")
      chat.type("next")
      try await chat.see(line: "@all> next")
      chat.type("\u{e}!")
      try await chat.see(line: "@all> next!")
    }
  }
}
