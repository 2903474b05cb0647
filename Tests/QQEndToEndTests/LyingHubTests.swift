import QQManual
import QQTestSupport
import Testing

/// Every command against a hub that lies: it ends by itself, with a status that says so, within its time, its memory and
/// its folder.
@Suite("a hub that lies", .timeLimit(.minutes(10))) struct LyingHubTests {
  private static let id = "00000000000000000000000016"

  /// What is typed; `FILE` is a file that is there.
  private static let commands: [[String]] = [
    ["send", "bob", "hi"], ["send", "--wait", "delivered", "bob,@all", "hi"], ["who"], ["who", "--all"],
    ["who", "--wait", "bob"], ["history"], ["history", "--since", "all"], ["history", "bob", "--limit", "1000"],
    ["join", "@ops"], ["leave", "@ops"], ["nick", "zoe2"], ["whoami"], ["listen", "-n", "3"],
    ["listen", "--since", "all", "--idle", "1s"], ["listen", "-n", "50", "--save", "inbox"],
    ["listen", "-n", "3", "--exec", "cat > /dev/null"], ["get", id, "-o", "got"], ["get", id, "-o", "-"],
    ["sendfile", "bob", "FILE"], ["sendfile", "--wait", "delivered", "bob", "FILE"],
    ["admin", "invites"], ["admin", "members"], ["admin", "remove", "bob"], ["admin", "restore", "bob"],
    ["admin", "revoke", "0123456789"], ["admin", "backup"], ["status"],
  ]

  /// Those of sysexits(3) that a hub may bring about, and what a usage error would be is none of them.
  private static let statuses: Set<Int32> = [0, 65, 66, 67, 68, 69, 70, 73, 74, 75, 76, 77, 78]

  @Test("each command ends by itself, with the right kind of status", arguments: LyingHub.Lie.allCases)
  func ends(_ lie: LyingHub.Lie) async throws {
    try await Scene.run { scene in
      let hub = try LyingHub(lie, seed: 1)
      defer { hub.end() }
      let file = "\(scene.folder.path)/file"
      try scene.folder.write("some words", to: "file")
      var running: [ChildProcess] = []
      func settle() async throws {
        for child in running {
          guard let status = try? await child.end(within: .seconds(30)) else {
            Issue.record("\(lie): \(child) doesn't end: \(child.standardError.suffix(300))")
            child.signal(9)
            continue
          }
          #expect(Self.statuses.contains(status), "\(lie): \(child): \(status) \(child.standardError.prefix(300))")
          let shown = child.standardError + child.rest.map(\.text).joined(separator: "\n")
          let tricks = shown.unicodeScalars.filter {
            $0.value < 0x20 && $0 != "\n" || 0x7f...0x9f ~= $0.value || $0.properties.isBidiControl
          }
          // Files come as they are.
          if !child.description.contains("-o -") { #expect(tricks.isEmpty, "\(lie): \(child): \(shown.prefix(300))") }
        }
        running = []
      }
      for (number, words) in (Self.commands + (lie == .names ? Self.commands : [])).enumerated() {
        let format = number >= Self.commands.count ? ["--text"] : []
        let arguments =
          words.map { word in
            switch word {
            case "FILE": file
            case "inbox", "got": "\(scene.folder.path)/\(word)"
            default: word
            }
          } + format + ["--plaintext", "--timeout", "1s", "--hub", "127.0.0.1:\(hub.port)"]
        // Who takes more memory ends by a signal.
        running.append(
          try scene.start(
            program: "/usr/bin/prlimit", ["--data=\(512 << 20)", Scene.binary] + arguments,
            environment: ["QQ_NICK": "zoe"]))
        if running.count == 2 { try await settle() }
      }
      try await settle()
      let names = Set(scene.folder.names("").filter { !["file", "state", "config", "inbox", "got"].contains($0) })
      #expect(names == [], "\(lie): \(names)")
      #expect(scene.folder.names("state/qq/identities").allSatisfy { ["zoe.key", "zoe2.key"].contains($0) })
    }
  }

  // MARK: Shells

  @Test(
    "no shell runs what a hub, a file of hubs or a file of keys calls itself, at a real tab",
    arguments: CompletionScript.allCases)
  func tab(_ script: CompletionScript) async throws {
    try await Scene.run { scene in
      let hub = try LyingHub(.names, seed: 1)
      defer { hub.end() }
      try scene.folder.makeDirectory("state")
      try scene.folder.makeDirectory("state/qq")
      try scene.folder.makeDirectory("state/qq/identities")
      for nick in ["$(touch PWNED)", "`touch PWNED`", "zoe"] {
        try scene.folder.write("", to: "state/qq/identities/\(nick).key")
      }
      let key = "SHA256:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"
      try scene.folder.write(
        "$(touch${IFS}PWNED).example:6789 \(key)\nknown.example:6789 \(key)\n", to: "state/qq/known_hubs")
      let environment = ["PATH": CompletionTests.programs + ":/usr/bin:/bin", "QQ_NICK": "zoe", "LC_ALL": "C.UTF-8"]
      let shell = try CompletionTests.shell(script, scene, environment)
      try await shell.see("a prompt") { $0.lines.last == "> " || $0.lines.last == ">" }
      shell.type("cd \(scene.folder.path)\n")
      let place = "--plaintext --hub 127.0.0.1:\(hub.port)"
      let typed = [
        "qq send \(place) ", "qq send \(place) bob,", "qq leave \(place) ", "qq get \(place) ",
        "qq admin revoke \(place) ",
        "qq who --nick ", "qq who --nick z", "qq who --hub ", "qq who --hub k",
      ]
      for (number, line) in typed.enumerated() {
        shell.type(line + "\t\t")
        try await Task.sleep(for: .milliseconds(300))
        // Out of a list or a question about many names, which may take a key; then a sign that the shell is done with it.
        var isDone = false
        for _ in 0..<20 where !isDone {
          shell.type("\u{3}")
          try await Task.sleep(for: .milliseconds(200))
          shell.type("\u{15}echo done-\(number)\n")
          isDone = (try? await shell.see(row: "done-\(number)", within: .seconds(3))) != nil
        }
        #expect(isDone, "\(script): \(line)")
      }
      #expect(!scene.folder.names("").contains("PWNED"), "\(script)")
    }
  }
}
