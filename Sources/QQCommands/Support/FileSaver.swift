import QQClient
import QQProtocol
import Synchronization

/// Saves the files that `listen` hears of, several at once, each over a connection of its own, in the order of `SaveQueue`.
final class FileSaver: Sendable {
  private struct State {
    var queue = SaveQueue()
    var steps = 0
    var isFinished = false
  }

  private let context: CommandContext
  private let directory: String
  private let allowance: SaveAllowance
  private let isWanted: @Sendable (HubFrame.File) -> Bool
  private let display: ProgressDisplay
  private let state = Mutex(State())
  /// Something has changed: another file may be begun.
  private let changes: AsyncStream<Void>
  private let changed: AsyncStream<Void>.Continuation

  /// `limit`: bytes that are saved in all; nil any number.
  init(
    _ context: CommandContext, _ settings: OutputSettings, into directory: String, limit: Int64?,
    where isWanted: @escaping @Sendable (HubFrame.File) -> Bool
  ) {
    self.context = context
    self.directory = directory
    self.isWanted = isWanted
    allowance = SaveAllowance(limit: limit)
    display = ProgressDisplay(context.output, settings, .current())
    (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// A file that is wanted was offered; each is saved once in the life of this process.
  func take(_ file: HubFrame.File) {
    if state.withLock({ $0.queue.offered(file) }) { changed.yield() }
  }

  /// The hub has all of a file.
  func take(_ complete: HubFrame.Complete) {
    state.withLock { $0.queue.completed(complete.id) }
    changed.yield()
  }

  /// Nothing is under way, and nothing waits.
  var isIdle: Bool { state.withLock { $0.queue.isEmpty } }

  /// Counts what comes: a file whose sender is away may be under way for ever.
  var steps: Int { state.withLock(\.steps) }

  /// Writes lines above the bars.
  func above(_ body: () throws -> Void) throws {
    try display.above(body)
  }

  /// No more files will come: `run` returns once those that did are saved.
  func finish() {
    state.withLock { $0.isFinished = true }
    changed.yield()
  }

  /// Files that were offered while nobody saved them.
  func askForPending() async throws {
    var after: Int64? = 0
    while let start = after {
      let next = Mutex<Int64?>(nil)
      try await request(context, .files(ref: 1, after: start)) { line in
        switch line.frame {
        case .file(let file):
          if self.isWanted(file) { self.take(file) }
          return false
        case .ok(let ok):
          // A hub that goes back would be asked for ever.
          if ok.more, let seq = ok.seq, seq > start { next.withLock { $0 = seq } }
          return true
        default: return false
        }
      }
      after = state.withLock(\.queue.hasLeftOut) ? nil : next.withLock { $0 }
    }
  }

  private static var now: Int64 { Clock.now.milliseconds }

  func run() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      var timer = Int64.max
      var changes = changes.makeAsyncIterator()
      repeat {
        while let next = state.withLock({ $0.queue.next(now: Self.now) }) {
          group.addTask {
            let outcome = try await self.save(next.file, isComplete: next.isComplete)
            self.state.withLock { $0.queue.ended(next.file.seq, outcome, now: Self.now) }
            self.changed.yield()
          }
        }
        if state.withLock({ $0.queue.takeLeftOut() }) { group.addTask { try? await self.askForPending() } }
        let (isDone, deadline) = state.withLock { ($0.isFinished && $0.queue.isEmpty, $0.queue.deadline) }
        if isDone { break }
        if timer <= Self.now { timer = .max }
        if let deadline, deadline < timer {
          timer = deadline
          group.addTask {
            try await Task.sleep(for: .milliseconds(max(0, deadline - Self.now)))
            self.changed.yield()
          }
        }
      } while await changes.next() != nil
      group.cancelAll()
    }
  }

  /// In milliseconds: without anything coming; and until the first of what may never come does.
  private static let patience: Int64 = 20_000
  private static let patienceForFirst: Int64 = 3_000

  /// Nil where nothing has come for long: its sender may be away.
  private func receive(_ receiver: FileReceiver, isComplete: Bool, _ came: Counter) async throws -> SavedFile? {
    try await withThrowingTaskGroup(of: SavedFile?.self) { group in
      group.addTask { try await receiver.run() }
      group.addTask {
        if !isComplete {
          try await Task.sleep(for: .milliseconds(Self.patienceForFirst))
          if came.value == 0 { return nil }
        }
        try await stillness(Self.patience) { await receiver.steps }
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }

  /// Bytes that have come.
  private final class Counter: Sendable {
    private let count = Mutex<Int64>(0)
    var value: Int64 { count.withLock(\.self) }
    func set(_ value: Int64) { count.withLock { $0 = value } }
  }

  private func save(_ file: HubFrame.File, isComplete: Bool) async throws -> SaveQueue.Outcome {
    var backoff = Backoff(first: 500, limit: 30_000)
    while true {
      let came = Counter()
      let receiver = FileReceiver(
        try context.link(), .seq(file.seq), to: .unasked(folder: directory, allowance),
        report: { file, received in
          self.state.withLock { $0.steps += 1 }
          came.set(received)
          self.display.show(file.id, file.info.name, done: received, total: file.info.size)
        },
        // The listener's own connection says the same.
        notice: { _ in })
      do {
        guard let saved = try await receive(receiver, isComplete: isComplete, came) else { return .silent }
        try display.above { try context.output.show(saved) }
        return .ended
      } catch let error as ClientError where error.isTransient {
        try await Task.sleep(for: .milliseconds(backoff.next(random: Double.random(in: 0..<1))))
      } catch let error as ClientError {
        complain(file, error.message)
        return .ended
      } catch let error as FileError where error.kind == .busy {
        return .ended
      } catch let error as FileError {
        complain(file, error.message)
        return .ended
      }
    }
  }

  private func complain(_ file: HubFrame.File, _ message: String) {
    display.above {
      context.output.complain(
        "not saved: \"\(file.info.name)\" from \(file.from) (id \(file.id)): \(message)")
      guard context.output.isJSON else { return }
      try? context.output.show(.error(.init(code: "not_saved", message: message, id: file.id)))
    }
  }
}
