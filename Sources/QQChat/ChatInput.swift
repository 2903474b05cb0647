import QQProtocol

/// What a typed line asks for. Pure.
enum ChatInput: Equatable, Sendable {
  case nothing
  case text(String)
  case to([String])
  case message([String], String)
  case file([String], path: String)
  case get(String, folder: String?)
  case who(WhoScope)
  case nick(String)
  case join(String)
  case leave(String?)
  case history(target: String?, count: Int)
  case help
  case quit
  /// What is wrong, and what to type.
  case fault(String)

  /// It waits until the hub has it.
  var isMessage: Bool {
    switch self {
    case .text, .message: true
    default: false
    }
  }

  enum WhoScope: Equatable, Sendable {
    case online
    case all
    case group(String)
  }

  static let commands: [(name: String, arguments: String, does: String)] = [
    ("to", "TARGET", "write to TARGET from here on: a nick, an address, a @group, or several joined by commas"),
    ("msg", "TARGET TEXT", "one message to TARGET"),
    ("file", "TARGET PATH", "send a file or a folder"),
    ("get", "ID [FOLDER]", "fetch a file that was offered, by its number or its id; without ID the newest"),
    ("who", "[all|@GROUP]", "who is online; all: who isn't, too"),
    ("nick", "NAME", "be called NAME"),
    ("join", "@GROUP", "enter a group and write to it"),
    ("leave", "[@GROUP]", "leave a group"),
    ("history", "[TARGET] [COUNT]", "what was said with TARGET, the newest 20 or COUNT"),
    ("help", "", "this list"),
    ("quit", "", "leave the chat; Ctrl-D does the same"),
  ]

  /// What people type who know other chats.
  private static let aliases = ["m": "msg", "w": "msg", "query": "to", "exit": "quit", "q": "quit", "?": "help"]

  static let historyCount = 20
  private static let longestHistory = 1_000

  init(_ line: String) {
    guard line.utf8.first == UInt8(ascii: "/") else {
      self = line.allSatisfy(\.isWhitespace) ? .nothing : .text(line)
      return
    }
    guard !line.hasPrefix("//") else {
      self = .text(String(line.dropFirst()))
      return
    }
    let (word, rest) = Self.word(line.dropFirst())
    let name = Self.aliases[word] ?? word.lowercased()
    self = Self.command(name, rest) ?? .fault(Self.unknown(word))
  }

  private static func unknown(_ word: String) -> String {
    let nearest = NearestName.nearest(to: word, among: commands.map(\.name)).map { " (did you mean \"/\($0)\"?)" } ?? ""
    return
      "there is no command \(quoted("/" + word))\(nearest): /help lists them, and a text that begins with / is sent by //"
  }

  /// What was typed, as an error repeats it: enough of it to be known again.
  static func quoted(_ word: String) -> String {
    let cut = Columns.cut(word, 40).text
    return "\"\(cut)\(cut.utf8.count < word.utf8.count ? "…" : "")\""
  }

  /// nil where there is no such command.
  private static func command(_ name: String, _ rest: Substring) -> ChatInput? {
    guard let entry = commands.first(where: { $0.name == name }) else { return nil }
    return arguments(of: name, rest)
      ?? .fault("usage: /\(name)\(entry.arguments.isEmpty ? "" : " " + entry.arguments)")
  }

  /// nil where they are wrong.
  private static func arguments(of name: String, _ rest: Substring) -> ChatInput? {
    let (first, more) = word(rest)
    // A message may hold anything; elsewhere spaces at the end mean nothing.
    let single = more.allSatisfy(\.isWhitespace) ? first : nil
    switch name {
    case "to":
      let targets = Target.split(rest.trimmed)
      return targets.isEmpty ? nil : targets.contains { $0.contains(" ") } ? nil : .to(targets)
    case "msg":
      let targets = Target.split(first)
      return targets.isEmpty || more.allSatisfy(\.isWhitespace) ? nil : .message(targets, String(more))
    case "file":
      let targets = Target.split(first)
      let path = unquoted(more.trimmed)
      return targets.isEmpty || path.isEmpty ? nil : .file(targets, path: path)
    case "get":
      let folder = unquoted(more.trimmed)
      return .get(first, folder: folder.isEmpty ? nil : folder)
    case "who":
      guard let single else { return nil }
      if single.isEmpty { return .who(.online) }
      if single == "all" { return .who(.all) }
      return single.hasPrefix("@") ? .who(.group(single)) : nil
    case "nick": return single.flatMap { $0.isEmpty ? nil : .nick($0) }
    case "join": return single.flatMap { $0.isEmpty ? nil : .join(groupName($0)) }
    case "leave": return single.map { .leave($0.isEmpty ? nil : groupName($0)) }
    case "history": return history(first, more.trimmed)
    case "help": return .help
    case "quit": return rest.allSatisfy(\.isWhitespace) ? .quit : nil
    default: return nil
    }
  }

  private static func history(_ first: String, _ second: String) -> ChatInput? {
    if first.isEmpty { return .history(target: nil, count: historyCount) }
    if second.isEmpty, let count = Int(first) {
      return 1...longestHistory ~= count ? .history(target: nil, count: count) : nil
    }
    guard !second.isEmpty else { return .history(target: first, count: historyCount) }
    guard let count = Int(second), 1...longestHistory ~= count else { return nil }
    return .history(target: first, count: count)
  }

  /// `ops` is as good as `@ops` where only a group can be meant.
  private static func groupName(_ text: String) -> String { text.hasPrefix("@") ? text : "@" + text }

  /// A path may be pasted from a shell: in quotes, or with backslashes before its spaces.
  private static func unquoted(_ path: String) -> String {
    for quote in ["\"", "'"] where path.utf8.count >= 2 && path.hasPrefix(quote) && path.hasSuffix(quote) {
      return String(path.dropFirst().dropLast())
    }
    return path.replacing("\\ ", with: " ")
  }

  private static func word(_ text: Substring) -> (word: String, rest: Substring) {
    let text = text.drop { $0 == " " }
    let end = text.firstIndex { $0 == " " || $0 == "\n" } ?? text.endIndex
    return (String(text[..<end]), text[end...].dropFirst())
  }
}

extension Substring {
  fileprivate var trimmed: String {
    var text = drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

/// What a line can ask for, for who asks.
public enum ChatHelp {
  public static var text: String {
    ChatInput.commands.map { "/\($0.name)\($0.arguments.isEmpty ? "" : " " + $0.arguments)  \($0.does)" }
      .joined(separator: "\n")
  }
}
