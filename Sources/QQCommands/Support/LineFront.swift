import DequeModule
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

  /// Reads on only when the next line is asked for.
  func start(prompt: String, nick: String) throws -> AsyncStream<ChatInputEvent> {
    let lines = LineSource()
    let output = output
    return AsyncStream {
      do {
        return try await lines.next().map(ChatInputEvent.line)
      } catch let failure as CommandFailure {
        if let message = failure.message { output.complain(message) }
        await lines.end()
        return .failed(failure.status == .data ? .data : .file(.input))
      } catch {
        return nil
      }
    }
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

  func shown() async -> Bool { true }
  func setPrompt(_ prompt: String) {}
  func setNick(_ nick: String) {}
  func progress(_ key: Int, _ bar: ProgressBar?) {}
  func stop() async {}
}

/// Standard input, a line at a time.
private actor LineSource {
  private let input = StandardInput()
  private var lines = InputLines()
  private var ready: Deque<(number: Int, bytes: [UInt8])> = []
  private var isOver = false

  func end() {
    isOver = true
    ready = []
  }

  func next() async throws -> String? {
    while ready.isEmpty, !isOver {
      if let chunk = try await input.read() {
        ready.append(contentsOf: lines.feed(chunk))
      } else {
        isOver = true
        if let last = lines.finish() { ready.append(last) }
      }
    }
    guard let line = ready.popFirst() else { return nil }
    let bytes = line.bytes.last == UInt8(ascii: "\r") ? Array(line.bytes.dropLast()) : line.bytes
    // It was cut where it is kept no longer, be it within a character; it is refused for its length.
    if bytes.count > ProtocolLimits.line { return String(decoding: bytes, as: UTF8.self) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure(.data, "line \(line.number) is not valid UTF-8: reading no further")
    }
    return text
  }
}
