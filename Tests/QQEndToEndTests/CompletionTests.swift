import QQManual
import QQTestSupport
import Testing

@Suite("what a shell completes") struct CompletionTests {
  static let folder =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/completions"
  static let programs = "/" + Scene.binary.split(separator: "/").dropLast().joined(separator: "/")

  @Test("the scripts are those of the commands: \"make man\" makes them anew", arguments: CompletionScript.allCases)
  func current(_ shell: CompletionScript) async throws {
    try await Scene.run { scene in
      let script = try scene.start(["--generate-completion-script", shell.rawValue])
      #expect(try await script.end() == 0)
      let text = script.rest.map(\.text).joined(separator: "\n")
      func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }
      #expect(
        try lines(TemporaryFolder.contents("\(Self.folder)/\(shell.file)")) == lines(shell.text(text)),
        "\(shell.file) is stale")
    }
  }

  @Test("bash expands no name: no list that it evaluates is given what a command prints")
  func noExpansion() throws {
    let script = try TemporaryFolder.contents("\(Self.folder)/qq.bash")
    let asked = script.split(separator: "\n").filter { $0.contains("__qq_custom_complete ---completion") }
    #expect(asked.count > 40)
    #expect(asked.filter { !$0.contains("__qq_add_names < <(") } == [])
    #expect(script.split(separator: "\n").filter { $0.contains("add_completions -W \"$(") } == [])
  }

  /// A hub with users and groups, an alias, and a file to send.
  private func scene(_ body: @escaping @Sendable (Scene, [String: String]) async throws -> Void) async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("alice", "bob", "me")
      for nick in ["bob", "me"] { #expect(try await scene.run("join", "@ops", nick: nick).status == 0) }
      #expect(try await scene.run("alias", "127.0.0.1", "printer").status == 0)
      try scene.folder.write("pages", to: "report.pdf")
      try await body(
        scene, ["PATH": Self.programs + ":/usr/bin:/bin", "QQ_NICK": "me", "LC_ALL": "C.UTF-8"])
    }
  }

  /// What is typed before a tab, and the line after it.
  private static func cases(_ folder: String) -> [(String, String)] {
    [
      ("qq send al", "qq send alice"), ("qq send @o", "qq send @ops"), ("qq send bob,al", "qq send bob,alice"),
      ("qq send prin", "qq send printer"), ("qq sendfile bob \(folder)/rep", "qq sendfile bob \(folder)/report.pdf"),
      ("qq leave @o", "qq leave @ops"), ("qq whoa", "qq whoami"), ("qq listen --sin", "qq listen --since"),
      ("qq admin rem", "qq admin remove"), ("qq send --nick ali", "qq send --nick alice"),
    ]
  }

  /// A shell on a terminal of its own, with its completions.
  static func shell(
    _ shell: CompletionScript, _ scene: Scene, _ environment: [String: String]
  ) throws -> TerminalProcess {
    switch shell {
    case .bash:
      try scene.folder.write("PS1='> '\nbind 'set enable-bracketed-paste off'\n. \(folder)/qq.bash\n", to: "bashrc")
      return try scene.terminal(
        running: ["/bin/bash", "--rcfile", scene.folder.path + "/bashrc", "-i"], columns: 160, environment: environment)
    case .zsh:
      try scene.folder.write(
        "PS1='> '\nunset zle_bracketed_paste\nfpath=(\(folder) $fpath)\nautoload -Uz compinit\n"
          + "compinit -u -d \(scene.folder.path)/dump\n", to: ".zshrc")
      return try scene.terminal(
        running: ["/usr/bin/zsh", "-i"], columns: 160,
        environment: environment.merging(["ZDOTDIR": scene.folder.path]) { $1 })
    case .fish:
      let start =
        "function fish_prompt; echo -n '> '; end; set -g fish_autosuggestion_enabled 0; source \(folder)/qq.fish"
      return try scene.terminal(
        running: ["/usr/bin/fish", "--no-config", "-i", "-C", start], columns: 160, environment: environment)
    }
  }

  @Test(
    "each shell completes commands, options, nicks, groups, aliases and files", arguments: CompletionScript.allCases)
  func completes(_ script: CompletionScript) async throws {
    try await scene { scene, environment in
      let shell = try Self.shell(script, scene, environment)
      try await shell.see("a prompt") { $0.lines.last == "> " || $0.lines.last == ">" }
      for (typed, completed) in Self.cases(scene.folder.path) {
        shell.type(typed)
        // A tab gives the hub some hundredths of a second, which it may not have among all these tests.
        var isComplete = false
        for _ in 0..<20 where !isComplete {
          shell.type("\t")
          let seen = try? await shell.see("\"\(completed)\"", within: .seconds(3)) { screen in
            screen.lines.contains { $0 == "> " + completed || $0.hasPrefix("> " + completed + " ") }
          }
          isComplete = seen != nil
        }
        #expect(isComplete, "\(script): \(typed)")
        shell.type("\u{15}")
        try await shell.see("an empty line") { $0.lines.last == "> " || $0.lines.last == ">" }
      }
    }
  }

  @Test("without a hub, and for who is no user yet, there is nothing to complete, and nothing is said or made")
  func silent() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let ask = ["---completion", "send", "--", "positional@0", "2", "0", "qq", "send", ""]
      func answer(_ state: String) async throws -> (Int32, [String], String) {
        let child = try scene.start(ask, state: state, environment: ["SAP_SHELL": "bash"])
        return (try await child.end(), child.rest.map(\.text).filter { !$0.isEmpty }, child.standardError)
      }
      #expect(try await answer("stranger") == (0, [], ""))
      #expect(scene.folder.names("stranger/qq") == [])
      #expect(try await scene.run("join", "@ops").status == 0)
      // A machine that is busy with other tests may not answer in the time that a tab has.
      var known: (Int32, [String], String) = (0, [], "")
      for _ in 0..<50 where !known.1.contains("@ops") { known = try await answer("state") }
      #expect(known.1.contains("@ops"))
      try await hub.process.stop()
      #expect(try await answer("state") == (0, [], ""))
      hub.process.signal(9)
      _ = try await hub.process.end()
      #expect(try await answer("state") == (0, [], ""))
    }
  }
}
