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
    abstract: "Send a message, or a stream of them.",
    discussion: """
      TARGETS are nicks, addresses and @groups, joined by commas; @all is everybody. Without TEXT all of standard \
      input is one message. Exits with 0 once the hub has stored the message for every target, with --wait delivered \
      once everybody's reader has it. A TEXT that may begin with "-" comes after "--".
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

  @Argument(help: .init("Whom to send to: nicks, addresses, @groups, joined by commas.", valueName: "targets"))
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
    let context = try CommandContext(options)
    let isStream = lines || jsonl
    let source = MessageSource(
      targets: targets.map(Target.split) ?? [], key: id, replyTo: replyTo.flatMap { MessageID($0) })
    let limit = context.timeout ?? (isStream ? 60_000 : 10_000)
    let report = SendReport(context)
    let sender = Sender(
      try context.link(within: min(limit, 60_000)),
      outbox: Outbox(wantsReceipts: wait == .delivered, lastSeen: lastSeen),
      report: { try report.take($0) }, notice: { context.note($0) })

    // What is wrong with the one message is told before anybody is connected to.
    if !isStream {
      let bytes =
        text.isEmpty
        ? try await StandardInput().readAll(limit: ProtocolLimits.text) : Array(text.joined(separator: " ").utf8)
      await sender.submit(try source.message(Self.withoutFinalNewline(bytes, isTyped: !text.isEmpty)))
      await sender.finishInput()
    }
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await sender.run() }
        if isStream { group.addTask { try await feed(sender, source, report) } }
        group.addTask { try await Self.watch(sender, limit: limit, isStream: isStream) }
        // The sender is done, or somebody failed; input alone ending is neither.
        while try await group.next() != nil {
          if await sender.isIdle, await sender.isFinished { break }
        }
        group.cancelAll()
      }
    } catch {
      try await giveUp(error, sender, context)
    }
    if let status = report.status { throw CommandFailure(status) }
  }

  /// The newline that ends a text file isn't part of the message.
  private static func withoutFinalNewline(_ bytes: [UInt8], isTyped: Bool) -> [UInt8] {
    !isTyped && bytes.last == UInt8(ascii: "\n") ? Array(bytes.dropLast()) : bytes
  }

  private func feed(_ sender: Sender, _ source: MessageSource, _ report: SendReport) async throws {
    var input = InputLines()
    let standardInput = StandardInput()
    while let chunk = try await standardInput.read() {
      for line in input.feed(chunk) {
        try Task.checkCancellation()
        await submit(line, sender, source, report)
      }
    }
    if let line = input.finish() { await submit(line, sender, source, report) }
    await sender.finishInput()
  }

  private func submit(
    _ line: (number: Int, bytes: [UInt8]), _ sender: Sender, _ source: MessageSource, _ report: SendReport
  ) async {
    do {
      let message =
        jsonl ? try source.object(line.bytes, number: line.number) : try source.line(line.bytes, number: line.number)
      if let message { await sender.submit(message) }
    } catch let failure as CommandFailure {
      // One line that can't be sent doesn't stop the stream.
      report.refused(failure)
    } catch {}
  }

  /// Ends with a timeout: for one message when the time is up, for a stream after that long without an answer.
  private static func watch(_ sender: Sender, limit: Int64, isStream: Bool) async throws {
    var answers = -1
    while true {
      try await Task.sleep(for: .milliseconds(limit))
      let now = await sender.answers
      let isIdle = await sender.isIdle
      if !isStream || (now == answers && !isIdle) { throw SendTimeout() }
      answers = now
    }
  }

  private func giveUp(_ error: any Error, _ sender: Sender, _ context: CommandContext) async throws -> Never {
    let unanswered = await sender.unanswered
    let isStored = await sender.isStored
    let missing = await sender.missing
    // Where no connection came about nothing was sent.
    if !unanswered.isEmpty, !isStored, await sender.wasConnected {
      for id in unanswered.prefix(20) { context.output.complain("not confirmed: retry with --id \(id)") }
      if unanswered.count > 20 { context.output.complain("and \(unanswered.count - 20) more not confirmed") }
    }
    guard error is SendTimeout else { throw error }
    if isStored, !unanswered.isEmpty {
      throw CommandFailure(
        .temporary, "stored, but not delivered in time to \(missing.joined(separator: ", ")): it is kept for them")
    }
    throw CommandFailure(.temporary, "the hub at \(context.endpoint) did not confirm in time")
  }
}

struct SendTimeout: Error {}
