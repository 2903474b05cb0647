import QQClient
import QQProtocol
import Synchronization

/// Saves the files that `listen` hears of, several at once, each over a connection of its own.
final class FileSaver: Sendable {
  private let context: CommandContext
  private let directory: String
  private let display: ProgressDisplay
  private let offers: AsyncStream<HubFrame.File>
  private let queue: AsyncStream<HubFrame.File>.Continuation
  private let state = Mutex((seen: Set<Int64>(), active: 0, steps: 0))

  /// Files at a time: one whose sender is away holds up none of the others.
  private static let limit = 32

  init(_ context: CommandContext, _ settings: OutputSettings, into directory: String) {
    self.context = context
    self.directory = directory
    display = ProgressDisplay(context.output, settings, .current())
    (offers, queue) = AsyncStream.makeStream(of: HubFrame.File.self)
  }

  /// Each once in the life of this process.
  func take(_ file: HubFrame.File) {
    let isNew = state.withLock { state in
      guard state.seen.insert(file.seq).inserted else { return false }
      state.active += 1
      return true
    }
    if isNew { queue.yield(file) }
  }

  /// Nothing is under way.
  var isIdle: Bool { state.withLock { $0.active == 0 } }

  /// Counts what comes: a file whose sender is away may be under way for ever.
  var steps: Int { state.withLock(\.steps) }

  /// Writes lines above the bars.
  func above(_ body: () throws -> Void) throws {
    try display.above(body)
  }

  /// No more files will come: `run` returns once those that did are saved.
  func finish() {
    queue.finish()
  }

  /// Files that were offered while nobody saved them.
  func askForPending(_ isWanted: @escaping @Sendable (HubFrame.File) -> Bool) async throws {
    var after: Int64? = 0
    while let start = after {
      let next = Mutex<Int64?>(nil)
      try await request(context, .files(ref: 1, after: start)) { line in
        switch line.frame {
        case .file(let file):
          if isWanted(file) { self.take(file) }
          return false
        case .ok(let ok):
          if ok.more { next.withLock { $0 = ok.seq } }
          return true
        default: return false
        }
      }
      after = next.withLock { $0 }
    }
  }

  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var running = 0
      for await file in offers {
        if running >= Self.limit {
          try await group.next()
          running -= 1
        }
        group.addTask { try await self.save(file) }
        running += 1
      }
      try await group.waitForAll()
    }
  }

  /// Nil where nothing has come for long: its sender may be away.
  private static func run(_ receiver: FileReceiver) async throws -> SavedFile? {
    try await withThrowingTaskGroup(of: SavedFile?.self) { group in
      group.addTask { try await receiver.run() }
      group.addTask {
        try await stillness(patience) { await receiver.steps }
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }

  /// In milliseconds: without anything coming, and until it is tried again.
  private static let patience: Int64 = 20_000

  /// Others get their turn meanwhile.
  private func later(_ file: HubFrame.File) {
    state.withLock { $0.active += 1 }
    Task {
      try await Task.sleep(for: .milliseconds(Self.patience))
      queue.yield(file)
    }
  }

  private func save(_ file: HubFrame.File) async throws {
    defer { state.withLock { $0.active -= 1 } }
    var backoff = Backoff(first: 500, limit: 30_000)
    while true {
      let receiver = FileReceiver(
        try context.link(), .seq(file.seq), to: .folder(directory),
        report: { file, received in
          self.state.withLock { $0.steps += 1 }
          self.display.show(file.id, file.info.name, done: received, total: file.info.size)
        },
        // The listener's own connection says the same.
        notice: { _ in })
      do {
        guard let saved = try await Self.run(receiver) else { return later(file) }
        return try display.above { try context.output.show(saved) }
      } catch let error as ClientError where error.isTransient {
        try await Task.sleep(for: .milliseconds(backoff.next(random: Double.random(in: 0..<1))))
      } catch let error as ClientError {
        return complain(file, error.message)
      } catch let error as FileError where error.kind == .busy {
        return
      } catch let error as FileError {
        return complain(file, error.message)
      }
    }
  }

  private func complain(_ file: HubFrame.File, _ message: String) {
    display.above {
      context.output.complain(
        "not saved: \"\(TextSafety.visible(file.info.name))\" from \(file.from) (id \(file.id)): \(message)")
      guard context.output.isJSON else { return }
      try? context.output.show(.error(.init(code: "not_saved", message: message, id: file.id)))
    }
  }
}
