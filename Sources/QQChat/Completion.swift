import QQProtocol

/// What Tab gives. Pure but for the listing of folders, which is given to it.
public struct Completion: Equatable, Sendable {
  /// What stands before the cursor may become one of these.
  public var candidates: [Candidate]

  public struct Candidate: Equatable, Sendable {
    /// All that stands before the cursor then.
    public var line: String
    /// How it is listed.
    public var label: String
  }

  /// One entry of a folder.
  public struct Entry: Equatable, Sendable {
    public var name: String
    public var isFolder: Bool

    public init(name: String, isFolder: Bool) {
      self.name = name
      self.isFolder = isFolder
    }
  }
}

extension ChatModel {
  /// `before`: what stands before the cursor. `list`: the entries of a folder, `""` for the one the program is in.
  public func completion(_ before: String, list: (String) -> [Completion.Entry]) -> Completion {
    Completion(candidates: candidates(before, list))
  }

  private func candidates(_ before: String, _ list: (String) -> [Completion.Entry]) -> [Completion.Candidate] {
    guard before.hasPrefix("/"), !before.hasPrefix("//") else { return mentions(before) }
    let line = before.dropFirst()
    guard let space = line.firstIndex(of: " ") else {
      return words(ChatInput.commands.map { "/" + $0.name }, after: "", before, ending: " ")
    }
    let command = line[..<space]
    let arguments = line[line.index(after: space)...]
    let isFirst = !arguments.contains(" ")
    let start = String(before[..<arguments.startIndex])
    switch command {
    case "to", "query": return isFirst ? self.targets(start, arguments, ending: "") : []
    case "msg", "m", "w": return isFirst ? self.targets(start, arguments, ending: " ") : []
    case "history": return isFirst ? self.targets(start, arguments, ending: " ") : []
    case "file":
      guard let space = arguments.firstIndex(of: " ") else { return self.targets(start, arguments, ending: " ") }
      let path = arguments[arguments.index(after: space)...]
      return paths(String(before[..<path.startIndex]), path, list, onlyFolders: false)
    case "get":
      if isFirst {
        return words(
          offers.indices.suffix(20).reversed().map { String(firstOffer + $0) }, after: start, arguments, ending: "")
      }
      let path = arguments[arguments.index(after: arguments.firstIndex(of: " ") ?? arguments.startIndex)...]
      return paths(String(before[..<path.startIndex]), path, list, onlyFolders: true)
    case "join", "leave":
      return words(roster.groups.subtracting(["@all"]).sorted(), after: start, arguments, ending: "")
    case "who": return words(["all"] + roster.groups.sorted(), after: start, arguments, ending: "")
    default: return []
    }
  }

  /// At the beginning of a text a nick is whom it is for; elsewhere it is a word like any other.
  private func mentions(_ before: String) -> [Completion.Candidate] {
    let start = before.lastIndex { $0 == " " || $0 == "\n" }.map { before.index(after: $0) } ?? before.startIndex
    let word = before[start...]
    guard !word.isEmpty else { return [] }
    let head = String(before[..<start])
    if word.hasPrefix("@") {
      return words(roster.groups.sorted(), after: head, word, ending: " ")
    }
    return words(others, after: head, word, ending: head.isEmpty ? ": " : " ")
  }

  private var others: [String] { roster.nicks.filter { !Roster.same($0, nick) } }

  /// Several targets are joined by commas; the last one is completed.
  private func targets(_ start: String, _ typed: Substring, ending: String) -> [Completion.Candidate] {
    let last = typed.lastIndex(of: ",").map { typed.index(after: $0) } ?? typed.startIndex
    let names = aliases.entries.map(\.name) + others + roster.groups.sorted() + roster.addresses
    return words(names, after: start + typed[..<last], typed[last...], ending: ending)
  }

  /// Those of the words that begin like the one that is typed, whatever the case.
  private func words(
    _ all: [String], after head: String, _ typed: some StringProtocol, ending: String
  ) -> [Completion.Candidate] {
    let wanted = typed.lowercased()
    // What a hub says that can't be trusted is no key that was pressed.
    return all.filter { $0.lowercased().hasPrefix(wanted) && TextSafety.visible($0) == $0 }.map {
      .init(line: head + $0 + ending, label: $0)
    }
  }

  /// The rest of the line is the path, spaces and all.
  private func paths(
    _ head: String, _ path: Substring, _ list: (String) -> [Completion.Entry], onlyFolders: Bool
  ) -> [Completion.Candidate] {
    let nameStart = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let folder = String(path[..<nameStart])
    let name = path[nameStart...]
    return list(folder).filter { entry in
      entry.name.hasPrefix(name) && (name.hasPrefix(".") || !entry.name.hasPrefix("."))
        && (entry.isFolder || !onlyFolders)
        // What can't be typed.
        && TextSafety.visible(entry.name) == entry.name
    }
    .sorted { $0.name < $1.name }
    .map { entry in
      let end = entry.isFolder ? "/" : ""
      return .init(line: head + folder + entry.name + end, label: entry.name + end)
    }
  }
}
