import QQClient
import QQProtocol

/// Where and as whom a command speaks to a hub, and what its output looks like: `GlobalOptions` as plain values.
struct CommonSettings: Equatable, Sendable {
  var hub: String?
  var nick: String?
  var output = OutputSettings()
  /// Milliseconds.
  var timeout: Int64?
  var plaintext = false
}

struct OutputSettings: Equatable, Sendable {
  var format: OutputFormat?
  var isQuiet = false
  var isVerbose = false
}

/// What `qq send` is asked to do, as plain values.
struct SendRequest: Equatable, Sendable {
  enum Input: Equatable, Sendable {
    case text(String)
    /// All of standard input is one message.
    case whole
    /// Each line of it is one.
    case lines
    /// Each object of it is one.
    case objects
  }

  var common = CommonSettings()
  var input = Input.whole
  var wait = WaitLevel.stored
  var key: String?
  var replyTo: MessageID?
  var lastSeen = false
  var targets: [String] = []

  var isStream: Bool { input == .lines || input == .objects }
}

extension SendRequest {
  /// Reads the command lines that scripts are full of: `send`, a few options before TARGETS and TEXT, in words of their
  /// own. Nil for anything else, which the parser reads or explains. What this reads, the parser reads alike: a test
  /// compares them. Why at all: looking up its own types takes the parser longer than a message takes from here to the
  /// hub's answer, and `qq send` runs in loops.
  init?(quickly arguments: [String]) {
    guard arguments.first == "send" else { return nil }
    var rest = arguments.dropFirst()
    var format: OutputFormat?
    while let option = rest.first, option.utf8.first == UInt8(ascii: "-") {
      rest = rest.dropFirst()
      switch option {
      case "--plaintext": common.plaintext = true
      case "--json" where format != .text: format = .json
      case "--text" where format != .json: format = .text
      case "-q", "--quiet": common.output.isQuiet = true
      case "--last-seen": lastSeen = true
      case "--hub", "--nick", "--id":
        guard let value = rest.popFirst(), value.utf8.first.map({ $0 != UInt8(ascii: "-") }) == true else { return nil }
        switch option {
        case "--hub": common.hub = Arguments.plain(value)
        case "--nick": common.nick = Arguments.plain(value)
        default: key = Arguments.plain(value)
        }
      default: return nil
      }
    }
    guard rest.count >= 2, rest.allSatisfy({ $0.utf8.first != UInt8(ascii: "-") }), let first = rest.popFirst() else {
      return nil
    }
    targets = Target.split(Arguments.plain(first))
    guard !targets.isEmpty else { return nil }
    common.output.format = format
    input = .text(rest.map(Arguments.plain).joined(separator: " "))
  }
}
