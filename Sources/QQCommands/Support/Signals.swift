import Glibc
import QQClient
import Synchronization

/// The signals that end a command or, of a chat, the terminal's too; taken by one thread: no handler code, nothing that must be async-signal-safe.
enum Signals {
  /// Call before any other thread is made: they inherit the mask. A shell sets SIGINT to be ignored for `&` in a
  /// script; that is undone, so that `kill -INT` stops a hub however it was started.
  /// `ownsTerminal`: changes of the terminal's size and Ctrl-Z come here too.
  /// `reloads`: SIGHUP does what `onHangUp` says.
  static func watch(ownsTerminal: Bool = false, reloads: Bool = false) {
    for number in failedWrites { signal(number, SIG_IGN) }
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM] + (ownsTerminal ? [SIGWINCH, SIGTSTP, SIGHUP, SIGQUIT] : [])
      + (reloads ? [SIGHUP] : [])
    {
      // nohup(1) means it.
      if number == SIGHUP, isIgnored(number) { continue }
      signal(number, SIG_DFL)
      sigaddset(&set, number)
    }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let watched = set
    Thread.detach {
      var set = watched
      while true {
        var number: Int32 = 0
        guard sigwait(&set, &number) == 0 else { return }
        received(number)
      }
    }
  }

  /// Of a pipe that nobody reads, and of a file that may be no longer: the write itself says so.
  static let failedWrites = [SIGPIPE, SIGXFSZ]

  /// SIG_IGN is no function but a number in the place of one: it is compared as such, and never called.
  private static func isIgnored(_ number: Int32) -> Bool {
    var found = sigaction()
    guard sigaction(number, nil, &found) == 0 else { return false }
    return unsafeBitCast(found.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  private static let state = Mutex(
    (
      first: nil as ContinuousClock.Instant?, handler: nil as (@Sendable () -> Void)?,
      each: nil as (@Sendable (Kind) -> Void)?, hangUp: nil as (@Sendable () -> Void)?
    ))

  enum Kind: Sendable {
    case interrupt
    case terminate
    case resize
    case suspend
  }

  /// timeout(1) signals its child and then the child's group: what comes so soon is the same signal.
  private static let echo = Duration.milliseconds(200)

  /// What the first signal does. A second one ends the program at once, as does the first where nothing is set.
  static func onFirst(_ handler: @escaping @Sendable () -> Void) {
    state.withLock { $0.handler = handler }
  }

  /// What SIGHUP does from here on, each time.
  static func onHangUp(_ handler: @escaping @Sendable () -> Void) {
    state.withLock { $0.hangUp = handler }
  }

  /// From here on every signal comes here, and none ends the program.
  static func onEach(_ handler: @escaping @Sendable (Kind) -> Void) {
    state.withLock { $0.each = handler }
  }

  private static func kind(_ number: Int32) -> Kind {
    switch number {
    case SIGWINCH: .resize
    case SIGTSTP: .suspend
    case SIGINT: .interrupt
    default: .terminate
    }
  }

  private static func received(_ number: Int32) {
    if number == SIGHUP, let reload = state.withLock({ $0.hangUp }) { return reload() }
    if let each = state.withLock({ $0.each }) { return each(kind(number)) }
    switch kind(number) {
    case .resize: return
    // As it would be without anybody watching.
    case .suspend:
      kill(getpid(), SIGSTOP)
      return
    case .interrupt, .terminate: break
    }
    let now = ContinuousClock.now
    let (handler, isEcho) = state.withLock { state in
      if let first = state.first { return (nil as (@Sendable () -> Void)?, now - first < echo) }
      state.first = now
      return (state.handler, false)
    }
    if isEcho { return }
    guard let handler else { _exit(ExitStatus.interrupted.rawValue) }
    handler()
  }

  /// The reader of our output has gone: nothing is left to do, and nobody to tell.
  static func outputClosed() -> Never {
    _exit(ExitStatus.done.rawValue)
  }

  /// What a child of ours must not inherit.
  static var unblocked: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    return set
  }
}
