import Glibc

/// A process that was started here. Its output goes to files, so that nothing has to read along.
struct Child {
  let pid: pid_t

  /// Starts `arguments[0]` with exactly these arguments. `environment` is added to this process's own; nil paths mean
  /// /dev/null. `terminal`: all three, and what controls the process, in a session of its own.
  static func start(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil, output: String? = nil,
    errors: String? = nil, terminal: String? = nil
  ) throws -> Child {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let terminal {
      posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0)
      for descriptor: Int32 in [1, 2] { posix_spawn_file_actions_adddup2(&actions, 0, descriptor) }
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, input ?? "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_addopen(&actions, 1, output ?? "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      posix_spawn_file_actions_addopen(&actions, 2, errors ?? "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }

    // This process ignores SIGPIPE and blocks what ends it; its children shall not.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    // POSIX_SPAWN_SETSID, which <spawn.h> shows only with _GNU_SOURCE.
    let session: Int32 = terminal == nil ? 0 : 0x80
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | session))

    var variables: [String] = environment.map { "\($0.key)=\($0.value)" }
    var inherited = environ
    while let entry = inherited.pointee {
      let text = String(cString: entry)
      if !environment.keys.contains(where: { text.hasPrefix($0 + "=") }) { variables.append(text) }
      inherited += 1
    }
    let argv = arguments.map { strdup($0) } + [nil]
    let envp = variables.map { strdup($0) } + [nil]
    defer {
      for pointer in argv + envp { free(pointer) }
    }
    var pid: pid_t = 0
    let result = posix_spawn(&pid, arguments[0], &actions, &attributes, argv, envp)
    guard result == 0 else { throw BenchError.system("start \(arguments[0])", result) }
    Leftovers.add(process: pid)
    return Child(pid: pid)
  }

  /// Waits for the end; the exit status, or 128 and the signal.
  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    Leftovers.remove(process: pid)
    return Self.decode(status)
  }

  /// The exit status where the process has ended.
  func poll() -> Int32? {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    Leftovers.remove(process: pid)
    return Self.decode(status)
  }

  /// Asks it to end, and after five seconds makes it.
  func stop() {
    kill(pid, SIGTERM)
    for _ in 0..<500 {
      if poll() != nil { return }
      usleep(10_000)
    }
    kill(pid, SIGKILL)
    _ = wait()
  }

  private static func decode(_ status: Int32) -> Int32 {
    status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
  }
}
