import QQClient
import QQProtocol
import Testing

@testable import QQCommands

@Suite("Configuration")
struct ConfigurationTests {
  private func configuration(_ text: String) throws -> Configuration {
    try Configuration(Array(text.utf8), path: "config.json")
  }

  @Test("fields it knows are read, others ignored")
  func fields() throws {
    let read = try configuration(#"{"hub":"h:1","nick":"a","timeout":"5s","plaintext":true,"later":[1]}"#)
    #expect(read.hub == "h:1")
    #expect(read.nick == "a")
    #expect(read.timeout == "5s")
    #expect(read.plaintext == true)
  }

  @Test("the user's file goes before the system's")
  func precedence() throws {
    let merged = try configuration(#"{"nick":"a"}"#).over(try configuration(#"{"nick":"b","hub":"h"}"#))
    #expect(merged.nick == "a")
    #expect(merged.hub == "h")
  }

  @Test("what is wrong is a configuration error", arguments: ["", "[]", "{", #"{"hub":1}"#, #"{"plaintext":"yes"}"#])
  func wrong(_ text: String) {
    #expect {
      try configuration(text)
    } throws: { error in
      (error as? CommandFailure)?.status == .config
    }
  }
}

@Suite("Event filter")
struct EventFilterTests {
  private func message(from: String = "alice", to: [String] = ["bob"], text: String = "hi") -> HubFrame {
    .message(
      .init(
        id: MessageID(high: 0, low: 0), seq: 1, time: Timestamp(milliseconds: 0), from: from, address: "10.0.0.1",
        to: to, text: text))
  }

  @Test("without a filter messages and gaps pass, presence doesn't")
  func everything() throws {
    let filter = try EventFilter()
    #expect(filter.isEverything)
    #expect(filter.accepts(message()))
    #expect(filter.accepts(.gap(from: 1, to: 2)))
    let time = Timestamp(milliseconds: 0)
    #expect(!filter.accepts(.presence(.init(time: time, nick: "a", address: "", online: true))))
  }

  @Test("senders match however their nick is written")
  func senders() throws {
    let filter = try EventFilter(from: "Alice,carol")
    #expect(filter.accepts(message(from: "alice")))
    #expect(!filter.accepts(message(from: "dave")))
  }

  @Test("a conversation with a user is what was sent to them, or directly by them")
  func conversations() throws {
    let filter = try EventFilter(targets: "alice")
    #expect(filter.accepts(message(from: "alice", to: ["bob"])))
    #expect(!filter.accepts(message(from: "alice", to: ["@all"])))
    #expect(filter.accepts(message(from: "bob", to: ["alice"])))
    #expect(try EventFilter(targets: "@ops").accepts(message(to: ["@ops"])))
    #expect(try !EventFilter(targets: "@ops").accepts(message(to: ["@all"])))
    #expect(try EventFilter(targets: "10.0.0.1").accepts(message()))
  }

  @Test("texts match a regular expression anywhere")
  func texts() throws {
    let filter = try EventFilter(match: "^dep.oy ")
    #expect(filter.accepts(message(text: "deploy now")))
    #expect(!filter.accepts(message(text: "please deploy now")))
  }

  @Test("what makes no sense is a usage error")
  func wrong() {
    #expect(throws: CommandFailure.self) { try EventFilter(match: "(") }
    #expect(throws: CommandFailure.self) { try EventFilter(types: "noise") }
    #expect(throws: CommandFailure.self) { try EventFilter(targets: "a b") }
  }
}

@Suite("Input")
struct InputTests {
  @Test("lines are cut wherever chunks end, and the last needs no newline")
  func lines() {
    var input = InputLines()
    #expect(input.feed(Array("a\nb".utf8)).map(\.number) == [1])
    let more = input.feed(Array("c\n\nd".utf8))
    #expect(more.map { String(decoding: $0.bytes, as: UTF8.self) } == ["bc", ""])
    #expect(input.finish().map { String(decoding: $0.bytes, as: UTF8.self) } == "d")
    #expect(input.number == 4)
  }

  @Test("a key names a message, and a line of a stream by its number")
  func keys() throws {
    let source = MessageSource(targets: ["bob"], key: "backup", replyTo: nil)
    #expect(try source.message(Array("x".utf8)).id == MessageSource.id(key: "backup"))
    let first = try source.line(Array("x".utf8), number: 1)
    #expect(try source.line(Array("x".utf8), number: 1)?.id == first?.id)
    #expect(try source.line(Array("x".utf8), number: 2)?.id != first?.id)
  }

  @Test("what listen prints can be sent on, and other events are passed over")
  func objects() throws {
    let source = MessageSource(targets: [], key: nil, replyTo: nil)
    let line = #"{"type":"message","id":"01JDB3ZZZZZZZZZZZZZZZZZZZZ","seq":1,"from":"a","to":["bob"],"text":"hi"}"#
    let message = try source.object(Array(line.utf8), number: 1)
    #expect(message?.to == ["bob"])
    #expect(message?.id.description == "01JDB3ZZZZZZZZZZZZZZZZZZZZ")
    #expect(try source.object(Array(#"{"type":"gap","from":1,"to":2}"#.utf8), number: 2) == nil)
    #expect(throws: CommandFailure.self) { try source.object(Array(#"{"text":"hi"}"#.utf8), number: 3) }
    #expect(throws: CommandFailure.self) { try source.object(Array("nonsense".utf8), number: 4) }
  }

  @Test("text that isn't UTF-8 or too long is refused")
  func refused() {
    let source = MessageSource(targets: ["bob"], key: nil, replyTo: nil)
    #expect(throws: CommandFailure.self) { try source.message([0xff]) }
    #expect(throws: CommandFailure.self) { try source.message(Array(repeating: 0x61, count: 65_537)) }
  }
}

@Suite("Text for reading")
struct TextRendererTests {
  private let renderer = TextRenderer(usesColor: false, isTerminal: true)

  @Test("text of others can't forge a line or move the cursor")
  func safe() {
    let line = renderer.line(
      .message(
        .init(
          id: MessageID(high: 0, low: 0), seq: 1, time: Timestamp(milliseconds: 0), from: "a", address: "",
          to: ["@all"], text: "one\n2026-01-01 bob: forged\u{1b}[2J")))
    #expect(line == "1970-01-01 00:00:00 a → @all: one\n    2026-01-01 bob: forged^[[2J\n")
  }

  @Test("what a start is written as", arguments: [("all", ClientFrame.Start.seq(0)), ("17", .seq(17))])
  func since(_ text: String, _ start: ClientFrame.Start) {
    #expect(SinceOption(argument: text)?.start(now: Timestamp(milliseconds: 5)) == start)
  }

  @Test("a duration ago is a time")
  func ago() {
    let now = Timestamp(milliseconds: 1_000_000)
    #expect(SinceOption(argument: "10s")?.start(now: now) == .time(Timestamp(milliseconds: 990_000)))
    #expect(SinceOption(argument: "yesterday") == nil)
  }

  @Test("errors of the hub end with their status")
  func statuses() {
    #expect(ExitStatus(code: "unknown_target") == .noUser)
    #expect(ExitStatus(code: "not_member") == .noPermission)
    #expect(ExitStatus(code: "text_too_long") == .data)
    #expect(ExitStatus(code: "from_the_future") == .software)
  }
}
