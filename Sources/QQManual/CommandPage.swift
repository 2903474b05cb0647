/// The manual page of a command: what the command says of itself, and what was written for it by hand.
public struct CommandPage: Sendable {
  private let command: CommandInfo
  private let sections: Sections
  private let shared: Sections
  private let date: String

  /// `shared`: sections for every page that has none of its own by that name.
  public init(_ command: CommandInfo, _ sections: Sections, shared: Sections, date: String) {
    self.command = command
    self.sections = sections
    self.shared = shared
    self.date = date
  }

  /// Options that nearly every command has; they come last.
  private static let common = ["hub", "nick", "timeout", "plaintext", "json", "text", "quiet", "verbose"]

  /// mdoc(7)'s order of sections.
  private static let order = ["ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "DIAGNOSTICS"]

  private var isRoot: Bool { command.commandName == "qq" }
  private var name: String { isRoot ? "qq" : "qq-" + command.commandName }

  public var text: String {
    var out = [
      ".\\\" Made by \"make man\" from the command itself and man/sections/\(name).mdoc: edit those.",
      ".Dd \(date)", ".Dt \(name.uppercased()) 1", ".Os", ".Sh NAME", ".Nm \(name)",
      ".Nd \(summary)", ".Sh SYNOPSIS",
    ]
    out += synopsis
    out += [".Sh DESCRIPTION"]
    out += description
    for section in Self.order {
      guard let body = sections[section] ?? shared[section] else { continue }
      out += [".Sh \(section)", body]
    }
    out += [".Sh SEE ALSO", seeAlso]
    if let caveats = sections["CAVEATS"] { out += [".Sh CAVEATS", caveats] }
    return out.joined(separator: "\n") + "\n"
  }

  /// In lower case and without a period, as mdoc(7) has it.
  private var summary: String {
    let first = (command.abstract ?? "").split(separator: ".").first.map { String($0) } ?? ""
    return Mdoc.escaped(first.prefix(1).lowercased() + first.dropFirst())
  }

  private var synopsis: [String] {
    guard command.children.isEmpty else {
      return isRoot
        ? [".Nm qq", ".Ar command", ".Op Ar argument ..."]
        : command.children.flatMap { [".Nm qq", ".Cm \(command.commandName) \($0.commandName)"] + usage(of: $0) }
    }
    return [".Nm qq", ".Cm \(command.commandName)"] + usage(of: command)
  }

  private func usage(of command: CommandInfo) -> [String] {
    let arguments = command.shown
    let own = arguments.filter { $0.kind != .positional && !isCommon($0) }
    let hasCommon = arguments.contains(where: isCommon)
    return own.map(\.usage) + (hasCommon ? [".Op Ar common options"] : [])
      + arguments.filter { $0.kind == .positional }.map(\.usage)
  }

  private func isCommon(_ argument: CommandInfo.Argument) -> Bool {
    argument.kind != .positional && Self.common.contains(argument.preferredName?.name ?? "")
      && !(command.commandName == "alias")
  }

  private var description: [String] {
    var out = [Mdoc.paragraph(command.abstract ?? "")]
    if let discussion = command.discussion { out += [".Pp", Mdoc.paragraph(discussion)] }
    if !sections.description.isEmpty { out += [".Pp", sections.description] }
    if !command.children.isEmpty { out += [".Pp", "The commands are as follows:"] + children }
    let options = command.children.isEmpty ? command.shown : command.children.first?.shown.filter(isCommon) ?? []
    let own = options.filter { !isCommon($0) }
    if !own.isEmpty { out += [".Pp", "The arguments are as follows:"] + list(own) }
    let common = options.filter(isCommon)
    if !common.isEmpty, !isRoot { out += [".Pp", "The common options are as follows:"] + list(common) }
    return out
  }

  private var children: [String] {
    var out = [".Bl -tag -width Ds"]
    for child in command.children {
      if isRoot {
        out += [".It Xr qq-\(child.commandName) 1", Mdoc.paragraph(child.abstract ?? "")]
      } else {
        let arguments = child.shown.filter { $0.kind == .positional }.map { " " + $0.heading }.joined()
        out += [".It Cm \(child.commandName)\(arguments)", Mdoc.paragraph(child.abstract ?? "")]
        if let discussion = child.discussion { out += [Mdoc.paragraph(discussion)] }
      }
    }
    return out + [".El"]
  }

  private func list(_ arguments: [CommandInfo.Argument]) -> [String] {
    var out = [".Bl -tag -width Ds"]
    for argument in arguments {
      out.append(".It \(argument.heading)")
      var text = argument.abstract ?? ""
      if let value = argument.defaultValue { text += " Default: \(value)." }
      out.append(Mdoc.paragraph(text))
    }
    return out + [".El"]
  }

  private var seeAlso: String {
    let own = sections["SEE ALSO"].map { $0.split(separator: "\n").map { String($0) } } ?? []
    let always = isRoot ? [] : ["qq 1"]
    let pages = always + own + ["qq-config 5", "qq-events 5", "qq-protocol 7", "qq-security 7"]
    var seen: Set<String> = []
    let sorted = pages.filter { seen.insert($0).inserted && $0 != "\(name) 1" }.sorted { a, b in
      let (x, y) = (a.split(separator: " "), b.split(separator: " "))
      return (x[1], x[0]) < (y[1], y[0])
    }
    return sorted.enumerated().map { ".Xr \($0.element)\($0.offset + 1 < sorted.count ? " ," : "")" }
      .joined(separator: "\n")
  }
}

/// All pages that come from commands.
public enum Manual {
  /// `sections`: the hand-written part of the page of this name, and what all share, called `shared`.
  public static func pages(
    _ root: CommandInfo, date: String, sections: (String) throws -> String
  ) rethrows -> [(file: String, text: String)] {
    let shared = Sections(try sections("shared"))
    return try ([root] + root.children).map { command in
      let name = command.commandName == "qq" ? "qq" : "qq-" + command.commandName
      let page = CommandPage(command, Sections(try sections(name)), shared: shared, date: date)
      return (name + ".1", page.text)
    }
  }
}
