import QQClient
import QQProtocol
import Testing

@testable import QQChat

@Suite struct MentionTests {
  @Test(
    "a nick is named as a word of its own, however it is written",
    arguments: [
      ("bob", true), ("Bob: here", true), ("ask @bob.", true), ("(bob)", true), ("hey BOB!", true), ("no, bob-", true),
      ("bobsled", false), ("bob-2 did", false), ("bob.smith", false), ("thebob", false), ("bo b", false), ("", false),
      ("bob_x", false), ("2bob", false), ("bob,bob", true), ("b\u{301}ob", false), ("对bob说", false),
      ("bob\nnext", true),
    ])
  func mentions(_ text: String, _ isMention: Bool) {
    #expect(Mention.isIn(text, of: "bob") == isMention)
  }

  @Test("every one of them is found")
  func ranges() {
    let text = "bob and Bob, not bobby, bob"
    #expect(Mention.ranges(in: text, of: "bob").map { String(text[$0]) } == ["bob", "Bob", "bob"])
  }
}

@Suite struct CompletionTests {
  private func model() -> ChatModel {
    var model = ChatModel(nick: "alice", targets: ["@all"], hub: "hub")
    _ = model.hear(.welcomed(welcome))
    for (nick, isOnline) in [("bob", true), ("Bonnie", true), ("alice", true), ("zoe", false), ("adam", false)] {
      _ = model.hear(.said(user(nick, online: isOnline, groups: ["@all", "@operators"], ref: -2)))
    }
    _ = model.hear(.said(.ok(.init(ref: -2))))
    _ = model.hear(.live)
    return model
  }

  private func lines(_ before: String, _ model: ChatModel, entries: [Completion.Entry] = []) -> [String] {
    model.completion(before) { _ in entries }.candidates.map(\.line)
  }

  @Test("a nick at the beginning is whom a text is for, elsewhere a word; the own is not completed")
  func nicks() {
    var model = model()
    #expect(lines("bo", model) == ["Bonnie: ", "bob: "])
    #expect(lines("BO", model) == ["Bonnie: ", "bob: "])
    #expect(lines("ask bon", model) == ["ask Bonnie "])
    #expect(lines("two\nbon", model) == ["two\nBonnie "])
    #expect(lines("ali", model) == [])
    #expect(lines("", model) == [])
    #expect(lines("see @o", model) == ["see @operators "])
    // Who has spoken last comes first.
    _ = model.hear(.read(message(1, "x", from: "bob")))
    #expect(lines("bo", model) == ["bob: ", "Bonnie: "])
  }

  @Test("commands, their targets and groups, and files that were offered")
  func commands() {
    var model = model()
    #expect(lines("/m", model) == ["/msg "])
    #expect(lines("/h", model) == ["/history ", "/help "])
    #expect(lines("/msg bo", model) == ["/msg Bonnie ", "/msg bob "])
    #expect(lines("/msg bob b", model) == [])
    #expect(lines("/to bob,z", model) == ["/to bob,zoe"])
    #expect(lines("/to 10", model) == ["/to 10.0.0.2"])
    #expect(lines("/join @", model) == ["/join @operators"])
    #expect(lines("/who a", model) == ["/who all"])
    #expect(lines("/nick b", model) == [])
    #expect(lines("//m", model) == [])
    _ = model.hear(.read(.file(file(5))))
    _ = model.hear(.read(.file(file(6))))
    #expect(lines("/get ", model) == ["/get 2", "/get 1"])
  }

  @Test("a path is the rest of the line, spaces and all; what can't be typed isn't offered")
  func paths() {
    let entries = [
      Completion.Entry(name: "my papers", isFolder: true), .init(name: "my file.txt", isFolder: false),
      .init(name: ".hidden", isFolder: false), .init(name: "my\u{1b}[2J", isFolder: false),
    ]
    let model = model()
    #expect(
      lines("/file bob ~/d/m", model, entries: entries) == ["/file bob ~/d/my file.txt", "/file bob ~/d/my papers/"])
    #expect(lines("/file bob .h", model, entries: entries) == ["/file bob .hidden"])
    #expect(lines("/file bob my f", model, entries: entries) == ["/file bob my file.txt"])
    #expect(lines("/get 1 m", model, entries: entries) == ["/get 1 my papers/"])
    var asked: [String] = []
    _ = model.completion("/file bob a/b c/d") { folder in
      asked.append(folder)
      return []
    }
    #expect(asked == ["a/b c/"])
  }

  @Test("candidates are listed by what tells them apart, in as many columns as fit")
  func labels() {
    #expect(Labels.rows(["aa", "b", "cc"], width: 20) == ["         aa  b   ", "         cc  "])
    #expect(Labels.rows((0..<150).map { "\($0)" }, width: 79).last == "         … and 50 more")
  }
}
