import Glibc
import Synchronization

/// A test's own surroundings: folders, environment, hubs and commands of the real binary. Everything it started ends
/// with it, however the test ends.
public final class Scene: Sendable {
  public struct Finished: Sendable {
    public var status: Int32
    public var lines: [JSONLine]
    public var standardError: String

    /// The texts of the messages that were printed.
    public var texts: [String] { lines.compactMap { $0["text"] } }
  }

  public let folder: TemporaryFolder
  private let state = Mutex((hub: nil as String?, children: [] as [ChildProcess], terminals: [] as [TerminalProcess]))

  /// The programs of so many tests at a time share the machine.
  private static let gate = Gate(4)

  private init() throws {
    folder = try TemporaryFolder()
  }

  public static func run(_ body: @escaping @Sendable (Scene) async throws -> Void) async throws {
    try await withTaskExecutorPreference(OwnExecutor.shared) {
      try await gate.pass {
        let scene = try Scene()
        do {
          try await body(scene)
        } catch {
          await scene.end()
          throw error
        }
        await scene.end()
      }
    }
  }

  private func end() async {
    let (children, terminals) = state.withLock { ($0.children, $0.terminals) }
    for terminal in terminals { terminal.signal(SIGKILL) }
    for child in children.reversed() { child.signal(SIGKILL) }
    for terminal in terminals { _ = try? await terminal.end() }
    for child in children { _ = try? await child.end() }
  }

  // MARK: Programs

  /// `QQ_BINARY`, or the one that was built with these tests.
  public static let binary: String = {
    if let named = getenv("QQ_BINARY") { return String(cString: named) }
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".") + "/qq"
  }()

  private func environment(_ state: String, _ changes: [String: String]) -> [String: String] {
    var environment = [
      "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder.path, "LC_ALL": "C", "TZ": "Pacific/Chatham",
      "XDG_STATE_HOME": "\(folder.path)/\(state)", "XDG_CONFIG_HOME": "\(folder.path)/config",
    ]
    environment["QQ_HUB"] = self.state.withLock { $0.hub }
    // Debug builds link the runtime dynamically, from where the toolchain is.
    if let path = getenv("LD_LIBRARY_PATH") { environment["LD_LIBRARY_PATH"] = String(cString: path) }
    return environment.merging(changes) { $1 }
  }

  /// Starts a program. `state`: the folder of keys and known hubs, one for each account.
  public func start(
    program: String = Scene.binary, _ arguments: [String], input: ChildProcess.Input = .nothing,
    state: String = "state",
    environment changes: [String: String] = [:]
  ) throws -> ChildProcess {
    let child = try ChildProcess(
      program, arguments, environment: environment(state, changes), input: input)
    self.state.withLock { $0.children.append(child) }
    return child
  }

  /// Starts `qq` as the user `nick`, at the scene's hub.
  public func qq(
    _ arguments: String..., nick: String? = nil, input: ChildProcess.Input = .nothing, state: String = "state",
    environment: [String: String] = [:]
  ) throws -> ChildProcess {
    try start(
      arguments, input: input, state: state,
      environment: environment.merging(nick.map { ["QQ_NICK": $0] } ?? [:]) { old, _ in old })
  }

  /// The same, to its end.
  public func run(
    _ arguments: String..., nick: String? = nil, input: ChildProcess.Input = .nothing, state: String = "state",
    environment: [String: String] = [:]
  ) async throws -> Finished {
    let child = try start(
      arguments, input: input, state: state,
      environment: environment.merging(nick.map { ["QQ_NICK": $0] } ?? [:]) { old, _ in old })
    let status = try await child.end()
    return Finished(status: status, lines: child.rest, standardError: child.standardError)
  }

  /// Starts `qq chat` as the user `nick` on a terminal of its own, and waits for its prompt.
  public func chat(
    _ nick: String, _ arguments: String..., columns: Int = 80, height: Int = 24, state: String = "state",
    environment: [String: String] = [:], prompt: String = "@all>"
  ) async throws -> TerminalProcess {
    let terminal = try self.terminal(
      ["chat", "--nick", nick] + arguments, columns: columns, height: height, state: state, environment: environment)
    try await terminal.see("a prompt") { $0.lines.last?.hasPrefix(prompt) == true }
    return terminal
  }

  /// `program`: what runs it, such as `nsenter` with its arguments.
  public func terminal(
    _ arguments: [String], columns: Int = 80, height: Int = 24, state: String = "state",
    environment changes: [String: String] = [:], program: [String] = []
  ) throws -> TerminalProcess {
    try terminal(
      running: program + [Scene.binary] + arguments, columns: columns, height: height, state: state,
      environment: changes)
  }

  /// Any program on a terminal of its own.
  public func terminal(
    running command: [String], columns: Int = 80, height: Int = 24, state: String = "state",
    environment changes: [String: String] = [:]
  ) throws -> TerminalProcess {
    let changes = ["TERM": "xterm-256color"].merging(changes) { $1 }
    let terminal = try TerminalProcess(
      command[0], Array(command.dropFirst()), environment: environment(state, changes), columns: columns, height: height
    )
    self.state.withLock { $0.terminals.append(terminal) }
    return terminal
  }

  // MARK: Hubs and users

  public struct Hub: Sendable {
    public var process: ChildProcess
    public var ready: JSONLine
    /// As others reach it, with the real port.
    public var address: String

    public init(process: ChildProcess, ready: JSONLine, address: String) {
      self.process = process
      self.ready = ready
      self.address = address
    }

    public var port: String { String(address.split(separator: ":").last ?? "") }
  }

  /// Starts a hub, which is the scene's from now on, and waits until it is ready.
  @discardableResult
  public func serve(
    _ options: String..., data: String = "hub", listen: String = "127.0.0.1:0", program: [String] = []
  ) async throws -> Hub {
    try await serve(options: options, data: data, listen: listen, program: program)
  }

  @discardableResult
  public func serve(
    options: [String], data: String = "hub", listen: String = "127.0.0.1:0", program: [String] = []
  ) async throws -> Hub {
    let arguments = ["serve", "--listen", listen, "--data", "\(folder.path)/\(data)"] + options
    let process =
      if let wrapper = program.first {
        try start(program: wrapper, Array(program.dropFirst()) + [Scene.binary] + arguments)
      } else {
        try start(arguments)
      }
    let ready = try await process.line()
    guard let address = ready["address"] else { throw UnexpectedOutput(ready) }
    state.withLock { $0.hub = address }
    return Hub(process: process, ready: ready, address: address)
  }

  /// Ends the hub with a signal and starts it again, at the same place with the same data.
  public func restart(_ hub: Hub, _ signal: Int32 = SIGTERM) async throws -> Hub {
    hub.process.signal(signal)
    try await hub.process.end()
    return try await serve(listen: hub.address)
  }

  /// Starts a listener and waits until its user is online.
  public func listen(
    _ nick: String, _ arguments: String..., input: ChildProcess.Input = .nothing, state: String = "state"
  ) async throws -> ChildProcess {
    let listener = try start(["listen", "--nick", nick] + arguments, input: input, state: state)
    let online = try await run("who", "--wait", nick, "--timeout", "60s", nick: "watcher")
    guard online.status == 0 else { throw UnexpectedOutput(online) }
    return listener
  }

  /// Makes users known to the hub.
  public func introduce(_ nicks: String...) async throws {
    for nick in nicks {
      let known = try await run("who", nick: nick)
      guard known.status == 0 else { throw UnexpectedOutput(known) }
    }
  }
}

public struct UnexpectedOutput: Error, CustomStringConvertible {
  public let description: String

  public init(_ what: some Any) {
    description = "unexpected: \(what)"
  }
}
