import Glibc
import Synchronization

/// The hub of a soak, and how clients reach it.
final class SoakWorld: Sendable {
  let board = SoakBoard()
  let qq: String
  let port: UInt16
  let metricsPort: UInt16
  let hub: pid_t
  /// Everything is in it: the hub's data, its owner's state, what clients keep.
  let path: String
  /// Used by the thread that made it alone.
  nonisolated(unsafe) private let server: Server

  init(qq: String, retain: String) throws {
    self.qq = qq
    server = try Server.start(
      ServerSettings(kind: .qq, usesTLS: true, isDurable: true), .find(qq: qq),
      options: ["--plaintext", "--metrics", "0", "--retain", retain])
    port = server.endpoint.port
    hub = server.pid
    path = server.folder.path
    let ready = readFile("\(path)/stdout") ?? ""
    guard let start = ready.firstRange(of: #""metrics":""#) else { throw BenchError("no metrics: \(ready)") }
    let address = ready[start.upperBound...].prefix { $0 != "\"" }
    metricsPort = address.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
  }

  var dataDirectory: String { "\(path)/data" }
  var endpoint: Endpoint { Endpoint(port: port) }

  /// Whether it still does; on the thread that made it.
  var hubRuns: Bool {
    if board.hubEnd == nil, let status = server.child.poll() { board.ended(status, readFile("\(path)/stderr") ?? "") }
    return board.hubEnd == nil
  }

  func stop() {
    if hubRuns { server.stop() }
  }

  /// Runs `qq` to its end as the hub's owner, whoever that is, and gives what it printed. `name`: of the caller.
  @discardableResult
  func runAsOwner(_ arguments: [String], _ name: String) throws -> String {
    try end(start(arguments + ["--timeout", "60s"], name: name, state: "state"), arguments, name)
  }

  /// Runs `qq` to its end and gives what it printed. `state`: the folder of its keys.
  @discardableResult
  func run(_ arguments: [String], nick: String, state: String, input: String? = nil) throws -> String {
    let all = arguments + ["--timeout", "60s", "--nick", nick]
    return try end(start(all, name: nick, state: state, input: input), arguments, nick)
  }

  private func end(_ child: Child, _ arguments: [String], _ name: String) throws -> String {
    let status = child.wait()
    guard status == 0 else {
      let errors = (readFile("\(path)/\(name).err") ?? "").split(separator: "\n").last ?? ""
      throw BenchError("qq \(arguments.prefix(2).joined(separator: " ")) ended with \(status): \(errors)")
    }
    return readFile("\(path)/\(name).out") ?? ""
  }

  /// Its output goes to files of that name.
  func start(_ arguments: [String], name: String, state: String, input: String? = nil) throws -> Child {
    try Child.start(
      [qq] + arguments + ["--json"],
      environment: [
        "XDG_STATE_HOME": "\(path)/\(state)", "XDG_CONFIG_HOME": "\(path)/config", "HOME": path,
        "QQ_HUB": "127.0.0.1:\(port)",
      ], input: input, output: "\(path)/\(name).out", errors: "\(path)/\(name).err")
  }
}

/// What the threads of a soak tell each other.
final class SoakBoard: Sendable {
  private struct State {
    var isOver = false
    /// Things that were done, by their kind.
    var counts: [String: Int] = [:]
    var errors = 0
    /// Nanoseconds from sending to delivery.
    var delays: [UInt64] = []
    var hubEnd: String?
  }

  private let state = Mutex(State())

  var isOver: Bool { state.withLock { $0.isOver } }
  var errors: Int { state.withLock { $0.errors } }
  var counts: [String: Int] { state.withLock { $0.counts } }
  /// How the hub ended, where it did.
  var hubEnd: String? { state.withLock { $0.hubEnd } }

  func stop() { state.withLock { $0.isOver = true } }
  func count(_ what: String) { state.withLock { $0.counts[what, default: 0] += 1 } }
  func delivered(after delay: UInt64) { state.withLock { $0.delays.append(delay) } }

  /// Those since the last call.
  func takeDelays() -> [UInt64] {
    state.withLock { state in
      defer { state.delays = [] }
      return state.delays
    }
  }

  /// The first few are shown.
  func failed(_ what: String, _ error: any Error) {
    let number = state.withLock { state in
      if state.isOver { return Int.max }
      state.errors += 1
      return state.errors
    }
    if number <= 20 { note("\(what): \(error)") }
  }

  func ended(_ status: Int32, _ errors: String) {
    let text = "\(status): " + errors.split(separator: "\n").suffix(3).joined(separator: " / ")
    state.withLock { state in
      state.hubEnd = text
      state.isOver = true
    }
    note("the hub ended with \(text)")
  }
}
