import ArgumentParser
import QQClient
import QQProtocol

/// How far a message must have come before its sender is done.
enum WaitLevel: String, ExpressibleByArgument, CaseIterable, Sendable {
  case stored
  case delivered
}

struct Send: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send", abstract: "Send a message, or a stream of them.",
    discussion: """
      TARGETS are nicks, addresses and @groups, joined by commas; @all is everybody. Without TEXT all of standard \
      input is one message. Exits with 0 once the hub has stored the message for every target, with --wait delivered \
      once everybody's reader has it. A TEXT that may look like an option comes after "--".
      """)

  @OptionGroup var options: GlobalOptions

  @Flag(help: "Send each line of standard input as a message, as it comes.")
  var lines = false

  @Flag(help: "Send each object of standard input: to, text, and optionally id and reply_to.")
  var jsonl = false

  @Option(help: .init("When a message counts as sent.", valueName: "stored|delivered"))
  var wait: WaitLevel = .stored

  @Option(help: .init("Names this message: sending again under the same key is harmless.", valueName: "key"))
  var id: String?

  @Option(help: .init("The id of the message this one answers.", valueName: "id"))
  var replyTo: String?

  @Flag(help: "An address where nobody is online stands for whoever was last seen there.")
  var lastSeen = false

  @Argument(
    help: .init("Whom to send to: nicks, addresses, @groups, joined by commas.", valueName: "targets"),
    completion: LiveCompletion.targets)
  var targets: String?

  @Argument(help: "The text. Words are joined by spaces.")
  var text: [String] = []

  func validate() throws {
    if lines && jsonl { throw ValidationError("--lines and --jsonl exclude each other") }
    if (lines || jsonl) && !text.isEmpty { throw ValidationError("TEXT and a stream exclude each other") }
    if targets == nil && !jsonl { throw ValidationError("TARGETS are missing: a nick, an address or a @group") }
    if let targets, Target.split(targets).isEmpty { throw ValidationError("TARGETS name nobody") }
    if let replyTo, MessageID(replyTo) == nil { throw ValidationError("--reply-to takes a message's id") }
    if jsonl && id != nil { throw ValidationError("--id and --jsonl exclude each other: give each object its id") }
  }

  func run() async throws {
    try await SendRun(try request()).run()
  }

  func request() throws -> SendRequest {
    var request = SendRequest()
    request.common = options.settings
    if lines {
      request.input = .lines
    } else if jsonl {
      request.input = .objects
    } else if !text.isEmpty {
      request.input = .text(text.map(Arguments.plain).joined(separator: " "))
    }
    request.wait = wait
    request.key = id.map(Arguments.plain)
    request.replyTo = replyTo.flatMap { MessageID($0) }
    request.lastSeen = lastSeen
    request.targets = targets.map { Target.split(Arguments.plain($0)) } ?? []
    return request
  }
}
