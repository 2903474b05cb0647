import ArgumentParser
import QQProtocol

/// Options that every command has: what its output looks like.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print JSON Lines, also on a terminal.")
  var json = false

  @Flag(help: "Print text for reading, also into a pipe.")
  var text = false

  @Flag(name: .shortAndLong, help: "No notes on standard error, only what went wrong.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Say more about what is done.")
  var verbose = false

  func validate() throws {
    if json && text { throw ValidationError("--json and --text exclude each other") }
  }

  var settings: OutputSettings {
    OutputSettings(format: json ? .json : text ? .text : nil, isQuiet: quiet, isVerbose: verbose)
  }
}

/// Options of every command that speaks to a hub.
struct GlobalOptions: ParsableArguments {
  @Option(help: .init("The hub to use.", valueName: "host[:port]"), completion: LiveCompletion.hubs)
  var hub: String?

  @Option(
    help: .init("The user to be: selects the identity of that name, made on first use.", valueName: "name"),
    completion: LiveCompletion.identities)
  var nick: String?

  @OptionGroup var output: OutputOptions

  @Option(help: .init("How long to wait: 500ms, 10s, 5m, 2h, 7d; a bare number is seconds.", valueName: "duration"))
  var timeout: DurationOption?

  @Flag(help: "Speak without encryption, to a hub that was started with --plaintext.")
  var plaintext = false

  var settings: CommonSettings {
    CommonSettings(
      hub: hub.map(Arguments.plain), nick: nick.map(Arguments.plain), output: output.settings,
      timeout: timeout?.milliseconds, plaintext: plaintext)
  }
}

/// A duration on the command line.
struct DurationOption: ExpressibleByArgument, Sendable {
  var milliseconds: Int64

  init?(argument: String) {
    guard let milliseconds = DurationText.milliseconds(argument) else { return nil }
    self.milliseconds = milliseconds
  }

  init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  var defaultValueDescription: String { DurationText.describe(milliseconds: milliseconds) }
}

/// How long something is kept or holds, on the command line: with its unit, as a number alone may be meant as days.
struct AgeOption: ExpressibleByArgument, Sendable {
  var milliseconds: Int64

  init?(argument: String) {
    guard let milliseconds = Self.milliseconds(argument) else { return nil }
    self.milliseconds = milliseconds
  }

  init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  /// nil for what has no unit, and for no time at all.
  static func milliseconds(_ text: String) -> Int64? {
    guard text.last?.isNumber == false else { return nil }
    return DurationText.milliseconds(text).flatMap { $0 > 0 ? $0 : nil }
  }

  var defaultValueDescription: String { DurationText.describe(milliseconds: milliseconds) }
}

/// A number of bytes on the command line.
struct SizeOption: ExpressibleByArgument, Sendable {
  var bytes: Int64

  init?(argument: String) {
    guard let bytes = ByteCount.parse(argument) else { return nil }
    self.bytes = bytes
  }

  init(bytes: Int64) {
    self.bytes = bytes
  }

  var defaultValueDescription: String { ByteCount.text(bytes) }
}
