import Synchronization

/// Whether a kept connection has been welcomed ever, and is lost now.
final class Progress: Sendable {
  private let state = Mutex((ever: false, isLost: false))

  var wasWelcomed: Bool { state.withLock(\.ever) }

  /// True where a lost connection is restored.
  func welcomed() -> Bool {
    state.withLock { state in
      defer { state = (true, false) }
      return state.isLost
    }
  }

  /// True the first time after a welcome.
  func lost() -> Bool {
    state.withLock { state in
      defer { state.isLost = true }
      return !state.isLost
    }
  }
}
