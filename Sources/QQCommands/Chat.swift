import ArgumentParser
import Glibc
import QQChat
import QQClient
import QQProtocol
import Synchronization

struct Chat: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat", abstract: "Chat: read and write on a terminal.",
    discussion: """
      TARGET is whom you write to at first: a nick, an address, a @group, or several joined by commas; @all without it. \
      /help lists what else a line can ask for. Lines are edited with GNU readline (~/.inputrc, Ctrl-R, Tab), and kept for \
      the next time. Without a terminal lines are read from standard input, and what is said is printed as text, or with \
      --json as JSON Lines; --timeout is then how long nothing may happen while an answer is waited for, 60 s unless it is \
      given.
      """)

  @OptionGroup var options: GlobalOptions

  @Flag(help: "No bell for private messages and for those that name you.")
  var noBell = false

  @Option(help: .init("The named reader whose place is kept.", valueName: "name"))
  var cursor: String = "chat"

  @Argument(help: .init("Whom to write to.", valueName: "target"), completion: LiveCompletion.targets)
  var target: String = "@all"

  func validate() throws {
    let targets = Target.split(target)
    if targets.isEmpty { throw ValidationError("TARGET names nobody") }
    for target in targets {
      do {
        _ = try Target(target)
      } catch {
        throw ValidationError("\"\(target)\" can be no target: \(error.message)")
      }
    }
    if cursor.isEmpty || cursor.utf8.count > ProtocolLimits.cursorName {
      throw ValidationError("a cursor's name has 1 to \(ProtocolLimits.cursorName) bytes")
    }
  }

  func run() async throws {
    let isInteractive = Descriptor.isTerminal(0) && Descriptor.isTerminal(1) && options.output.settings.format == nil
    var settings = options.settings
    if !isInteractive, settings.output.format == nil { settings.output.format = .text }
    let context = try await CommandContext(settings).located(for: [target])
    let model = ChatModel(
      nick: context.nick, targets: context.targets(target), hub: context.endpoint.description,
      aliases: context.aliases)
    let reader = Reader(
      start: .unread, cursor: cursor, holds: true, name: MessageSource.newReaderName(), awaitsLive: true)
    let session = ChatSession(
      model, try services(context), reader: reader, patience: context.timeout ?? 60_000)
    let front: any ChatFront
    if isInteractive {
      let terminal = terminal(context, session)
      front = terminal
      watchSignals(terminal, session, context)
    } else {
      front = LineFront(context.output)
    }
    try await run(session, front, context)
  }

  private func run(_ session: ChatSession, _ front: any ChatFront, _ context: CommandContext) async throws {
    let outcome: ChatSession.Outcome
    do {
      outcome = try await session.run(front)
    } catch let failure as ChatFailure {
      // Whoever read what is printed here has gone, and wants no more.
      if !(failure.error is OutputClosed) { tell(failure.outcome, context) }
      throw failure.error
    }
    tell(outcome, context)
    if let refusal = outcome.refusal {
      // A line that was sent there has said so already.
      let isTold = outcome.fault == .refused(code: refusal.code)
      throw isTold ? CommandFailure(ExitStatus(code: refusal.code)) : context.failure(refusal)
    }
    if !outcome.unsent.isEmpty { throw CommandFailure(.temporary) }
    if outcome.isTerminated { throw CommandFailure(.interrupted) }
    if !outcome.unfinished.isEmpty { throw CommandFailure(.temporary) }
    guard !front.isInteractive, let fault = outcome.fault else { return }
    if fault == .silence {
      throw CommandFailure(.temporary, "the hub has answered nothing for too long (--timeout says how long is waited)")
    }
    throw CommandFailure(ExitStatus(fault))
  }

  private static let mostNamed = 20

  /// What is left behind, by name.
  private func tell(_ outcome: ChatSession.Outcome, _ context: CommandContext) {
    for message in outcome.unsent.prefix(Self.mostNamed) {
      let text = Columns.cut(message.text.split(separator: "\n").first ?? "", 60).text
      let dots = text.utf8.count < message.text.utf8.count ? "…" : ""
      context.output.complain(
        "not confirmed: \"\(text)\(dots)\" to \(message.to.joined(separator: ",")) (qq send --id \(message.id) \(message.to.joined(separator: ",")) 'THE SAME TEXT' sends it once)"
      )
    }
    if outcome.unsent.count > Self.mostNamed {
      context.output.complain("not confirmed: and \(outcome.unsent.count - Self.mostNamed) more")
    }
    for name in outcome.unfinished {
      context.output.complain("\"\(name)\" was on its way: the same command goes on where it was")
    }
  }

  // MARK: What it needs

  private func services(_ context: CommandContext) throws -> ChatServices {
    let uploads = UploadMemories(context)
    // The identity stays in memory: its file goes with the nick.
    let link = try context.link(within: context.timeout ?? 10_000)
    let nick = Mutex(context.nick)
    return ChatServices(
      now: { Clock.now }, newID: { MessageSource.freshID() }, link: { link },
      uploadID: { try uploads.id(of: $0, to: $1, $2, state: $3) }, forgetUpload: { uploads.forget($0) },
      renamed: { new in
        try nick.withLock { nick in
          try context.renameIdentity(from: nick, to: new, askedFor: new)
          nick = new
        }
      }, explain: { Program.message(of: $0) })
  }

  private func terminal(_ context: CommandContext, _ session: ChatSession) -> TerminalFront {
    let environment = Environment.current()
    let isDumb = environment["TERM", default: "dumb"] == "dumb"
    return TerminalFront(
      TerminalFront.Settings(
        usesColor: !isDumb && environment["NO_COLOR", default: ""].isEmpty, isDumb: isDumb, rings: !noBell,
        historyDirectory: context.stateDirectory + "/history", hub: context.endpoint.description)
    ) { session.completion($0) }
  }

  /// Connecting, for one, is not to be cancelled.
  /// `settings`: of the terminal, as they were.
  private func end(_ session: ChatSession, _ context: CommandContext, _ settings: termios?) {
    session.terminate()
    Thread.detach {
      sleep(3)
      if var settings { tcsetattr(0, TCSANOW, &settings) }
      // A hub that hangs shall not keep from whoever leaves what it hasn't confirmed.
      let outcome = session.outcome
      tell(outcome, context)
      _exit(outcome.unsent.isEmpty ? ExitStatus.interrupted.rawValue : ExitStatus.temporary.rawValue)
    }
  }

  /// Ctrl-C, Ctrl-Z and the terminal's size are the chat's business.
  private func watchSignals(_ terminal: TerminalFront, _ session: ChatSession, _ context: CommandContext) {
    var found = termios()
    let settings = tcgetattr(0, &found) == 0 ? found : nil
    Signals.onEach { signal in
      switch signal {
      case .interrupt: if !session.cancelTransfer(), !terminal.interrupt() { end(session, context, settings) }
      case .terminate: end(session, context, settings)
      case .resize: terminal.resize()
      case .suspend: if !terminal.suspend() { kill(getpid(), SIGSTOP) }
      }
    }
  }
}
