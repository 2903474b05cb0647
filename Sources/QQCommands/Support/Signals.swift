import Glibc
import Synchronization

/// SIGINT and SIGTERM, taken by one thread: no handler code, nothing that must be async-signal-safe.
enum Signals {
  /// Call before any other thread is made: they inherit the mask. A shell sets SIGINT to be ignored for `&` in a
  /// script; that is undone, so that `kill -INT` stops a hub however it was started.
  static func watch() {
    signal(SIGPIPE, SIG_IGN)
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM] {
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

  private static let state = Mutex(
    (first: nil as ContinuousClock.Instant?, handler: nil as (@Sendable () -> Void)?))

  /// timeout(1) signals its child and then the child's group: what comes so soon is the same signal.
  private static let echo = Duration.milliseconds(200)

  /// What the first signal does. A second one ends the program at once, as does the first where nothing is set.
  static func onFirst(_ handler: @escaping @Sendable () -> Void) {
    state.withLock { $0.handler = handler }
  }

  private static func received(_ number: Int32) {
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

/// A thread of its own for what blocks.
enum Thread {
  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  static func detach(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body)).toOpaque()
    let status = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body()
        return nil
      }, box)
    if status == 0 {
      pthread_detach(thread)
    } else {
      Unmanaged<Box>.fromOpaque(box).release()
    }
  }

  /// Runs what blocks on a thread of its own and waits for it.
  static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { done in
      detach { done.resume(returning: body()) }
    }
  }
}
