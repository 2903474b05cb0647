import Testing

@testable import QQChat

@Suite struct ChatInputTests {
  @Test(
    "a line is a text, or a command and what it is about",
    arguments: [
      ("hello", .text("hello")), ("//tmp is full", .text("/tmp is full")), (" /quit", .text(" /quit")),
      ("", .nothing), ("  \t", .nothing), ("two\nlines", .text("two\nlines")),
      ("/to bob", .to(["bob"])), ("/to bob, @ops", .to(["bob", "@ops"])), ("/TO bob", .to(["bob"])),
      ("/msg bob hi  there ", .message(["bob"], "hi  there ")), ("/m bob x", .message(["bob"], "x")),
      ("/msg bob,@ops two\nlines", .message(["bob", "@ops"], "two\nlines")),
      ("/msg bob /quit", .message(["bob"], "/quit")),
      ("/file bob report.pdf", .file(["bob"], path: "report.pdf")),
      ("/file bob my report.pdf ", .file(["bob"], path: "my report.pdf")),
      ("/file bob my\\ report.pdf", .file(["bob"], path: "my report.pdf")),
      ("/file bob \"my report.pdf\"", .file(["bob"], path: "my report.pdf")),
      ("/file bob 'it''s'", .file(["bob"], path: "it''s")),
      ("/get", .get("", folder: nil)), ("/get 3", .get("3", folder: nil)), ("/get 3 ~/in", .get("3", folder: "~/in")),
      ("/who", .who(.online)), ("/who all", .who(.all)), ("/who @ops", .who(.group("@ops"))),
      ("/nick 爱丽丝", .nick("爱丽丝")), ("/join ops", .join("@ops")), ("/join @ops", .join("@ops")),
      ("/leave", .leave(nil)), ("/leave ops", .leave("@ops")),
      ("/history", .history(target: nil, count: 20)), ("/history 50", .history(target: nil, count: 50)),
      ("/history bob", .history(target: "bob", count: 20)),
      ("/history 10.0.0.1 5", .history(target: "10.0.0.1", count: 5)),
      ("/help", .help), ("/?", .help), ("/quit", .quit), ("/exit", .quit),
    ] as [(String, ChatInput)])
  func lines(_ line: String, _ expected: ChatInput) {
    #expect(ChatInput(line) == expected)
  }

  @Test(
    "what is missing or too much is told with the usage",
    arguments: [
      ("/to", "usage: /to TARGET"), ("/to bob carol", "usage: /to TARGET"), ("/msg bob", "usage: /msg TARGET TEXT"),
      ("/msg bob  ", "usage: /msg TARGET TEXT"), ("/file bob", "usage: /file TARGET PATH"),
      ("/nick", "usage: /nick NAME"),
      ("/nick a b", "usage: /nick NAME"), ("/join", "usage: /join @GROUP"), ("/who bob", "usage: /who [all|@GROUP]"),
      ("/history bob many", "usage: /history [TARGET] [COUNT]"), ("/history 0", "usage: /history [TARGET] [COUNT]"),
      ("/history 99999999999999999999 1", "usage"),
    ])
  func usage(_ line: String, _ expected: String) {
    if expected == "usage" {
      #expect(ChatInput(line) == .history(target: "99999999999999999999", count: 1))
    } else {
      #expect(ChatInput(line) == .fault(expected))
    }
  }

  @Test("an unknown command is told, with the one that was meant")
  func unknown() {
    let rest = ": /help lists them, and a text that begins with / is sent by //"
    #expect(ChatInput("/hepl me") == .fault("there is no command \"/hepl\" (did you mean \"/help\"?)\(rest)"))
    #expect(ChatInput("/usr/bin/qq") == .fault("there is no command \"/usr/bin/qq\"\(rest)"))
    #expect(ChatInput("/") == .fault("there is no command \"/\"\(rest)"))
    let long = String(repeating: "长", count: 30_000)
    #expect(
      ChatInput("/" + long) == .fault("there is no command \"/\(String(repeating: "长", count: 19))…\"\(rest)"))
  }

  @Test("every command is explained, and none is explained that isn't there")
  func help() {
    for command in ChatInput.commands {
      if case .fault(let text) = ChatInput("/\(command.name)") { #expect(text.hasPrefix("usage: /\(command.name)")) }
    }
    #expect(ChatHelp.text.split(separator: "\n").count == ChatInput.commands.count)
  }
}
