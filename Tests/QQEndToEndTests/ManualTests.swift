import FoundationEssentials
import Glibc
import QQManual
import QQTestSupport
import Testing

@Suite("the manual pages") struct ManualTests {
  /// `man/` of these sources.
  private static let folder: String = {
    let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(tests)/man"
  }()

  private static func pages(_ suffixes: [String] = [".1", ".5", ".7"]) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if suffixes.contains(where: name.hasSuffix) { names.append(name) }
    }
    return names.sorted()
  }

  private static func read(_ name: String) throws -> String { try TemporaryFolder.contents("\(folder)/\(name)") }

  @Test("each command's page says what the command says: \"make man\" makes it anew")
  func current() async throws {
    try await Scene.run { scene in
      let dump = try scene.start(["--experimental-dump-help"])
      #expect(try await dump.end() == 0)
      let text = dump.rest.map(\.text).joined(separator: "\n")
      let root = try JSONDecoder().decode(CommandInfo.Dump.self, from: Data(text.utf8)).command
      let date = try Self.read("date").split(separator: "\n").first.map { String($0) } ?? ""
      let pages = try Manual.pages(root, date: date) { try Self.read("sections/\($0).mdoc") }
      #expect(pages.count == 19)
      for page in pages { #expect(try Self.read(page.file) == page.text, "\(page.file) is stale") }
      #expect(Self.pages([".1"]) == pages.map(\.file).sorted())
      let events = try EventCatalog.current.page(date: date, Sections(Self.read("sections/qq-events.mdoc")))
      #expect(try Self.read("qq-events.5") == events, "qq-events.5 is stale")
      #expect(try Self.read("qq-events.schema.json") == EventCatalog.current.schema, "the schema is stale")
    }
  }

  @Test("mandoc finds nothing wrong in any page", arguments: pages())
  func lint(_ page: String) async throws {
    try await Scene.run { scene in
      let lint = try scene.start(
        program: "/usr/bin/mandoc", ["-T", "lint", "-W", "warning", "\(Self.folder)/\(page)"])
      let status = try await lint.end()
      #expect(lint.rest.map(\.text) == [])
      #expect(status == 0)
    }
  }

  @Test(
    "every example of a command's page works when it is pasted",
    .enabled(if: Namespaces.arePossible, "needs root, for a network of its own where the port is free"),
    arguments: pages([".1"]))
  func examples(_ page: String) async throws {
    let examples = Example.all(in: try Self.read(page))
    #expect(!examples.isEmpty)
    for example in examples {
      try await Scene.run { scene in
        let networks = try await Namespaces(1, scene)
        try await prepare(scene, networks, example)
        let script = try scene.start(
          program: "/usr/bin/timeout", (example.isEndless ? ["3"] : ["60"]) + run(example.script, networks),
          environment: environment(example, scene))
        let status = try await script.end()
        // Told to end, or ended by itself where there was nothing more to read.
        #expect(status == 0 || example.isEndless && status == 124, "\(page): \(example.script)")
        #expect(!script.standardError.contains("internal error"))
        if status != 0, !example.isEndless {
          Issue.record("\(example.script)\n\(script.standardError)\(script.rest.map(\.text))")
        }
      }
    }
  }

  /// In a process namespace of its own, so that what it leaves in the background ends with it.
  private func run(_ script: String, _ networks: Namespaces) -> [String] {
    networks.inside(0) + [
      "/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-e", "-c",
      "cd \"$HOME\"/work\n" + script,
    ]
  }

  private func environment(_ example: Example, _ scene: Scene) -> [String: String] {
    let programs = Scene.binary.split(separator: "/").dropLast().joined(separator: "/")
    return [
      "QQ_HUB": example.needsHub ? "127.0.0.1:6789" : "",
      "PATH": "/\(programs):/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    ]
  }

  /// A hub, bob who takes whatever comes, a group, one who can be removed, and something to send.
  private func prepare(_ scene: Scene, _ networks: Namespaces, _ example: Example) async throws {
    try scene.folder.makeDirectory("work")
    try scene.folder.makeDirectory("work/photos")
    try scene.folder.write("pixels", to: "work/photos/one.jpg")
    try scene.folder.write("pages", to: "work/report.pdf")
    guard example.needsHub else { return }
    let hub = networks.inside(0) + [Scene.binary, "serve", "--data", scene.folder.path + "/hub"]
    _ = try await scene.start(program: hub[0], Array(hub.dropFirst()), environment: ["QQ_HUB": ""]).line()
    func qq(_ arguments: String..., nick: String? = nil) throws -> ChildProcess {
      let command = networks.inside(0) + [Scene.binary] + arguments
      var environment = ["QQ_HUB": "127.0.0.1:6789"]
      if let nick { environment["QQ_NICK"] = nick }
      return try scene.start(program: command[0], Array(command.dropFirst()), environment: environment)
    }
    for nick in ["bob", "mallory"] { #expect(try await qq("join", "@ops", nick: nick).end() == 0) }
    #expect(try await qq("join", "@ops").end() == 0)
    #expect(try await qq("send", "@all,@ops", "good morning").end() == 0)
    _ = try qq("listen", "--save", scene.folder.path + "/inbox", nick: "bob")
    #expect(try await qq("who", "--wait", "bob", "--timeout", "60s").end() == 0)
  }
}

extension Example {
  fileprivate var needsHub: Bool { !script.contains("qq serve") }
}
