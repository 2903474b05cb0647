import Glibc
import Synchronization

/// What would be left behind if this process ended now: servers that run and folders that were made. An interrupted
/// run takes them with it.
enum Leftovers {
  private struct State {
    var processes: Set<pid_t> = []
    var folders: Set<String> = []
    /// The thread that clears up, once it does.
    var clearing: pthread_t?
  }

  private static let state = Mutex(State())
  private static let signals: [Int32] = [SIGINT, SIGTERM, SIGHUP]

  static func add(process pid: pid_t) { state.withLock { _ = $0.processes.insert(pid) } }
  static func add(folder path: String) { state.withLock { _ = $0.folders.insert(path) } }
  static func remove(folder path: String) { state.withLock { _ = $0.folders.remove(path) } }

  /// Once everything is being cleared up, whoever else comes here stays: a server that was ended by that is no failure
  /// to be reported.
  static func remove(process pid: pid_t) {
    let clearing = state.withLock { state in
      state.processes.remove(pid)
      return state.clearing
    }
    if let clearing, pthread_equal(clearing, pthread_self()) == 0 {
      while true { pause() }
    }
  }

  /// From now on a thread of its own waits for SIGINT, SIGTERM and SIGHUP. To be called before any other thread runs.
  static func clearOnSignals() {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        var set = sigset_t()
        sigemptyset(&set)
        for signal in Leftovers.signals { sigaddset(&set, signal) }
        var signal: Int32 = 0
        while sigwait(&set, &signal) != 0 {}
        Leftovers.clear()
        _exit(128 + signal)
      }, nil)
  }

  private static func clear() {
    let (processes, folders) = state.withLock { state in
      state.clearing = pthread_self()
      return (state.processes, state.folders)
    }
    for pid in processes { kill(pid, SIGTERM) }
    usleep(200_000)
    for pid in processes { kill(pid, SIGKILL) }
    for folder in folders { TemporaryFolder.delete(folder) }
  }
}
