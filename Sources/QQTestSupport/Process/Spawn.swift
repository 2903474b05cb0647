import Glibc
import Synchronization

/// Starts programs as a shell would, whatever the test runner has done to its signals.
enum Spawn {
  /// A pipe is inheritable for a moment: another child that starts then would keep it open.
  static let lock = Mutex(())

  /// `flags`: besides those for the signals. `prepare`: what its descriptors are to be.
  static func start(
    _ program: String, _ arguments: [String], _ environment: [String: String], flags: Int32 = 0,
    _ prepare: (inout posix_spawn_file_actions_t) -> Void
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    prepare(&actions)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for number in [SIGPIPE, SIGINT, SIGTERM] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | flags))
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    let texts = [program] + arguments
    var words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var process: pid_t = 0
    errno = posix_spawn(&process, program, &actions, &attributes, &words, &variables)
    guard errno == 0 else { throw SystemFault("starting \(program)") }
    return process
  }

  /// The number stays the child's until its exit is known, so that no signal can meet another process. The exit is its
  /// status, or the negated number of the signal that ended it.
  static func reap(_ process: pid_t, _ exit: Watched<Int32?>) {
    var information = siginfo_t()
    while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
    exit.update { exit in
      var status: Int32 = 0
      waitpid(process, &status, 0)
      exit = status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
    }
  }

  /// Returns once a signal has stopped all of the process, which takes it a moment.
  static func waitUntilStopped(_ process: pid_t) async throws {
    while try !TemporaryFolder.contents("/proc/\(process)/stat").contains(") T ") {
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}
