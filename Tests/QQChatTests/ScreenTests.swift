import QQProtocol
import QQTestSupport
import Testing

@testable import QQChat

/// What is composed is written to a model of a terminal, with a line that is typed standing below it.
@Suite struct ScreenTests {
  private struct Terminal {
    var screen: Screen
    var shown: TerminalScreen
    var line: String

    init(columns: Int, height: Int, line: String = "> typed") {
      screen = Screen(columns: columns, height: height, isDumb: false)
      shown = TerminalScreen(columns: columns, height: height)
      self.line = line
      shown.write(line.utf8)
    }

    /// As the loop does: the line is taken away, what is composed written, and the line shown again.
    mutating func write(_ body: (inout Screen) -> String) {
      shown.write("\r\u{1b}[K".utf8)
      shown.write(body(&screen).utf8)
      shown.write(line.utf8)
    }
  }

  private func row(_ text: String, _ marks: UInt64? = nil) -> ChatRenderer.Row {
    ChatRenderer.Row(text, marks: marks.map(id))
  }

  @Test("rows come above the line, and the terminal wraps lines as before")
  func rows() {
    var terminal = Terminal(columns: 20, height: 5)
    terminal.write { $0.compose([row("one"), row("two")]) }
    #expect(terminal.shown.lines == ["one", "two", "> typed"])
    terminal.write { $0.compose((3...8).map { row("row \($0)") }) }
    #expect(terminal.shown.lines == ["row 5", "row 6", "row 7", "row 8", "> typed"])
    #expect(terminal.shown.wrapsLines)
    #expect(terminal.shown.unknown == [])
  }

  @Test("a row that is wider than was thought takes no second one")
  func tooWide() {
    var terminal = Terminal(columns: 10, height: 5)
    terminal.write { $0.compose([row("0123456789abc"), row("next")]) }
    #expect(terminal.shown.lines.count == 3)
    #expect(terminal.shown.lines[1] == "next")
  }

  @Test("a mark is changed where it stands, as long as it is on the screen")
  func marks() {
    var terminal = Terminal(columns: 30, height: 6)
    terminal.write { $0.compose([row("00:00 ~  me: one", 1), row("         other")]) }
    terminal.write { $0.remark(id(1), "✓ ", isLast: false, lineRows: 1) ?? "gone" }
    #expect(terminal.shown.lines == ["00:00 ✓  me: one", "         other", "> typed"])
    terminal.write { screen in screen.compose((1...3).map { row("         row \($0)") }) }
    terminal.write { $0.remark(id(1), "✓✓", isLast: true, lineRows: 1) ?? "gone" }
    #expect(terminal.shown.lines.first == "00:00 ✓✓ me: one")
    // The last change was told: nothing is known of it any more.
    #expect(terminal.screen.remark(id(1), "✓✓", isLast: true, lineRows: 1) == nil)
    #expect(terminal.shown.unknown == [])
  }

  @Test("a mark that has scrolled away, or whose place isn't known any more, is out of reach")
  func lostMarks() {
    var terminal = Terminal(columns: 30, height: 4)
    terminal.write { $0.compose([row("00:00 ~  me: one", 1), row("a"), row("b")]) }
    #expect(terminal.screen.remark(id(1), "✓ ", isLast: false, lineRows: 1) != nil)
    // A line of two rows leaves room for two above it.
    #expect(terminal.screen.remark(id(1), "✓ ", isLast: false, lineRows: 2) == nil)
    // One that was tall has the prompt stand where it stood, until rows have come between.
    terminal = Terminal(columns: 30, height: 4)
    terminal.write { $0.compose([row("00:00 ~  me: one", 1), row("a")]) }
    terminal.screen.lineIs(3)
    terminal.screen.lineIs(1)
    var tall = terminal.screen
    #expect(tall.remark(id(1), "✓ ", isLast: false, lineRows: 1) == nil)
    terminal.write { $0.compose([row("b")]) }
    #expect(terminal.screen.remark(id(1), "✓ ", isLast: false, lineRows: 1) == nil)
    terminal.write { $0.compose([row("00:00 ~  me: two", 2)]) }
    #expect(terminal.screen.remark(id(2), "✓ ", isLast: false, lineRows: 1) != nil)
    terminal.screen.resized(columns: 40, height: 4)
    #expect(terminal.screen.remark(id(2), "✓ ", isLast: false, lineRows: 1) == nil)
  }

  @Test("bars stand between the rows and the line, and go when they are over")
  func bars() {
    var terminal = Terminal(columns: 30, height: 10)
    terminal.write { screen in
      screen.setBar(1, ProgressBar(name: "a", done: 1, total: 2))
      return screen.compose([row("one")])
    }
    #expect(terminal.shown.lines.count == 3)
    #expect(terminal.shown.lines[0] == "one")
    #expect(terminal.shown.lines[1].hasPrefix("a "))
    terminal.write { $0.compose([row("00:00 ~  me: two", 2)]) }
    #expect(terminal.shown.lines[1] == "00:00 ~  me: two")
    #expect(terminal.shown.lines[2].hasPrefix("a "))
    terminal.write { $0.remark(id(2), "✓✓", isLast: true, lineRows: 1) ?? "gone" }
    #expect(terminal.shown.lines[1] == "00:00 ✓✓ me: two")
    terminal.write { screen in
      screen.setBar(1, nil)
      return screen.compose([])
    }
    #expect(terminal.shown.lines == ["one", "00:00 ✓✓ me: two", "> typed"])
    #expect(!terminal.screen.hasBars)
  }

  @Test("a dumb terminal gets rows alone")
  func dumb() {
    var screen = Screen(columns: 30, height: 10, isDumb: true)
    screen.setBar(1, ProgressBar(name: "a", done: 1, total: 2))
    #expect(screen.compose([row("one", 1), row("two")]) == "one\r\ntwo\r\n")
    #expect(screen.remark(id(1), "✓ ", isLast: false, lineRows: 1) == nil)
  }
}

@Suite struct LineHistoryTests {
  @Test("entries come back as they were, newlines and backslashes too")
  func entries() {
    for entry in ["plain", "two\nlines", "back\\slash", "\\n", "\\\\n\n", "", "你好", "ends\\"] {
      #expect(LineHistory.entry(String(LineHistory.line(entry).dropLast())) == entry)
      #expect(LineHistory.line(entry).filter { $0 == "\n" }.count == 1)
    }
  }

  @Test("a hub's name leads nowhere else")
  func names() {
    #expect(LineHistory.fileName("127.0.0.1:6789") == "127.0.0.1:6789.history")
    #expect(LineHistory.fileName("[::1]:6789") == "[::1]:6789.history")
    #expect(LineHistory.fileName("../../etc/passwd") == "..%2f..%2fetc%2fpasswd.history")
  }

  @Test("the newest thousand are kept, in a file for its owner alone, and long ones not at all")
  func bounds() throws {
    let folder = try TemporaryFolder()
    var history = LineHistory(directory: folder.path + "/history", hub: "hub")
    #expect(history.load() == [])
    for number in 1...1_100 { history.add("entry \(number)") }
    history.add(String(repeating: "x", count: 10_000))
    #expect(try folder.mode("history/hub.history") == 0o600)
    let entries = history.load()
    #expect(entries.count == 1_000)
    #expect(entries.first == "entry 101")
    #expect(entries.last == "entry 1100")
    #expect(try folder.read("history/hub.history").split(separator: "\n").count == 1_000)
    #expect(try folder.mode("history/hub.history") == 0o600)
  }
}

@Suite struct PathsTests {
  @Test("a folder's entries are listed, and which are folders")
  func entries() throws {
    let folder = try TemporaryFolder()
    try folder.makeDirectory("sub")
    try folder.write("x", to: "file")
    let entries = Paths.entries(of: folder.path).sorted { $0.name < $1.name }
    #expect(entries == [.init(name: "file", isFolder: false), .init(name: "sub", isFolder: true)])
    #expect(Paths.entries(of: folder.path + "/nothing") == [])
    #expect(Paths.expanded("a/~") == "a/~")
    #expect(Paths.expanded("~x") == "~x")
  }
}
