import QQClient
import QQProtocol

/// Sends what a request says and prints what became of it.
struct SendRun: Sendable {
  let request: SendRequest

  init(_ request: SendRequest) {
    self.request = request
  }

  func run() async throws {
    let settings = try CommandContext(request.common)
    let isStream = request.isStream
    let source = MessageSource(
      targets: request.targets, aliases: settings.aliases, key: request.key, replyTo: request.replyTo)
    // What is wrong with the one message is told before a hub is looked for.
    let single = isStream ? nil : try source.message(try await singleText())
    let context = try await settings.located(for: request.targets)
    let limit = context.timeout ?? (isStream ? 60_000 : 10_000)
    let report = SendReport(context)
    let sender = Sender(
      try context.link(within: min(limit, 60_000)),
      outbox: Outbox(wantsReceipts: request.wait == .delivered, lastSeen: request.lastSeen),
      report: { try report.take($0) }, notice: { context.note($0) })

    if let single {
      await sender.submit(single)
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

  private func singleText() async throws -> [UInt8] {
    if case .text(let text) = request.input { return Array(text.utf8) }
    return try await Self.readText()
  }

  /// All of standard input. The newline that ends a text file isn't part of the message; a command that printed nothing
  /// has nothing to say.
  private static func readText() async throws -> [UInt8] {
    let bytes = try await StandardInput().readAll(
      limit: ProtocolLimits.text,
      tooLong:
        "standard input is longer than a message may be (\(ProtocolLimits.text) bytes): --lines sends a message a line")
    guard !bytes.isEmpty else {
      throw CommandFailure(
        .data, "standard input is empty, so nothing was sent (qq send TARGETS \"\" sends an empty text)")
    }
    return bytes.last == UInt8(ascii: "\n") ? Array(bytes.dropLast()) : bytes
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
        request.input == .objects
        ? try source.object(line.bytes, number: line.number) : try source.line(line.bytes, number: line.number)
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
      for hint in retryHints(unanswered) { context.output.complain(hint) }
    }
    guard error is SendTimeout else { throw error }
    if isStored, !unanswered.isEmpty {
      throw CommandFailure(
        .temporary, "stored, but not delivered in time to \(missing.joined(separator: ", ")): it is kept for them")
    }
    throw CommandFailure(.temporary, "the hub at \(context.endpoint) did not confirm in time")
  }

  /// How to send again what may or may not have arrived, without sending anything twice.
  func retryHints(_ unanswered: [OutgoingMessage]) -> [String] {
    guard request.isStream else { return unanswered.map { "not confirmed: retry with --id \($0.id)" } }
    let numbers = unanswered.compactMap(\.line)
    guard let first = numbers.first, let last = numbers.last else { return [] }
    let place = first == last ? "line \(first)" : "lines \(first) to \(last)"
    if request.input == .lines {
      return [
        request.key.map { "not confirmed: \(place). The same input under the same --id \($0) sends nothing twice" }
          ?? "not confirmed: \(place). A stream that was sent with --id KEY can be sent again, and nothing arrives twice"
      ]
    }
    let shown = unanswered.prefix(20).map { "not confirmed: line \($0.line ?? 0): retry it with \"id\":\"\($0.id)\"" }
    return unanswered.count > 20
      ? shown + ["not confirmed: and \(unanswered.count - 20) more, up to line \(last)"] : shown
  }
}

struct SendTimeout: Error {}
