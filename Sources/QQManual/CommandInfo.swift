/// What the argument parser says of a command (`qq --experimental-dump-help`), as far as a manual page needs it.
public struct CommandInfo: Decodable, Sendable {
  public var commandName: String
  public var abstract: String?
  public var discussion: String?
  public var shouldDisplay: Bool?
  public var subcommands: [CommandInfo]?
  public var arguments: [Argument]?

  public struct Dump: Decodable, Sendable {
    public var command: CommandInfo
  }

  public struct Argument: Decodable, Sendable {
    public enum Kind: String, Decodable, Sendable {
      case positional, option, flag
    }

    public struct Name: Decodable, Sendable {
      public var kind: String
      public var name: String
    }

    public var kind: Kind
    public var shouldDisplay: Bool
    public var isOptional: Bool
    public var isRepeating: Bool
    public var names: [Name]?
    public var preferredName: Name?
    public var valueName: String?
    public var defaultValue: String?
    public var abstract: String?
  }

  /// Those that a page shows, without the parser's own.
  var shown: [Argument] {
    (arguments ?? []).filter { $0.shouldDisplay && !["help", "version"].contains($0.preferredName?.name ?? "") }
  }

  var children: [CommandInfo] {
    (subcommands ?? []).filter { $0.shouldDisplay != false && $0.commandName != "help" }
  }
}

extension CommandInfo.Argument {
  /// `Fl q , Fl -quiet`, with the value's name.
  var heading: String {
    let names = (names ?? []).sorted { ($0.kind == "short" ? 0 : 1) < ($1.kind == "short" ? 0 : 1) }
    guard kind != .positional else { return "Ar " + Mdoc.word(valueName ?? "") }
    return names.map { "Fl " + Mdoc.word(($0.kind == "short" ? "" : "-") + $0.name) }.joined(separator: " , ") + value
  }

  /// As in a synopsis.
  var usage: String {
    switch kind {
    case .positional:
      let word = "Ar " + Mdoc.word(valueName ?? "") + (isRepeating ? " ..." : "")
      return isOptional ? ".Op " + word : "." + word
    case .option, .flag:
      let name = preferredName ?? names?.first
      let word = "Fl " + Mdoc.word((name?.kind == "short" ? "" : "-") + (name?.name ?? "")) + value
      return isOptional ? ".Op " + word : "." + word
    }
  }

  private var value: String { kind == .option ? " Ar " + Mdoc.word(valueName ?? "") : "" }
}
