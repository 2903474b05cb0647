import QQChat
import QQClient
import QQProtocol

/// A chat without a terminal: lines come from standard input, and what is said goes to standard output as from any other
/// command. What is only for a person's eyes isn't shown.
final class LineFront: ChatFront {
  let isInteractive = false
  private let output: Output

  init(_ output: Output) {
    self.output = output
  }

  func start(prompt: String, nick: String) throws -> AsyncStream<ChatInputEvent> {
    let (stream, continuation) = AsyncStream.makeStream(of: ChatInputEvent.self)
    Task {
      do {
        try await Self.read { continuation.yield(.line($0)) }
        continuation.yield(.end)
      } catch let failure as CommandFailure {
        if let message = failure.message { output.complain(message) }
        continuation.yield(.failed(failure.status == .data ? .data : .file(.input)))
      } catch {}
      continuation.finish()
    }
    return stream
  }

  private static func read(_ take: (String) -> Void) async throws {
    // A line that is too long for a message is refused as such, not cut.
    var lines = InputLines()
    let standardInput = StandardInput()
    func give(_ line: (number: Int, bytes: [UInt8])) throws {
      let bytes = line.bytes.last == UInt8(ascii: "\r") ? Array(line.bytes.dropLast()) : line.bytes
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CommandFailure(.data, "line \(line.number) is not valid UTF-8: reading no further")
      }
      take(text)
    }
    while let chunk = try await standardInput.read() {
      for line in lines.feed(chunk) { try give(line) }
    }
    if let line = lines.finish() { try give(line) }
  }

  func show(_ items: [ChatItem], ring: Bool) throws {
    for item in items { try show(item) }
  }

  private func show(_ item: ChatItem) throws {
    switch item {
    case .message(let message, _): try output.show(.message(message))
    case .offer(let file, _, _): try output.show(.file(file))
    case .complete(let complete): try output.show(.complete(complete))
    case .presence(let presence): if output.isJSON { try output.show(.presence(presence)) }
    case .gap(let from, let through): try output.show(.gap(from: from, to: through))
    case .user(let user): try output.show(.user(user))
    case .sent(let sent): try output.show(.sent(sent.forUser))
    case .receipt(let receipt): try output.show(.receipt(receipt))
    case .saved(let saved): try output.show(saved)
    case .done(let deed): try output.show(deed)
    case .refused(var failure):
      output.complain(failure.message)
      failure.ref = nil
      if output.isJSON { try output.show(.error(failure)) }
    case .problem(let text): output.complain(text)
    case .note(let text): output.detail(text)
    case .help: try output.show(text: ChatHelp.text) { _ in }
    case .own, .marked, .unread, .heading, .online: break
    }
  }

  func shown() async {}
  func setPrompt(_ prompt: String) {}
  func setNick(_ nick: String) {}
  func progress(_ key: Int, _ bar: ProgressBar?) {}
  func stop() async {}
}
