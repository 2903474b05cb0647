import ArgumentParser
import QQIdentity
import QQProtocol

struct Alias: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alias", abstract: "Name an address, a user or a group, for yourself alone.",
    discussion: """
      "qq alias 192.168.1.5 printer", and "printer" can be written wherever a target can; where somebody is called so, too, \
      it stands for the alias. Without arguments all aliases are printed. They are kept in the file "aliases" beside \
      config.json, a line each, the name first.
      """)

  @OptionGroup var options: OutputOptions

  @Flag(help: "Forget the alias NAME, the only argument then.")
  var remove = false

  @Argument(help: .init("What the name stands for: an address, a nick or a @group.", valueName: "target"))
  var target: String?

  @Argument(help: .init("The name.", valueName: "name"))
  var name: String?

  func validate() throws {
    if remove, target == nil || name != nil { throw ValidationError("--remove takes the alias to forget") }
    if !remove, target != nil, name == nil { throw ValidationError("the name for \"\(target ?? "")\" is missing") }
  }

  func run() throws {
    let environment = Environment.current()
    let output = Output(options.settings, environment)
    let file = AliasFile(environment)
    var aliases = try file.load()
    guard let target else {
      for entry in aliases.entries { try output.show(entry) }
      return
    }
    if remove {
      guard aliases.remove(target) else {
        let nearest = NearestName.nearest(to: target, among: aliases.entries.map(\.name))
        throw CommandFailure(
          .noUser, "there is no alias \"\(target)\"\(nearest.map { " (did you mean \"\($0)\"?)" } ?? "")")
      }
      return try file.save(aliases)
    }
    let name = name ?? ""
    do throws(AliasFault) {
      try aliases.set(name, to: target)
    } catch {
      throw CommandFailure(.usage, error.message)
    }
    try file.save(aliases)
    try output.show(Aliases.Entry(name: name, target: aliases.resolve(name)))
  }
}

/// Where aliases are kept.
struct AliasFile {
  private let path: String
  private let directory: String

  init(_ environment: Environment) {
    directory = environment.configDirectory
    path = directory + "/aliases"
  }

  func load() throws -> Aliases {
    let bytes: [UInt8]
    do throws(IdentityError) {
      bytes = try PrivateFile.read(path, limit: 1 << 20)
    } catch .missing {
      return Aliases()
    } catch {
      throw CommandFailure(.config, error.message)
    }
    do throws(AliasFault) {
      return try Aliases(text: String(decoding: bytes, as: UTF8.self))
    } catch {
      throw CommandFailure(.config, "\(path): \(error.message)")
    }
  }

  func save(_ aliases: Aliases) throws {
    do throws(IdentityError) {
      try PrivateFile.makeDirectory(directory)
      try PrivateFile.write(Array(aliases.text.utf8), to: path, mode: 0o644, replacing: true)
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
  }
}

extension Output {
  fileprivate func show(_ entry: Aliases.Entry) throws {
    try show(text: "\(entry.name)  \(entry.target)") { json in
      json.begin("alias")
      json.field("name", entry.name)
      json.field("target", entry.target)
      json.end()
    }
  }
}
