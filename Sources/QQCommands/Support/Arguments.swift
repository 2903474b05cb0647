/// What is done to the command line before it is parsed. Pure.
enum Arguments {
  /// Stands before an argument that begins with "-" and is no option. No argument of a process can hold it.
  private static let mark: Character = "\0"

  /// `--plaintext=lan` is how the manual writes it, and an option's value is never optional to the parser; a text that
  /// begins with "-" as no option does (`-5 °C`, `--- done ---`) is a text. Throws for `qq send bob -h`, which prints
  /// help to whoever wanted it sent.
  static func prepared(_ arguments: [String]) throws(CommandFailure) -> [String] {
    let arguments = arguments.map { $0 == "--plaintext=lan" ? "--plaintext-lan" : $0 }
    if arguments.first == "sendfile" { try checkFiles(arguments) }
    guard arguments.first == "send" else { return arguments }
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    let options = arguments[1..<end]
    if let help = options.first(where: { $0 == "-h" || $0 == "--help" }),
      options.contains(where: { !$0.hasPrefix("-") })
    {
      throw CommandFailure(
        .usage,
        "is \"\(help)\" the text? Then it comes after \"--\": qq send TARGETS -- \(help). \"qq send --help\" explains send"
      )
    }
    let marked = options.map { $0.hasPrefix("-") && !isOption($0) ? String(mark) + $0 : $0 }
    return ["send"] + marked + arguments[end...]
  }

  /// A file called `-dash` would be taken for `-d -a -s -h`, which prints help and sends nothing.
  private static func checkFiles(_ arguments: [String]) throws(CommandFailure) {
    let options = arguments.prefix { $0 != "--" }
    for argument in options where argument.hasPrefix("-") && !argument.hasPrefix("--") && argument.utf8.count > 2 {
      guard argument.dropFirst().contains(where: { $0 != "q" && $0 != "v" }) else { continue }
      throw CommandFailure(.usage, "\"\(argument)\" is no option; a file of that name is ./\(argument)")
    }
  }

  /// The argument as it was given.
  static func plain(_ argument: String) -> String {
    argument.first == mark ? String(argument.dropFirst()) : argument
  }

  /// Written as options are: `-q`, `--lines`, `--id=KEY`; or `-`, which is none of ours to judge.
  private static func isOption(_ argument: String) -> Bool {
    let body = argument.dropFirst()
    if body.utf8.count <= 1 { return body.utf8.allSatisfy(isLetter) }
    guard body.first == "-", let letter = body.dropFirst().utf8.first, isLetter(letter) else { return false }
    let name = body.dropFirst().prefix { $0 != "=" }
    return name.utf8.allSatisfy { isLetter($0) || $0 == UInt8(ascii: "-") }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
  }
}
