import QQClient
import QQProtocol
import Synchronization

/// Takes events from a listener, filters and prints them or runs a command for each, and says when it has had enough.
final class EventSink: Sendable {
  private let output: Output
  private let filter: EventFilter
  private let count: Int?
  private let runner: CommandRunner?
  private let state = Mutex((shown: 0, isBusy: true, lastEvent: ContinuousClock.now))

  private let offered: @Sendable (HubFrame.File) -> Void
  private let completed: @Sendable (HubFrame.Complete) -> Void
  private let above: @Sendable (() throws -> Void) throws -> Void

  /// `offered` is told of every file that passes the filter, once its line is written, `completed` of every file that the
  /// hub has all of, whatever the filter; `above` writes lines where bars
  /// may stand.
  init(
    _ output: Output, filter: EventFilter, count: Int?, runner: CommandRunner?,
    offered: @escaping @Sendable (HubFrame.File) -> Void = { _ in },
    completed: @escaping @Sendable (HubFrame.Complete) -> Void = { _ in },
    above: @escaping @Sendable (() throws -> Void) throws -> Void = { try $0() }
  ) {
    self.offered = offered
    self.completed = completed
    self.above = above
    self.output = output
    self.filter = filter
    self.count = count
    self.runner = runner
  }

  var shown: Int { state.withLock(\.shown) }

  /// What is unread is about to come.
  func begin() {
    state.withLock { state in
      state.isBusy = false
      state.lastEvent = .now
    }
  }

  /// An event counts as processed when its line was written, or its command has succeeded.
  func take(_ batch: [HubLine]) async throws -> (processed: Int, verdict: Listener.Verdict) {
    var wanted: [HubLine] = []
    var processed = 0
    let left = count.map { $0 - shown } ?? .max
    for line in batch {
      if let frame = line.frame, filter.accepts(frame) {
        wanted.append(line)
      }
      processed += 1
      // After a command each event is acknowledged by itself: the one after it may fail.
      if wanted.count == left || runner != nil && !wanted.isEmpty { break }
    }
    state.withLock { $0.isBusy = true }
    if let runner {
      for line in wanted { try await runner.run(line) }
    } else {
      try above { try output.show(wanted) }
    }
    for line in wanted { if case .file(let file)? = line.frame { offered(file) } }
    for line in batch.prefix(processed) { if case .complete(let complete)? = line.frame { completed(complete) } }
    let total = state.withLock { state in
      state.shown += wanted.count
      state.isBusy = false
      if !wanted.isEmpty { state.lastEvent = .now }
      return state.shown
    }
    return (processed, count.map { total >= $0 } == true ? .enough : .goOn)
  }

  /// Returns false once nothing has come for so long.
  func waitUntilIdle(_ milliseconds: Int64) async throws -> Bool {
    while true {
      // Connecting takes what it takes, and so does a command, or whoever reads what is printed.
      let end = state.withLock { $0.isBusy ? .now : $0.lastEvent } + .milliseconds(milliseconds)
      if ContinuousClock.now >= end { return false }
      try await Task.sleep(until: end, clock: .continuous)
    }
  }
}
