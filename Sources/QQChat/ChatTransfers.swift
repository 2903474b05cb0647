import Glibc
import QQClient
import QQProtocol
import Synchronization

/// The files that come and go during a chat, each on a connection of its own and with a bar of its own.
final class ChatTransfers: Sendable {
  private struct Running: Sendable {
    var task: Task<Void, Never>
    var name: String
  }

  private struct State: Sendable {
    var running: [Int: Running] = [:]
    var next = 1
    var steps = 0
  }

  /// What becomes of a transfer, for the chat.
  enum Outcome: Sendable {
    case item(ChatItem)
    case failed(String, FileError.Kind?)
    case refused(HubFrame.Failure)
  }

  private let services: ChatServices
  private let front: any ChatFront
  private let tell: @Sendable (Outcome) async -> Void
  private let state = Mutex(State())

  init(_ services: ChatServices, _ front: any ChatFront, tell: @escaping @Sendable (Outcome) async -> Void) {
    self.services = services
    self.front = front
    self.tell = tell
  }

  var isEmpty: Bool { state.withLock { $0.running.isEmpty } }

  /// Counts what comes and goes, for whoever waits for it.
  var steps: Int { state.withLock(\.steps) }

  private func stepped() { state.withLock { $0.steps += 1 } }

  /// Their names, the oldest first.
  var names: [String] { state.withLock { state in state.running.sorted { $0.key < $1.key }.map(\.value.name) } }

  /// Ends the one that was begun last and isn't ending already; false where there is none.
  func cancelLast() -> Bool {
    state.withLock { state in
      guard let last = state.running.filter({ !$0.value.task.isCancelled }).max(by: { $0.key < $1.key })
      else { return false }
      last.value.task.cancel()
      return true
    }
  }

  func cancelAll() async {
    let tasks = state.withLock { $0.running.values.map(\.task) }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }

  // MARK: Sending

  func upload(_ path: String, to targets: [String]) {
    let path = Paths.expanded(path)
    begin(path.split(separator: "/").last.map(String.init) ?? path) { key in
      let sender = try self.sender(key, targets)
      let skipped = try await sender.add(OutgoingFile(path: path)) { info, state in
        try self.services.uploadID(OutgoingFile(path: path), targets, info, state)
      }
      for what in skipped { await self.tell(.item(.note("skipped \(what)"))) }
      do {
        try await sender.run()
      } catch {
        if Self.isOver(error) { for file in await sender.unfinished { self.services.forgetUpload(file.id) } }
        throw error
      }
    }
  }

  private func sender(_ key: Int, _ targets: [String]) throws -> FileSender {
    let bar = BarKeeper(front, key)
    return FileSender(
      try services.link(), to: targets, wantsReceipts: false, lastSeen: false,
      report: { event in
        switch event {
        case .started(_, let info): bar.begin(info.name, info.size)
        case .uploaded(_, let bytes):
          self.stepped()
          bar.show(bytes)
        case .stored(let sent, let info, let hash, let size):
          self.services.forgetUpload(sent.id)
          Task { await self.tell(.item(.done(.uploaded(sent, info, size: size, hash)))) }
        case .failed(let failure):
          if let id = failure.id { self.services.forgetUpload(id) }
          Task { await self.tell(.refused(failure)) }
        case .progress, .receipt: break
        }
      },
      // The chat's own connection says the same.
      notice: { _ in })
  }

  /// Nothing can be gone on with.
  private static func isOver(_ error: any Error) -> Bool {
    if let error = error as? FileError { return error.kind == .changed }
    guard case ClientError.refused(_, let failure)? = error as? ClientError else { return false }
    return [ErrorCode.unknownFile, .fileGone].map(\.rawValue).contains(failure.code)
  }

  // MARK: Receiving

  func download(_ key: ClientFrame.FileKey, name: String?, into folder: String?) {
    var folder = folder.map(Paths.expanded) ?? "."
    while folder.utf8.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    let destination = folder
    // As "listen --save" does; where it can't be made, the receiver says why.
    mkdir(destination, 0o777)
    begin(name ?? "the file") { number in
      let bar = BarKeeper(self.front, number)
      let receiver = FileReceiver(
        try self.services.link(), key, to: .folder(destination),
        report: { file, received in
          self.stepped()
          bar.begin(file.info.name, file.info.size, from: received)
          bar.show(received)
        },
        notice: { _ in })
      let saved = try await receiver.run()
      await self.tell(.item(.saved(saved)))
    }
  }

  // MARK: Both

  private func begin(_ name: String, _ body: @escaping @Sendable (Int) async throws -> Void) {
    state.withLock { state in
      let key = state.next
      state.next += 1
      let task = Task {
        do {
          try await body(key)
        } catch {
          let shown = "\"\(name)\""
          if Task.isCancelled || error is CancellationError {
            await tell(.item(.note("\(shown) is cancelled: the same command goes on where it was")))
          } else {
            await tell(.failed("\(shown): \(services.explain(error))", (error as? FileError)?.kind))
          }
        }
        front.progress(key, nil)
        self.state.withLock { _ = $0.running.removeValue(forKey: key) }
      }
      state.running[key] = Running(task: task, name: name)
    }
  }
}

/// Keeps one transfer's bar, drawn ten times a second at most.
private final class BarKeeper: Sendable {
  private let front: any ChatFront
  private let key: Int
  private let state = Mutex((meter: nil as ProgressMeter?, total: nil as Int64?, last: nil as ContinuousClock.Instant?))

  init(_ front: any ChatFront, _ key: Int) {
    self.front = front
    self.key = key
  }

  func begin(_ name: String, _ total: Int64?, from done: Int64 = 0) {
    state.withLock { state in
      guard state.meter == nil else { return }
      state.meter = ProgressMeter(name: name, done: done, total: total, now: .now)
      state.total = total
    }
  }

  func show(_ done: Int64) {
    let now = ContinuousClock.now
    let bar = state.withLock { state -> ProgressBar? in
      state.meter?.update(done: done, total: state.total, now: now)
      if let last = state.last, now - last < .milliseconds(100), done != state.total { return nil }
      state.last = now
      return state.meter?.bar
    }
    if let bar { front.progress(key, bar) }
  }
}

/// Paths as people type them, and what is in their folders.
enum Paths {
  /// `~` and `~/…` are in the user's home.
  static func expanded(_ path: String) -> String {
    guard path == "~" || path.hasPrefix("~/"), let home = home else { return path }
    return home + path.dropFirst()
  }

  private static var home: String? {
    if let home = getenv("HOME") { return String(cString: home) }
    return getpwuid(getuid())?.pointee.pw_dir.map { String(cString: $0) }
  }

  /// At most this many: a folder that holds more is not completed by looking at all of it.
  private static let most = 10_000

  static func entries(of folder: String) -> [Completion.Entry] {
    let path = folder.isEmpty ? "." : expanded(folder)
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var entries: [Completion.Entry] = []
    while entries.count < most, let entry = readdir(directory) {
      let (name, type) = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { (String(cString: $0), entry.pointee.d_type) }
      }
      guard name != ".", name != ".." else { continue }
      var isFolder = type == UInt8(DT_DIR)
      if type == UInt8(DT_LNK) || type == UInt8(DT_UNKNOWN) {
        var status = stat()
        isFolder = stat("\(path)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      }
      entries.append(.init(name: name, isFolder: isFolder))
    }
    return entries
  }
}
