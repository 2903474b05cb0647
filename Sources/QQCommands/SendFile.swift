import ArgumentParser
import QQClient
import QQProtocol
import Synchronization

struct SendFile: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sendfile", abstract: "Send files and folders.",
    discussion: """
      TARGETS are as for send. The bytes go to the hub once, whoever is to get them, and wait there for who isn't here. \
      What was cut off is gone on from by the same command again. "-" is standard input, and takes --name. Exits with 0 \
      once the hub has every file whole, with --wait delivered once everybody has verified and saved it. --timeout is how \
      long nothing may happen, 60 s unless it is given. With --json also "progress" objects are printed.
      """)

  @OptionGroup var options: GlobalOptions

  @Option(help: .init("When a file counts as sent.", valueName: "stored|delivered"))
  var wait: WaitLevel = .stored

  @Option(help: .init("What the file is called at the other end.", valueName: "name"))
  var name: String?

  @Flag(help: "Send symbolic links in folders as links; otherwise they are skipped.")
  var links = false

  @Option(help: .init("Send no more than this a second: 500kB, 10MB.", valueName: "size"))
  var limit: SizeOption?

  @Option(help: .init("Names this transfer: sending again under the same key is harmless.", valueName: "key"))
  var id: String?

  @Flag(help: "An address where nobody is online stands for whoever was last seen there.")
  var lastSeen = false

  @Argument(
    help: .init("Whom to send to: nicks, addresses, @groups, joined by commas.", valueName: "targets"),
    completion: LiveCompletion.targets)
  var targets: String

  @Argument(help: .init("Files and folders; \"-\" is standard input.", valueName: "file"), completion: .file())
  var files: [String]

  func validate() throws {
    if Target.split(targets).isEmpty { throw ValidationError("TARGETS name nobody") }
    if let limit, limit.bytes < 1_000 { throw ValidationError("--limit takes at least 1kB") }
    if files.isEmpty { throw ValidationError("FILE is missing") }
    if files.filter({ $0 == "-" }).count > 1 { throw ValidationError("standard input can be sent once") }
    if name != nil, files.count > 1 { throw ValidationError("--name is for one file") }
    if files.contains("-"), name == nil { throw ValidationError("\"-\" needs a --name") }
    if let name, name.isEmpty || name.utf8.contains(UInt8(ascii: "/")) || name.utf8.count > FileName.limit {
      throw ValidationError("--name takes a name without slashes, of at most \(FileName.limit) bytes")
    }
  }

  func run() async throws {
    let context = try await CommandContext.find(options, targets: [targets])
    let memory = UploadMemory(context, targets: context.targets(targets), until: wait)
    let report = FileReport(context, options.output.settings, memory)
    let patience = context.timeout ?? 60_000
    let sender = FileSender(
      try context.link(within: min(patience, 60_000)), to: context.targets(targets), wantsReceipts: wait == .delivered,
      lastSeen: lastSeen, bytesPerSecond: limit?.bytes, report: { try report.take($0) },
      notice: { notice in report.display.above { context.note(notice) } })
    for (index, file) in files.enumerated() {
      let outgoing = OutgoingFile(path: file, name: name, links: links, isPipe: file == "-")
      let key = id.map { files.count == 1 ? $0 : "\($0)\u{0}\(index + 1)" }
      do {
        let skipped = try await sender.add(outgoing) { info, state in
          if let key { return MessageSource.id(key: key) }
          return try memory.id(of: outgoing, info, state: state) { context.output.note($0) }
        }
        for what in skipped { context.output.complain("skipped \(what)") }
      } catch let error as FileError {
        // The others are sent all the same.
        report.refused(CommandFailure(ExitStatus(error), error.message))
      }
    }
    guard await sender.hasFiles else { throw CommandFailure(report.status ?? .noInput) }
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await sender.run() }
        group.addTask {
          try await stillness(patience) { await sender.progress() }
          throw SendTimeout()
        }
        try await group.next()
        group.cancelAll()
      }
    } catch {
      report.display.end()
      try await giveUp(error, sender, context, report)
    }
    report.display.end()
    memory.forgetAll()
    if let status = report.status { throw CommandFailure(status) }
  }

  /// Nobody shall wait for the rest of a pipe that is gone. Also where this command was interrupted, so not for long.
  private static func withdraw(_ id: MessageID, _ context: CommandContext) async {
    await Task {
      _ = try? await within(1_500) {
        try await request(context, .withdraw(ref: 1, id: id)) { line in
          if case .ok(let ok)? = line.frame { ok.ref == 1 } else { false }
        }
      }
    }.value
  }

  private static func isOver(_ error: any Error) -> Bool {
    if let error = error as? FileError { return error.kind == .changed }
    guard case ClientError.refused(_, let failure)? = error as? ClientError else { return false }
    return [ErrorCode.unknownFile, .fileGone].map(\.rawValue).contains(failure.code)
  }

  private func giveUp(
    _ error: any Error, _ sender: FileSender, _ context: CommandContext, _ report: FileReport
  ) async throws -> Never {
    for (id, info) in await sender.unfinished where !report.hasFailed(id) {
      // Nothing to go on with: the file is another, or the hub has let go of it. The same command sends it anew.
      if Self.isOver(error) {
        report.memory.forget(id)
        continue
      }
      let name = TextSafety.visible(info.name)
      if info.size == nil { await Self.withdraw(id, context) }
      context.output.complain(
        info.size == nil
          ? "\"\(name)\" is not sent: what has gone through a pipe can't be sent again"
          : "\"\(name)\" is not sent whole: the same command goes on where it was (id \(id))")
    }
    guard error is SendTimeout else { throw error }
    guard await sender.isStored else {
      throw CommandFailure(.temporary, "the hub at \(context.endpoint) took nothing for too long")
    }
    throw CommandFailure(
      .temporary,
      "stored, but not saved in time by \(await sender.missing.joined(separator: ", ")): it is kept for them")
  }
}

/// Prints what becomes of files, and keeps the status of the first that failed.
final class FileReport: Sendable {
  let display: ProgressDisplay
  let memory: UploadMemory
  private let context: CommandContext
  private let state = Mutex(
    (status: nil as ExitStatus?, names: [:] as [MessageID: FileInfo], failed: [] as Set<MessageID>))

  init(_ context: CommandContext, _ settings: OutputSettings, _ memory: UploadMemory) {
    self.context = context
    self.memory = memory
    display = ProgressDisplay(context.output, settings, .current())
  }

  var status: ExitStatus? { state.withLock(\.status) }

  /// A file that can't be sent.
  func refused(_ failure: CommandFailure) {
    if let message = failure.message { display.above { context.output.complain(message) } }
    state.withLock { state in if state.status == nil { state.status = failure.status } }
  }

  func hasFailed(_ id: MessageID) -> Bool { state.withLock { $0.failed.contains(id) } }

  func take(_ event: UploadEvent) throws {
    switch event {
    case .started(let id, let info): state.withLock { $0.names[id] = info }
    case .uploaded(let id, let bytes):
      let info = state.withLock { $0.names[id] }
      if let info { display.show(id, info.name, done: bytes, total: info.size) }
    case .progress(let id, let nick, let bytes):
      let info = state.withLock { $0.names[id] }
      display.show(id, info?.name ?? "", nick: nick, done: bytes, total: info?.size)
    case .stored(let sent, let info, let hash, let size):
      memory.stored(sent.id)
      try display.above { try context.output.show(.uploaded(sent, info, size: size, hash)) }
    case .receipt(let receipt):
      let info = state.withLock { $0.names[receipt.id] }
      if let size = info?.size {
        display.show(receipt.id, info?.name ?? "", nick: receipt.nick, done: size, total: size)
      }
      try display.above { try context.output.show(.receipt(receipt)) }
    case .failed(var failure):
      refused(context.failure(failure))
      failure.ref = nil
      if let id = failure.id {
        memory.forget(id)
        state.withLock { _ = $0.failed.insert(id) }
      }
      if context.output.isJSON { try context.output.show(.error(failure)) }
    }
  }
}
