import Glibc
import Synchronization

/// A program that runs beside the test: its output is awaited line by line, and it ends with the test at the latest.
public final class ChildProcess: Sendable, CustomStringConvertible {
  public enum Input: Sendable {
    case nothing
    /// What `write` gives, until `endInput`.
    case pipe
    /// This and no more.
    case text(String)
  }

  /// Why nothing came. Says what the program did instead.
  public struct Unexpected: Error, CustomStringConvertible {
    public let description: String
  }

  /// The machine may be busy with other things.
  public static let patience = Duration.seconds(60)

  public let processID: pid_t
  public let description: String
  private let pump: Pump
  private let exit: Watched<Int32?>
  private static let (output, error) = (0, 1)

  public init(
    _ program: String, _ arguments: [String], environment: [String: String], input: Input = .nothing
  ) throws {
    description = ([program.split(separator: "/").last.map(String.init) ?? program] + arguments).joined(separator: " ")
    let (process, ends) = try Spawn.lock.withLock { _ in try Self.spawn(program, arguments, environment) }
    processID = process
    let exit = Watched<Int32?>(nil)
    self.exit = exit
    pump = try Pump(
      reading: [ends.output, ends.error], writing: ends.input, endWriting: { close($0) },
      done: { Spawn.reap(process, exit) })
    switch input {
    case .nothing: pump.endWriting()
    case .pipe: break
    case .text(let text):
      pump.write(Array(text.utf8))
      pump.endWriting()
    }
  }

  deinit {
    signal(SIGKILL)
    pump.close(stream: Self.output)
    pump.close(stream: Self.error)
  }

  private static func spawn(
    _ program: String, _ arguments: [String], _ environment: [String: String]
  ) throws -> (process: pid_t, ends: (input: Int32, output: Int32, error: Int32)) {
    let pipes = try [Descriptors.pipe(), Descriptors.pipe(), Descriptors.pipe()]
    let theirs = [pipes[0].read, pipes[1].write, pipes[2].write]
    let ours = (input: pipes[0].write, output: pipes[1].read, error: pipes[2].read)
    defer { for end in theirs { close(end) } }
    do {
      return (try spawn(program, arguments, environment, descriptors: theirs), ours)
    } catch {
      for end in [ours.input, ours.output, ours.error] { close(end) }
      throw error
    }
  }

  private static func spawn(
    _ program: String, _ arguments: [String], _ environment: [String: String], descriptors: [Int32]
  ) throws -> pid_t {
    try Spawn.start(program, arguments, environment) { actions in
      for (target, descriptor) in descriptors.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
      }
    }
  }

  // MARK: Talking to it

  public func write(_ text: String) {
    pump.write(Array(text.utf8))
  }

  public func write(_ bytes: [UInt8]) {
    pump.write(bytes)
  }

  public func endInput() {
    pump.endWriting()
  }

  /// Nobody reads its output any more.
  public func closeOutput() {
    pump.close(stream: Self.output)
  }

  public func signal(_ number: Int32) {
    exit.update { exit in
      if exit == nil { kill(processID, number) }
    }
  }

  /// Stops it, as a machine that is overloaded might; `signal(18)` has it go on.
  public func stop() async throws {
    signal(SIGSTOP)
    try await Spawn.waitUntilStopped(processID)
  }

  // MARK: Waiting for it

  /// The next line of its output.
  public func line(within limit: Duration = patience) async throws -> JSONLine {
    let line = await pump.state.first(within: limit) { state -> [UInt8]?? in
      if let line = state.streams[Self.output].takeLine() { return line }
      return state.streams[Self.output].isEnded ? .some(nil) : nil
    }
    guard let line = line ?? nil else { throw await unexpected("wrote no further line") }
    return JSONLine(line)
  }

  /// The next object of this type; those before it are passed over.
  public func line(of type: String) async throws -> JSONLine {
    while true {
      let line = try await line()
      if line["type"] == type { return line }
    }
  }

  public func lines(_ count: Int, within limit: Duration = patience) async throws -> [JSONLine] {
    var lines: [JSONLine] = []
    for _ in 0..<count { lines.append(try await line(within: limit)) }
    return lines
  }

  /// Returns when its standard error has a text.
  public func complaint(_ text: String, within limit: Duration = patience) async throws {
    let wanted = Array(text.utf8)
    let found = await pump.state.first(within: limit) { state -> Bool? in
      if Self.contains(state.streams[Self.error].bytes, wanted) { return true }
      return state.streams[Self.error].isEnded ? false : nil
    }
    guard found == true else { throw await unexpected("did not say \"\(text)\"") }
  }

  private static func contains(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
    guard bytes.count >= wanted.count else { return wanted.isEmpty }
    return (0...(bytes.count - wanted.count)).contains { bytes[$0...].starts(with: wanted) }
  }

  /// Its status, or the negated number of the signal that ended it. All its output is there then.
  @discardableResult
  public func end(within limit: Duration = patience) async throws -> Int32 {
    guard let status = await exit.first(within: limit, { $0 }) else { throw await unexpected("did not end") }
    return status
  }

  public var isRunning: Bool { exit.read { $0 == nil } }

  /// Lines of its output that nobody has taken.
  public var rest: [JSONLine] {
    pump.state.read { state in
      state.streams[Self.output].rest.split(separator: UInt8(ascii: "\n")).map { JSONLine(Array($0)) }
    }
  }

  public var standardError: String {
    pump.state.read { String(decoding: $0.streams[Self.error].bytes, as: UTF8.self) }
  }

  /// Whether it has read all that was written.
  public func inputIsRead(within limit: Duration = patience) async -> Bool {
    await pump.state.first(within: limit) { $0.isDrained ? true : nil } ?? false
  }

  private func unexpected(_ what: String) async -> Unexpected {
    // An end that is under way belongs into the report.
    let status = await exit.first(within: .milliseconds(200)) { $0 }
    let output = rest.map(\.text).joined(separator: "\n")
    return Unexpected(
      description: """
        "\(self)" \(what); \(status.map { "it ended with \($0)" } ?? "it runs")
        unread output: \(output)
        standard error: \(standardError)
        """)
  }
}
