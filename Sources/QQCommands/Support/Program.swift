import ArgumentParser
import Glibc
import QQClient
import QQIdentity
import QQProtocol
import Synchronization

/// From arguments to an exit status.
public enum Program {
  /// Not `async`: by the time an asynchronous main runs there are threads already, which a signal would find
  /// unprepared.
  public static func main() -> Never {
    // Its threads ask for priorities that an ordinary user can't have, and every refusal would be a line in the system's
    // log: of each "qq send", too. A child doesn't inherit it: see `CommandRunner`.
    setenv("LIBDISPATCH_LOG", "NO", 0)
    let command = CommandLine.arguments.dropFirst().first
    // A hub that somebody watches ends with the terminal; one that nobody does is told by SIGHUP to read its files anew.
    Signals.watch(ownsTerminal: command == "chat", reloads: command == "serve" && isatty(2) == 0)
    Task { await run() }
    while true { pause() }
  }

  private static func run() async -> Never {
    do {
      let arguments = try Arguments.prepared(Array(CommandLine.arguments.dropFirst()))
      let task = Task { try await run(arguments) }
      if arguments.first != "serve" {
        Signals.onFirst {
          interrupted.store(true, ordering: .relaxed)
          task.cancel()
          // Looking up a name, for one, is not to be cancelled.
          Thread.detach {
            sleep(2)
            _exit(ExitStatus.interrupted.rawValue)
          }
        }
      }
      try await task.value
      exit(ExitStatus.done.rawValue)
    } catch {
      finish(error)
    }
  }

  private static func run(_ arguments: [String]) async throws {
    if let request = SendRequest(quickly: arguments) { return try await SendRun(request).run() }
    // What a shell completes may have to be waited for, which no thread that others need may do.
    if arguments.first == "---completion" {
      try await Thread.run { Result { _ = try QQ.parseAsRoot(arguments) } }.get()
    }
    var command = try command(arguments)
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      try command.run()
    }
  }

  /// The command with its arguments. Looking at one command alone takes a third of the time that the whole tree of them
  /// does, which is most of what a short command takes at all; where that isn't enough, for help or an error, the tree is
  /// asked.
  static func command(_ arguments: [String]) throws -> any ParsableCommand {
    let named = QQ.configuration.subcommands.first { $0.configuration.commandName == arguments.first }
    // Asked for help, the parser gives a command of its own, which would know nothing of the tree.
    if let named, let command = try? named.parseAsRoot(Array(arguments.dropFirst())), type(of: command) == named {
      return command
    }
    // The parser shows its general help for a command that isn't there.
    let asked = arguments.first == "help" ? Array(arguments.dropFirst()) : arguments
    let isThere = QQ.configuration.subcommands.contains { $0.configuration.commandName == asked.first }
    if !isThere, let first = asked.first, !first.hasPrefix("-"), first != "help" {
      let names = QQ.configuration.subcommands.compactMap { $0.configuration.commandName }
      let nearest = NearestName.nearest(to: first, among: names).map { " (did you mean \"\($0)\"?)" } ?? ""
      throw CommandFailure(.usage, "there is no command \"\(first)\"\(nearest): \"qq help\" lists them")
    }
    return try QQ.parseAsRoot(arguments)
  }

  /// What is wrong, for people.
  static func message(of error: any Error) -> String {
    switch error {
    case let failure as CommandFailure: failure.message ?? "it failed"
    case let client as ClientError: client.message
    case let identity as IdentityError: identity.message
    case let file as FileError: file.message
    default: "internal error: \(error)"
    }
  }

  private static let interrupted = Atomic<Bool>(false)

  private static func finish(_ error: any Error) -> Never {
    var error = error
    if interrupted.load(ordering: .relaxed), !(error is CommandFailure) || error is CancellationError {
      exit(ExitStatus.interrupted.rawValue)
    }
    if let identity = error as? IdentityError { error = CommandFailure(ExitStatus(identity), identity.message) }
    if let file = error as? FileError, file.kind == .outputClosed { error = OutputClosed() }
    if let file = error as? FileError { error = CommandFailure(ExitStatus(file), file.message) }
    switch error {
    case is OutputClosed:
      exit(ExitStatus.done.rawValue)
    case is CancellationError:
      exit(ExitStatus.interrupted.rawValue)
    case let failure as CommandFailure:
      if let message = failure.message { Output.complain(message) }
      exit(interrupted.load(ordering: .relaxed) ? ExitStatus.interrupted.rawValue : failure.status.rawValue)
    case let client as ClientError:
      Output.complain(client.message)
      exit(ExitStatus(client).rawValue)
    default:
      let isOurs = QQ.exitCode(for: error) == .failure
      if isOurs {
        Output.complain("internal error: \(error)")
        exit(ExitStatus.software.rawValue)
      }
      let status = QQ.exitCode(for: error)
      if status.isSuccess { QQ.exit(withError: error) }
      Output.complain("\(QQ.message(for: error)) (see \"qq \(subcommand)--help\")")
      exit(ExitStatus.usage.rawValue)
    }
  }

  /// The command that was asked for, where there is one, and a space.
  private static var subcommand: String {
    guard CommandLine.arguments.count > 1 else { return "" }
    let name = CommandLine.arguments[1]
    let inner = QQ.configuration.subcommands.first { $0._commandName == name }?.configuration.subcommands
    if CommandLine.arguments.count > 2, inner?.contains(where: { $0._commandName == CommandLine.arguments[2] }) == true
    {
      return "\(name) \(CommandLine.arguments[2]) "
    }
    return QQ.configuration.subcommands.contains { $0._commandName == name } ? name + " " : ""
  }
}
