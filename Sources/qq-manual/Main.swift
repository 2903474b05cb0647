import Foundation
import QQManual

/// `qq-manual QQ FOLDER`: makes the manual pages of the commands of the program QQ in FOLDER, from what the program says
/// and what stands in FOLDER/sections. Not installed.
@main
enum Main {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else {
      FileHandle.standardError.write(Data("usage: qq-manual QQ FOLDER\n".utf8))
      exit(64)
    }
    let folder = URL(fileURLWithPath: arguments[2])
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: arguments[1])
    process.arguments = ["--experimental-dump-help"]
    process.standardOutput = output
    try process.run()
    let dump = try JSONDecoder().decode(CommandInfo.Dump.self, from: output.fileHandleForReading.readDataToEndOfFile())
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
}
