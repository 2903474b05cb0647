import ArgumentParser
import Glibc
import QQClient
import QQIdentity
import Synchronization

/// From arguments to an exit status.
public enum Program {
  /// Not `async`: by the time an asynchronous main runs there are threads already, which a signal would find
  /// unprepared.
  public static func main() -> Never {
    Signals.watch()
    Task { await run() }
    while true { pause() }
  }

  private static func run() async -> Never {
    do {
      let arguments = rewritten(Array(CommandLine.arguments.dropFirst()))
      let task = Task {
        var command = try await QQ.asyncParseAsRoot(arguments)
        if var command = command as? any AsyncParsableCommand {
          try await command.run()
        } else {
          try command.run()
        }
      }
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

  private static let interrupted = Atomic<Bool>(false)

  /// `--plaintext=lan` is how the manual writes it; an option's value is never optional to the parser.
  static func rewritten(_ arguments: [String]) -> [String] {
    arguments.map { $0 == "--plaintext=lan" ? "--plaintext-lan" : $0 }
  }

  private static func finish(_ error: any Error) -> Never {
    var error = error
    if interrupted.load(ordering: .relaxed), !(error is CommandFailure) || error is CancellationError {
      exit(ExitStatus.interrupted.rawValue)
    }
    if let identity = error as? IdentityError { error = CommandFailure(ExitStatus(identity), identity.message) }
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
    return QQ.configuration.subcommands.contains { $0._commandName == name } ? name + " " : ""
  }
}
