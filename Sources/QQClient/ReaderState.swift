import Synchronization

/// A reader that survives its connections.
final class ReaderState: Sendable {
  private let reader: Mutex<Reader>

  init(_ reader: Reader) {
    self.reader = Mutex(reader)
  }

  func with<Result: Sendable>(_ body: (inout Reader) -> Result) -> Result {
    reader.withLock { body(&$0) }
  }
}
