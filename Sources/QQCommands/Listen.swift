import ArgumentParser
import Glibc
import QQClient
import QQProtocol
import Synchronization

struct Listen: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "listen", abstract: "Print what arrives: first what is unread, then what comes.",
    discussion: """
      With TARGETS only messages to these groups, or from and to these users and addresses. A filter, --since or --new \
      moves no cursor but one that is named with --cursor.
      """)

  @OptionGroup var options: GlobalOptions

  @Option(
    help: .init("Start after a seq, at a time, a duration ago, or with \"all\" that is kept.", valueName: "start"))
  var since: SinceOption?

  @Flag(help: "Only what arrives from now on.")
  var new = false

  @Option(help: .init("The named reader whose place is kept.", valueName: "name"))
  var cursor: String?

  @Option(
    name: [.customShort("n"), .long],
    help: .init("End after this many events of the hub; \"saved\" isn't one.", valueName: "count"))
  var count: Int?

  @Option(help: .init("End when nothing has come for this long.", valueName: "duration"))
  var idle: DurationOption?

  @Option(help: .init("Only from these nicks, joined by commas.", valueName: "nicks"), completion: LiveCompletion.nicks)
  var from: String?

  @Option(help: .init("Only messages whose text matches.", valueName: "regex"))
  var match: String?

  @Option(
    help: .init(
      "Only these types of events, joined by commas: message, file, complete, presence, gap.", valueName: "types"))
  var type: String?

  @Option(
    help: .init(
      "Run this for each event, in a shell: the event on its standard input and in QQ_* variables.",
      valueName: "command"), completion: .shellCommand("true"))
  var exec: String?

  @Option(help: .init("How often a failed --exec is tried again.", valueName: "count"))
  var retries: Int = 5

  @Option(
    help: .init(
      "Save the files that are sent to this user in this folder, which is made where there is none.",
      valueName: "folder"), completion: .directory)
  var save: String?

  @Option(
    help: .init("Save no more than this in all.", valueName: "size"), completion: .shellCommand("true"))
  var saveLimit: SizeOption?

  @Argument(
    help: .init("Only these conversations: nicks, addresses, @groups.", valueName: "targets"),
    completion: LiveCompletion.targets)
  var targets: String?

  func validate() throws {
    if new && since != nil { throw ValidationError("--new and --since exclude each other") }
    if let count, count < 1 { throw ValidationError("-n takes a number from 1") }
    if saveLimit != nil && save == nil { throw ValidationError("--save-limit goes with --save alone") }
    if retries < 0 { throw ValidationError("--retries takes a number from 0") }
    if let cursor, cursor.isEmpty || cursor.utf8.count > ProtocolLimits.cursorName {
      throw ValidationError("a cursor's name has 1 to \(ProtocolLimits.cursorName) bytes")
    }
    do {
      _ = try filter()
    } catch let failure as CommandFailure {
      throw ValidationError(failure.message ?? "bad filter")
    }
  }

  private func filter(_ aliases: Aliases = Aliases()) throws -> EventFilter {
    try EventFilter(targets: targets, from: from, match: match, types: type, aliases: aliases)
  }

  func run() async throws {
    let context = try await CommandContext.find(options)
    let filter = try filter(context.aliases)
    let isPlain = since == nil && !new && filter.isEverything
    let reader = Reader(
      start: new ? .now : since?.start(now: Clock.now) ?? .unread, cursor: cursor, holds: isPlain || cursor != nil,
      name: MessageSource.newReaderName())
    let saver = save.map { folder in
      FileSaver(context, options.output.settings, into: folder, limit: saveLimit?.bytes) { filter.accepts(.file($0)) }
    }
    if let save { try Self.check(save) }
    let sink = EventSink(
      context.output, filter: filter, count: count, runner: exec.map { CommandRunner($0, retries: retries) }
    ) {
      saver?.take($0)
    } completed: {
      saver?.take($0)
    } above: { body in
      if let saver { try saver.above(body) } else { try body() }
    }
    let listener = Listener(try context.link(), watchesPresence: filter.wantsPresence) { notice in
      switch notice {
      case .link(let link): context.note(link)
      case .listening:
        sink.begin()
        if let saver, since == nil, !new { Task { try? await saver.askForPending() } }
      case .following:
        context.output.note("another reader moves the cursor \"\(cursor ?? "listen")\": following without moving it")
      case .promoted:
        context.output.note("the other reader has gone: moving the cursor \"\(cursor ?? "listen")\" from here on")
      case .newEpoch(let endpoint):
        context.output.complain("the hub at \(endpoint) has other data than before: reading what is unread there")
      }
    }
    Thread.detach {
      // A reader of ours that has gone is noticed even while nothing comes.
      Descriptor.waitForClosedPipe(1)
      Signals.outputClosed()
    }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        guard let saver else {
          try await listener.run(reader) { try await sink.take($0) }
          return true
        }
        try await withThrowingTaskGroup(of: Void.self) { both in
          both.addTask { try await saver.run() }
          both.addTask {
            try await listener.run(reader) { try await sink.take($0) }
            // What was begun is ended, unless its sender is away.
            saver.finish()
            try await stillness(Self.patience) { saver.isIdle ? 0 : saver.steps + 1 }
            try Task.checkCancellation()
            if !saver.isIdle {
              throw CommandFailure(.temporary, "what is left to save doesn't come: its sender is away")
            }
          }
          // The saver, once the listener has ended; whatever fails.
          try await both.next()
          both.cancelAll()
        }
        return true
      }
      if let timeout = context.timeout { group.addTask { try await Self.sleep(timeout) } }
      if let idle {
        group.addTask {
          while true {
            let steps = saver?.steps
            if try await !sink.waitUntilIdle(idle.milliseconds), saver == nil || saver?.isIdle == true { return false }
            try await Task.sleep(for: .milliseconds(idle.milliseconds))
            if saver?.steps == steps { return false }
          }
        }
      }
      let isEnough = try await group.next() ?? true
      group.cancelAll()
      if !isEnough, let count, sink.shown < count {
        throw CommandFailure(.temporary, "\(sink.shown) of \(count) events came in time")
      }
    }
  }

  /// A folder that can't be written to is told at once, not with the first file.
  private static func check(_ folder: String) throws {
    var status = stat()
    mkdir(folder, 0o777)
    guard stat(folder, &status) == 0 else {
      throw CommandFailure(.cannotCreate, "--save \"\(folder)\": \(String(cString: strerror(errno)).lowercased())")
    }
    guard status.st_mode & S_IFMT == S_IFDIR, access(folder, W_OK | X_OK) == 0 else {
      throw CommandFailure(.cannotCreate, "--save \"\(folder)\" is no folder that can be written to")
    }
  }

  /// Milliseconds without anything coming, of a file that is to be saved yet.
  private static let patience: Int64 = 60_000

  private static func sleep(_ milliseconds: Int64) async throws -> Bool {
    try await Task.sleep(for: .milliseconds(milliseconds))
    return false
  }
}

/// Where to start: a seq, a time, a duration ago, or everything.
struct SinceOption: ExpressibleByArgument, Sendable {
  private enum Form {
    case seq(Int64)
    case time(Timestamp)
    case ago(Int64)
  }

  private let form: Form

  init?(argument: String) {
    if argument == "all" {
      form = .seq(0)
    } else if let seq = Int64(argument), seq >= 0, ProtocolLimits.integers ~= seq {
      form = .seq(seq)
    } else if let time = Timestamp(argument) {
      form = .time(time)
    } else if let milliseconds = DurationText.milliseconds(argument) {
      form = .ago(milliseconds)
    } else {
      return nil
    }
  }

  func start(now: Timestamp) -> ClientFrame.Start {
    switch form {
    case .seq(let seq): .seq(seq)
    case .time(let time): .time(time)
    case .ago(let milliseconds): .time(now - milliseconds)
    }
  }
}
