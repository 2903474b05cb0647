import ArgumentParser
import Glibc
import QQClient
import QQProtocol

struct Get: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Fetch a file that was sent to you.",
    discussion: """
      ID is what the "file" event says. The file is saved here under its own name, with a number behind it where the name \
      is taken; -o names another folder, another name, or "-" for standard output. What was cut off is gone on from.
      """)

  @OptionGroup var options: GlobalOptions

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: .init("Where to save it; \"-\" is standard output.", valueName: "path"), completion: .file())
  var output: String?

  @Argument(help: "The file's id.", completion: LiveCompletion.files) var id: String

  func validate() throws {
    if MessageID(id) == nil { throw ValidationError("\"\(id)\" is no id: a \"file\" event has one, of 26 characters") }
    if output?.isEmpty == true { throw ValidationError("-o takes a path") }
  }

  func run() async throws {
    let context = try await CommandContext.find(options)
    guard let id = MessageID(id) else { return }
    let limit = context.timeout ?? 60_000
    let display = ProgressDisplay(context.output, options.output.settings, .current())
    let receiver = FileReceiver(
      try context.link(within: min(limit, 60_000)), .id(id), to: Self.destination(output),
      report: { display.show($0.id, $0.info.name, done: $1, total: $0.info.size) },
      notice: { notice in display.above { context.note(notice) } })
    let saved: SavedFile
    do {
      saved = try await withThrowingTaskGroup(of: SavedFile?.self) { group in
        group.addTask { try await receiver.run() }
        group.addTask {
          try await stillness(limit) { await receiver.steps }
          return nil
        }
        defer { group.cancelAll() }
        guard let saved = try await group.next() ?? nil else {
          throw CommandFailure(
            .temporary, "nothing came for too long: the sender may be gone. The same command goes on where it was")
        }
        return saved
      }
    } catch {
      display.end()
      if error is CancellationError, await receiver.isBegun, output != "-" {
        context.output.complain("not saved yet: the same command goes on where it was")
      }
      throw error
    }
    display.end()
    if saved.path != nil { try context.output.show(saved) }
  }

  static func destination(_ output: String?) -> FileDestination {
    guard let output else { return .folder(".") }
    if output == "-" { return .stream(1) }
    var status = stat()
    if output.hasSuffix("/") || stat(output, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR {
      return .folder(output)
    }
    guard let slash = output.utf8.lastIndex(of: UInt8(ascii: "/")) else { return .path(folder: ".", name: output) }
    let folder = output[..<slash]
    return .path(
      folder: folder.isEmpty ? "/" : String(folder), name: String(output[output.utf8.index(after: slash)...]))
  }
}

extension Output {
  func show(_ saved: SavedFile) throws {
    let text = "saved \(TextSafety.visible(saved.path ?? saved.info.name)) from \(TextSafety.visible(saved.from))"
    try show(text: text) { json in
      json.begin("saved")
      json.field("id", saved.id)
      json.field("seq", saved.seq)
      json.field("from", saved.from)
      json.field("name", saved.info.name)
      json.field("path", saved.path)
      json.field("hash", saved.hash.description)
      json.end()
    }
  }
}
