import QQManual
import QQTestSupport
import Testing

@Suite("what a shell completes") struct CompletionTests {
  private static let folder =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/completions"
  private static let programs = "/" + Scene.binary.split(separator: "/").dropLast().joined(separator: "/")

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

  private func type(_ scene: Scene, _ command: [String], _ environment: [String: String]) async throws {
    let shell = try scene.terminal(running: command, columns: 160, environment: environment)
    try await shell.see("a prompt") { $0.lines.last == "> " || $0.lines.last == ">" }
    for (typed, completed) in Self.cases(scene.folder.path) {
      shell.type(typed + "\t")
      try await shell.see("\"\(completed)\"") { screen in
        screen.lines.contains { $0 == "> " + completed || $0.hasPrefix("> " + completed + " ") }
      }
      shell.type("\u{15}")
      try await shell.see("an empty line") { $0.lines.last == "> " || $0.lines.last == ">" }
    }
  }

  @Test("bash completes commands, options, nicks, groups, aliases and files")
  func bash() async throws {
    try await scene { scene, environment in
      try scene.folder.write(
        "PS1='> '\nbind 'set enable-bracketed-paste off'\n. \(Self.folder)/qq.bash\n", to: "bashrc")
      try await type(scene, ["/bin/bash", "--rcfile", scene.folder.path + "/bashrc", "-i"], environment)
    }
  }

  @Test("zsh does")
  func zsh() async throws {
    try await scene { scene, environment in
      try scene.folder.write(
        "PS1='> '\nunset zle_bracketed_paste\nfpath=(\(Self.folder) $fpath)\nautoload -Uz compinit\ncompinit -u -d \(scene.folder.path)/dump\n",
        to: ".zshrc")
      try await type(
        scene, ["/usr/bin/zsh", "-i"], environment.merging(["ZDOTDIR": scene.folder.path]) { $1 })
    }
  }

  @Test("fish does")
  func fish() async throws {
    try await scene { scene, environment in
      let start =
        "function fish_prompt; echo -n '> '; end; set -g fish_autosuggestion_enabled 0; source \(Self.folder)/qq.fish"
      try await type(scene, ["/usr/bin/fish", "--no-config", "-i", "-C", start], environment)
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
      let known = try await answer("state")
      #expect(known.1.contains("@ops"))
      try await hub.process.stop()
      #expect(try await answer("state") == (0, [], ""))
      hub.process.signal(9)
      _ = try await hub.process.end()
      #expect(try await answer("state") == (0, [], ""))
    }
  }
}
