import QQClient
import QQProtocol
import Synchronization

/// Prints what became of messages, and keeps the status of the first that failed.
final class SendReport: Sendable {
  private let context: CommandContext
  private let first = Mutex(nil as ExitStatus?)

  init(_ context: CommandContext) {
    self.context = context
  }

  var status: ExitStatus? { first.withLock { $0 } }

  func take(_ result: OutboxResult) throws {
    switch result {
    case .sent(let sent): try context.output.show(.sent(sent.forUser))
    case .receipt(let receipt): try context.output.show(.receipt(receipt))
    case .failed(let failure):
      let explained = context.failure(failure)
      refused(explained)
      var shown = failure
      shown.ref = nil
      if context.output.isJSON { try context.output.show(.error(shown)) }
    }
  }

  /// A target, or a line of input, that can't be sent to or sent.
  func refused(_ failure: CommandFailure) {
    if let message = failure.message { context.output.complain(message) }
    first.withLock { status in if status == nil { status = failure.status } }
  }
}

extension HubFrame.Sent {
  /// Without what only the protocol needs.
  var forUser: HubFrame.Sent {
    var sent = self
    sent.ref = nil
    sent.awaiting = nil
    return sent
  }
}
