import ArgumentParser
import QQClient
import QQProtocol

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Print how the hub is doing.",
    discussion: """
      For owners of the hub. The same numbers, and more, are what "qq serve --metrics" tells Prometheus. What is counted \
      is counted since the hub's start.
      """)

  @OptionGroup var options: GlobalOptions

  @Flag(help: "Go on, every two seconds.")
  var watch = false

  func run() async throws {
    let context = try await CommandContext.find(options)
    repeat {
      try await request(context, .status(ref: 1)) { line in
        guard case .status = line.frame else { return false }
        try context.output.show([line.withoutRef])
        return true
      }
      if watch { try await Task.sleep(for: .seconds(2)) }
    } while watch
  }
}
