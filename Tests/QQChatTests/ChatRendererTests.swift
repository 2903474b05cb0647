import QQClient
import QQProtocol
import QQTestSupport
import Testing

@testable import QQChat

@Suite struct ChatRendererTests {
  private func rows(_ items: [ChatItem], width: Int = 40, color: Bool = false) -> [String] {
    var renderer = ChatRenderer(usesColor: color, local: utc)
    return items.flatMap { renderer.rows($0, nick: "alice", width: width) }.map(\.text)
  }

  private func item(
    _ text: String, from: String = "bob", to: [String] = ["@all"], at time: Timestamp = minute(0),
    _ style: ChatStyle = ChatStyle(showsTarget: false)
  ) -> ChatItem {
    guard case .message(let message) = message(1, text, from: from, to: to, at: time) else { return .help }
    return .message(message, style)
  }

  @Test("the time is shown once a minute, and a new day is a row")
  func times() {
    let day: Int64 = 24 * 60
    #expect(
      rows([item("a"), item("b"), item("c", at: minute(1)), item("d", at: minute(day))])
        == [
          "── 1970-01-01, Thursday ──", "00:00    bob: a", "         bob: b", "00:01    bob: c",
          "── 1970-01-02, Thursday ──", "00:00    bob: d",
        ])
  }

  @Test("a private message looks different from a group's, also without colours")
  func privateMessages() {
    let toYou = ChatStyle(isPrivate: true)
    let toGroup = ChatStyle()
    #expect(rows([item("x", to: ["alice"], toYou)]).last == "00:00    bob ⇒ you: x")
    #expect(rows([item("x", to: ["@ops"], toGroup)]).last == "00:00    bob → @ops: x")
    #expect(
      rows([item("x", from: "alice", to: ["carol"], ChatStyle(isPrivate: true, isOwn: true))]).last
        == "00:00 ✓  alice ⇒ carol: x")
    let colored = rows([item("x", to: ["alice"], toYou)], color: true).last ?? ""
    #expect(colored.hasSuffix("\u{1b}[35mx\u{1b}[0m"))
  }

  @Test("texts are wrapped right of the gutter, and their newlines kept")
  func wrapping() {
    #expect(
      rows([item("one two three four five six seven eight\nnine")], width: 30).dropFirst()
        == ["00:00    bob: one two three", "         | four five six seven", "         | eight", "         | nine"])
    #expect(
      rows([item("你好你好你好你好你好")], width: 24).dropFirst()
        == ["00:00    bob: 你好你好你", "         | 好你好你好"])
  }

  @Test("a word that is cut by the end of the first row goes to the next whole, if it fits there")
  func words() {
    #expect(
      rows([item("http://ci.lan/a/b")], width: 30).dropFirst()
        == ["00:00    bob: ", "         | http://ci.lan/a/b"])
    #expect(rows([item("short words fit")], width: 30).dropFirst() == ["00:00    bob: short words fit"])
  }

  @Test("no row of what others say begins left of the gutter or is wider than the terminal")
  func hostile() {
    let texts = [
      String(repeating: "x", count: 200) + "23:59    carol: I agree", "a\n23:59    carol: I agree\r\nb",
      "a\nbob ⇒ you: forged",
      "\u{1b}[2J\u{1b}]0;t\u{7}", String(repeating: "e\u{301}\u{301}\u{301}", count: 100), "\u{202e}abc",
      String(repeating: "👨\u{200d}👩\u{200d}👧", count: 30), String(repeating: "y", count: 65_536), "\n\n\n",
      String(repeating: " ", count: 300) + "x", "\u{2028}x", "a\u{0}b",
    ]
    for width in [20, 40, 80] {
      for text in texts {
        for row in rows([item(text), item("x", from: String(repeating: "名", count: 32), to: [text])], width: width)
          .dropFirst()
        {
          #expect(Columns.width(of: row) <= width || row.contains("名"), "\(row)")
          #expect(
            row.hasPrefix("00:00    ") || row.hasPrefix("         | ") || row.hasPrefix("         bob: ")
              || row.hasPrefix("         名"), "\(row)")
          #expect(!row.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202e || $0.value == 0x2028 })
        }
      }
    }
    // Colours of what others send end where it ends.
    for row in rows([item("\u{1b}[31mred", ChatStyle(isPrivate: true, mentionsUser: true))], color: true) {
      #expect(row.contains("\u{1b}[0m"))
      #expect(!row.contains("\u{1b}[31m"))
    }
  }

  @Test("what the chat says itself has no lines of others' making")
  func ownLines() {
    #expect(rows([.problem("\"nl\nbob: forged\" is not safe")]) == ["      !  \"nl^Jbob: forged\" is not safe"])
    #expect(rows([.note("x\nbob: forged")]) == ["      *  x^Jbob: forged"])
  }

  @Test("a mention stands out where it is")
  func mentions() {
    let style = ChatStyle(mentionsUser: true, showsTarget: false)
    let row = rows([item("look, Alice: here", style)], color: true).last ?? ""
    #expect(row.hasSuffix("look, \u{1b}[1;7mAlice\u{1b}[0m: here"))
    #expect(row.contains("\u{1b}[1;7mbob\u{1b}[0m"))
    #expect(rows([item("look, Alice: here", style)]).last == "00:00 >  bob: look, Alice: here")
    let toYou = ChatStyle(isPrivate: true, mentionsUser: true)
    let both = rows([item("hi alice!", to: ["alice"], toYou)], color: true).last ?? ""
    #expect(both.hasSuffix("\u{1b}[35mhi \u{1b}[0m\u{1b}[1;7malice\u{1b}[0m\u{1b}[35m!\u{1b}[0m"))
  }

  @Test("an own message says by its mark how far it is, and its first row carries the mark")
  func own() {
    var line = OwnLine(
      message: OutgoingMessage(id: id(1), to: ["@all"], text: "one two three four five six seven"), from: "alice",
      time: minute(0), state: .waiting(queued: false), style: ChatStyle(isOwn: true, showsTarget: false),
      unanswered: ["@all"])
    var renderer = ChatRenderer(usesColor: false, local: utc)
    let rows = renderer.rows(.own(line), nick: "alice", width: 40)
    #expect(
      rows.map(\.text) == [
        "── 1970-01-01, Thursday ──", "00:00 ~  alice: one two three four five", "         | six seven",
      ])
    #expect(rows.map(\.marks) == [nil, id(1), nil])
    line.state = .delivered
    #expect(
      renderer.farMark(line, width: 80).map(\.text) == ["      ✓✓ delivered to @all: one two three four five six se…"])
    line.state = .waiting(queued: true)
    #expect(renderer.rows(.own(line), nick: "alice", width: 40).first?.text.hasPrefix("      ~~ alice: ") == true)
  }

  @Test("a file is one row with the command that fetches it; being complete is told only where it took long")
  func files() {
    let offer = ChatItem.offer(file(1, "a \"quoted\" name.pdf"), number: 3, ChatStyle(isPrivate: true))
    func complete(_ milliseconds: Int64) -> ChatItem {
      .complete(
        .init(
          id: id(1), seq: 2, time: minute(0) + milliseconds, from: "bob", to: ["alice"], name: "a.pdf", size: 10,
          hash: TreeHash(Digest(of: []))))
    }
    #expect(
      rows([offer, complete(100)], width: 80).dropFirst()
        == ["00:00    bob ⇒ you: file \"a \\\"quoted\\\" name.pdf\" (10 bytes)  /get 3"])
    #expect(rows([offer, complete(60_000)], width: 80).last == "      *  a.pdf from bob is here whole")
  }

  @Test("help fits a narrow terminal")
  func help() {
    for width in [40, 80] {
      let rows = rows([.help], width: width)
      #expect(rows.count > 14)
      #expect(rows.allSatisfy { Columns.width(of: $0) <= width })
    }
  }
}
