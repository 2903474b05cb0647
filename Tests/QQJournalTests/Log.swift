import Synchronization

/// What happened, in its order.
final class Log: Sendable {
  private let state = Mutex<[String]>([])

  func add(_ line: String) {
    state.withLock { $0.append(line) }
  }

  var lines: [String] { state.withLock { $0 } }
}
