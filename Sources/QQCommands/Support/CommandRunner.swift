import Glibc
import QQClient
import QQProtocol

/// Runs `--exec CMD` for an event: the event on its standard input and in QQ_* variables.
struct CommandRunner: Sendable {
  private let command: String
  private let retries: Int

  init(_ command: String, retries: Int) {
    self.command = command
    self.retries = retries
  }

  /// Returns once the command has succeeded; after the last try the listener ends, its cursor unmoved.
  func run(_ line: HubLine) async throws {
    var backoff = Backoff(first: 500, limit: 30_000)
    for attempt in 0...retries {
      if attempt > 0 { try await Task.sleep(for: .milliseconds(backoff.next(random: Double.random(in: 0..<1)))) }
      let status = await Thread.run { spawn(line) }
      if status == 0 { return }
      if status == Self.tooLong {
        // It never could: whoever wrote it would stop this listener for good.
        return Output.complain(
          "--exec can't be run for seq \(line.frame?.seq ?? 0): the event is too long; passed over")
      }
      Output.complain(
        "--exec failed with status \(status) for seq \(line.frame?.seq ?? 0) (try \(attempt + 1) of \(retries + 1))")
    }
    throw CommandFailure(
      .temporary, "--exec keeps failing: ending before seq \(line.frame?.seq ?? 0), which the next listener gets again")
  }

  /// In the place of a status: what the command would be given is more than the system takes.
  private static let tooLong: Int32 = -1

  /// The targets that are told in one variable, whole ones, joined by commas. execve(2) takes 128 KiB in one string, and
  /// the event on standard input has them all.
  static func joined(_ targets: [String], limit: Int = 32 << 10) -> (text: String, isCut: Bool) {
    var text = ""
    for (number, target) in targets.enumerated() {
      guard text.utf8.count + target.utf8.count < limit else { return (text, true) }
      text += number == 0 ? target : "," + target
    }
    return (text, false)
  }

  private func spawn(_ line: HubLine) -> Int32 {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return 126 }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    // A child of ours gets Ctrl-C, and what ends a failed write, as any other.
    var mask = Signals.unblocked
    posix_spawnattr_setsigmask(&attributes, &mask)
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for number in Signals.failedWrites { sigaddset(&defaults, number) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    var process: pid_t = 0
    let status = withStrings(["sh", "-c", command]) { arguments in
      withStrings(environment(line)) { variables in
        posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, variables)
      }
    }
    close(ends[0])
    guard status == 0 else {
      close(ends[1])
      return status == E2BIG ? Self.tooLong : 126
    }
    // A command that reads nothing is fine.
    try? Descriptor.write(line.bytes + [UInt8(ascii: "\n")], to: ends[1])
    close(ends[1])
    var result: Int32 = 0
    while waitpid(process, &result, 0) < 0, errno == EINTR {}
    return result & 0x7f == 0 ? (result >> 8) & 0xff : 128 + result & 0x7f
  }

  private func environment(_ line: HubLine) -> [String] {
    var variables: [String] = []
    var entry = environ
    while let text = entry.pointee {
      let variable = String(cString: text)
      // This program's own.
      if variable != "LIBDISPATCH_LOG=NO" { variables.append(variable) }
      entry += 1
    }
    func add(_ name: String, _ value: String) { variables.append("QQ_\(name)=\(value.replacing("\0", with: ""))") }
    func addEvent(_ type: String, _ id: MessageID, _ seq: Int64, _ time: Timestamp, from: String, to: [String]) {
      add("TYPE", type)
      add("ID", id.description)
      add("SEQ", String(seq))
      add("TIME", time.description)
      add("FROM", from)
      let (targets, isCut) = Self.joined(to)
      add("TO", targets)
      if isCut { add("TO_CUT", "1") }
    }
    switch line.frame {
    case .message(let message):
      addEvent("message", message.id, message.seq, message.time, from: message.from, to: message.to)
      add("ADDRESS", message.address)
      add("TEXT", message.text)
      add("REPLY_TO", message.replyTo?.description ?? "")
    case .file(let file):
      addEvent("file", file.id, file.seq, file.time, from: file.from, to: file.to)
      add("ADDRESS", file.address)
      add("NAME", file.info.name)
      add("SIZE", file.info.size.map { String($0) } ?? "")
    case .complete(let complete):
      addEvent("complete", complete.id, complete.seq, complete.time, from: complete.from, to: complete.to)
      add("NAME", complete.name)
      add("SIZE", String(complete.size))
    case .presence(let presence):
      add("TYPE", "presence")
      add("FROM", presence.nick)
      add("ADDRESS", presence.address)
      add("ONLINE", presence.online ? "true" : "false")
    case .gap(let from, let through):
      add("TYPE", "gap")
      add("SEQ", String(through))
      add("TEXT", "\(from) to \(through)")
    default: break
    }
    return variables
  }

  private func withStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeMutableBufferPointer { buffer in
      // The array is never empty: it ends with nil.
      body(buffer.baseAddress!)
    }
  }
}
