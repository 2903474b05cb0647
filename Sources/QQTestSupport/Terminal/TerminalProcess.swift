import Glibc
import Synchronization

/// A program on a terminal of its own, which it controls as its session's: Ctrl-C and changes of the size arrive.
public final class TerminalProcess: Sendable, CustomStringConvertible {
  public let description: String
  public let processID: pid_t
  private let master: Int32
  private let pump: Pump
  private let exit: Watched<Int32?>
  private let shown: Mutex<(screen: TerminalScreen, read: Int)>

  public init(
    _ program: String, _ arguments: [String], environment: [String: String], columns: Int, height: Int
  ) throws {
    description = arguments.joined(separator: " ")
    (master, processID) = try Spawn.lock.withLock { _ in
      var (master, slave): (Int32, Int32) = (-1, -1)
      guard openpty(&master, &slave, nil, nil, nil) == 0, let name = ttyname(slave) else {
        throw SystemFault("openpty")
      }
      defer { close(slave) }
      _ = fcntl(master, F_SETFD, FD_CLOEXEC)
      _ = fcntl(slave, F_SETFD, FD_CLOEXEC)
      let path = String(cString: name)
      Self.setSize(master, columns: columns, height: height)
      // The first terminal that the leader of a session opens is its own.
      let process = try Spawn.start(program, arguments, environment, flags: Self.newSession) { actions in
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
      }
      return (master, process)
    }
    shown = Mutex((TerminalScreen(columns: columns, height: height), 0))
    let exit = Watched<Int32?>(nil)
    self.exit = exit
    let process = processID
    pump = try Pump(
      reading: [dup(master)], writing: master, endWriting: { _ in }, done: { Spawn.reap(process, exit) })
  }

  deinit {
    signal(SIGKILL)
    pump.close(stream: 0)
    pump.endWriting()
    close(master)
  }

  /// POSIX_SPAWN_SETSID of <spawn.h>, which needs _GNU_SOURCE.
  private static let newSession: Int32 = 0x80

  // MARK: At the keyboard

  public func type(_ text: String) {
    pump.write(Array(text.utf8))
  }

  /// As a terminal gives what is pasted: UTF-8 between two marks.
  public func paste(_ text: String) {
    type("\u{1b}[200~\(text)\u{1b}[201~")
  }

  public func resize(columns: Int, height: Int, reflows: Bool = true) {
    read()
    shown.withLock { $0.screen.resize(columns: columns, height: height, reflows: reflows) }
    Self.setSize(master, columns: columns, height: height)
  }

  /// Nobody sits at the terminal any more.
  public func hangUp() {
    signal(SIGHUP)
  }

  public func signal(_ number: Int32) {
    exit.update { exit in
      if exit == nil { kill(processID, number) }
    }
  }

  /// The terminal shows what is typed, and gives it line by line: as shells leave it, and as a line editor doesn't.
  public var echoes: Bool {
    var settings = termios()
    guard tcgetattr(master, &settings) == 0 else { return false }
    return settings.c_lflag & tcflag_t(ECHO) != 0 && settings.c_lflag & tcflag_t(ICANON) != 0
  }

  /// Returns once it has stopped.
  public func stopped() async throws {
    try await Spawn.waitUntilStopped(processID)
  }

  private static func setSize(_ master: Int32, columns: Int, height: Int) {
    var size = winsize(ws_row: UInt16(height), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
  }

  // MARK: On the screen

  public var screen: TerminalScreen {
    read()
    return shown.withLock { $0.screen }
  }

  /// Everything it has written.
  public var bytes: [UInt8] { pump.state.read { $0.streams[0].bytes } }

  private func read() {
    pump.state.update { read($0.streams[0].bytes) }
  }

  private func read(_ bytes: [UInt8]) {
    shown.withLock { shown in
      shown.screen.write(bytes[shown.read...])
      shown.read = bytes.count
    }
  }

  /// Returns when the screen is as wanted.
  @discardableResult
  public func see(
    _ what: String, within limit: Duration = ChildProcess.patience,
    _ isWanted: @escaping @Sendable (TerminalScreen) -> Bool
  ) async throws -> TerminalScreen {
    let seen = await pump.state.first(within: limit) { state -> TerminalScreen? in
      self.read(state.streams[0].bytes)
      return self.shown.withLock { isWanted($0.screen) ? $0.screen : nil }
    }
    guard let seen else { throw ChildProcess.Unexpected(description: "\"\(self)\" never showed \(what):\n\(picture)") }
    return seen
  }

  /// Returns when a row of the screen, or one that has scrolled away, is this.
  @discardableResult
  public func see(row: String, within limit: Duration = ChildProcess.patience) async throws -> TerminalScreen {
    try await see("\"\(row)\"", within: limit) { $0.everything.contains(row) }
  }

  /// Returns when the last row is this and the cursor stands there, by default behind it.
  @discardableResult
  public func see(line: String, cursor: Int? = nil) async throws -> TerminalScreen {
    try await see("the line \"\(line)\" with the cursor at \(cursor.map(String.init) ?? "its end")") { screen in
      guard screen.lines.last == line.trimmingEnd else { return false }
      return cursor.map { screen.column == $0 } ?? true
    }
  }

  /// The screen, for reports.
  public var picture: String {
    let screen = screen
    return screen.everything.map { "  |\($0)" }.joined(separator: "\n")
      + "\n  cursor at \(screen.column),\(screen.row)\(screen.unknown.isEmpty ? "" : ", unknown \(screen.unknown)")"
  }

  @discardableResult
  public func end(within limit: Duration = ChildProcess.patience) async throws -> Int32 {
    guard let status = await exit.first(within: limit, { $0 }) else {
      throw ChildProcess.Unexpected(description: "\"\(self)\" did not end:\n\(picture)")
    }
    return status
  }
}

extension String {
  fileprivate var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
