import Foundation
import QQManual

/// `qq-manual QQ MAN COMPLETIONS`: makes the manual pages of the commands of the program QQ in the folder MAN, from what
/// the program says and what stands in MAN/sections, and the shells' scripts in the folder COMPLETIONS. Not installed.
@main
enum Main {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4 else {
      FileHandle.standardError.write(Data("usage: qq-manual QQ MAN COMPLETIONS\n".utf8))
      exit(64)
    }
    let folder = URL(fileURLWithPath: arguments[2])
    let dump = try JSONDecoder().decode(CommandInfo.Dump.self, from: output(["--experimental-dump-help"]))
    let completions = URL(fileURLWithPath: arguments[3])
    for shell in CompletionScript.allCases {
      let script = try String(decoding: output(["--generate-completion-script", shell.rawValue]), as: UTF8.self)
      try shell.text(script).write(
        to: completions.appendingPathComponent(shell.file), atomically: true, encoding: .utf8)
    }
    func read(_ name: String) throws -> String {
      try String(contentsOf: folder.appendingPathComponent("sections/\(name).mdoc"), encoding: .utf8)
    }
    let date = try String(contentsOf: folder.appendingPathComponent("date"), encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let events = EventCatalog.current
    try events.page(date: date, Sections(try read("qq-events"))).write(
      to: folder.appendingPathComponent("qq-events.5"), atomically: true, encoding: .utf8)
    try events.schema.write(
      to: folder.appendingPathComponent("qq-events.schema.json"), atomically: true, encoding: .utf8)
    for page in try Manual.pages(dump.command, date: date, sections: read) {
      try page.text.write(to: folder.appendingPathComponent(page.file), atomically: true, encoding: .utf8)
    }
  }

  /// What the program prints.
  private static func output(_ arguments: [String]) throws -> Data {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[1])
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
    return output.fileHandleForReading.readDataToEndOfFile()
  }
}
