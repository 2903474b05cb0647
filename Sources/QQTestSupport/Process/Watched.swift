import Synchronization

/// State that threads change and tasks wait on, without polling.
public final class Watched<State: Sendable>: Sendable {
  private struct Inside {
    var state: State
    var version = 0
    var nextWaiter = 0
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
  }

  private let inside: Mutex<Inside>

  public init(_ state: State) {
    inside = Mutex(Inside(state: state))
  }

  /// On any thread; whoever waits looks again.
  public func update<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
    let (result, waiters) = inside.withLock { inside in
      let result = body(&inside.state)
      inside.version += 1
      defer { inside.waiters = [:] }
      return (result, Array(inside.waiters.values))
    }
    for waiter in waiters { waiter.resume() }
    return result
  }

  public func read<Result: Sendable>(_ body: (borrowing State) -> Result) -> Result {
    inside.withLock { body($0.state) }
  }

  /// What `body` makes of the state as soon as that is something; nil when the time is up. It may take what it gives
  /// out of the state.
  public func first<Result: Sendable>(within limit: Duration, _ body: (inout State) -> Result?) async -> Result? {
    let end = ContinuousClock.now + limit
    while true {
      let (result, version) = inside.withLock { inside in (body(&inside.state), inside.version) }
      if let result { return result }
      if ContinuousClock.now >= end { return nil }
      await change(after: version, end)
    }
  }

  private func change(after version: Int, _ end: ContinuousClock.Instant) async {
    var timer: Task<Void, Never>?
    await withCheckedContinuation { waiter in
      let number: Int? = inside.withLock { inside in
        guard inside.version == version else { return nil }
        inside.nextWaiter += 1
        inside.waiters[inside.nextWaiter] = waiter
        return inside.nextWaiter
      }
      guard let number else { return waiter.resume() }
      timer = Task {
        try? await Task.sleep(until: end, clock: .continuous)
        self.inside.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
      }
    }
    timer?.cancel()
  }
}
