import Glibc
import QQTestSupport
import Testing

@Suite("invites, and who is let in no more") struct InviteTests {
  private func token(_ scene: Scene, _ options: String...) async throws -> (id: String, text: String) {
    let invite = try scene.start(["invite"] + options)
    let line = try await invite.line()
    #expect(try await invite.end() == 0)
    guard let id = line["id"], let token = line["token"] else { throw UnexpectedOutput(line) }
    return (id, token)
  }

  @Test("an invite lets an account in that knows nothing of the hub, once; from then on it is that account's hub")
  func accept() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--invite-only")
      let (_, token) = try await token(scene, "--for", "bob")
      let nothing = ["QQ_HUB": ""]
      let accepted = try await scene.run("accept", input: .text(token + "\n"), state: "bob", environment: nothing)
      #expect(accepted.status == 0)
      #expect(accepted.lines.map { $0["nick"] } == ["bob"])
      #expect(accepted.lines.map { $0["hub"] } == [hub.address])
      #expect(try scene.folder.mode("bob/qq/default_hub") == 0o600)
      let sent = try await scene.run("send", "@all", "hi", state: "bob", environment: nothing)
      #expect(sent.status == 0)
      // The same account again, as after a lost answer, and another one.
      #expect(try await scene.run("accept", input: .text(token), state: "bob", environment: nothing).status == 0)
      let second = try await scene.run("accept", input: .text(token), state: "carol", environment: nothing)
      #expect(second.status == 77)
      #expect(second.lines == [])
      #expect(second.standardError.contains("works once: ask for a new one"))
      #expect(try await scene.run("who", state: "carol").status == 77)
    }
  }

  @Test("with --nick that identity is used from then on, also after it was renamed; another hub is another matter")
  func identity() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--invite-only")
      let (_, token) = try await token(scene)
      let nothing = ["QQ_HUB": ""]
      func nick() async throws -> String? {
        try await scene.run("whoami", state: "dora", environment: nothing).lines.first?["nick"]
      }
      let accepted = try await scene.run(
        "accept", "--nick", "dora", input: .text(token), state: "dora", environment: nothing)
      #expect(accepted.status == 0)
      #expect(try await nick() == "dora")
      let renamed = try await scene.run("nick", "dorothea", "--nick", "dora", state: "dora", environment: nothing)
      #expect(renamed.status == 0)
      #expect(try await nick() == "dorothea")
      let another = try await scene.run("who", "--nick", "zoe", state: "dora", environment: nothing)
      #expect(another.status == 77)
      #expect(another.standardError.contains("(hub \(hub.address); you are zoe with the key SHA256:"))
      #expect(try await scene.run("trust", hub.address, state: "dora", environment: nothing).status == 0)
      #expect(try await nick() == "dorothea")
      // Another hub hears nothing of her: it is entered as the account's own user, and stays so.
      try await scene.serve("--invite-only", data: "other")
      let invite = try await scene.run("invite")
      let other = try #require(invite.lines.first?["token"])
      let second = try await scene.run("accept", input: .text(other), state: "dora", environment: nothing)
      #expect(second.status == 0)
      let here = try #require(second.lines.first?["nick"])
      #expect(here != "dorothea")
      #expect(try await nick() == here)
    }
  }

  @Test("an invite that nobody could see is none: a full disk leaves it revoked")
  func unseen() async throws {
    try await Scene.run { scene in
      try await scene.serve("--invite-only")
      let shell = try scene.start(program: "/bin/sh", ["-c", "\(Scene.binary) invite > /dev/full"])
      #expect(try await shell.end() == 74)
      #expect(try await scene.run("admin", "invites").lines.map { $0["state"] } == ["revoked"])
    }
  }

  @Test("where the hub isn't reached that is said, beside what was met at its other addresses")
  func elsewhere() async throws {
    try await Scene.run { scene in
      let other = try await scene.serve(data: "other")
      let hub = try await scene.serve("--invite-only")
      let (_, token) = try await token(scene, "--address", other.address, "--address", hub.address)
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      let accepted = try await scene.run("accept", input: .text(token), state: "bob", environment: ["QQ_HUB": ""])
      #expect(accepted.status == 69)
      #expect(accepted.standardError.contains("cannot reach the hub at \(hub.address)"))
      #expect(accepted.standardError.contains("the hub at \(other.address) is another one"))
    }
  }

  @Test("what invite prints can be piped into accept as it is, and --hub stays what it was")
  func piped() async throws {
    try await Scene.run { scene in
      try await scene.serve("--invite-only")
      let invite = try await scene.run("invite")
      let line = try #require(invite.lines.first)
      #expect(invite.standardError.contains("\"qq accept\" takes it"))
      let accepted = try await scene.run("accept", "--nick", "dora", input: .text(line.text), state: "other")
      #expect(accepted.status == 0)
      #expect(accepted.lines.map { $0["nick"] } == ["dora"])
      #expect(accepted.standardError.contains("QQ_HUB names the hub"))
      let text = try await scene.run("invite", "--text", "-q")
      #expect(text.status == 0)
      #expect(text.standardError == "")
    }
  }

  @Test("an expired, a revoked, an altered and another hub's invite are refused with 77 and the reason")
  func refused() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--invite-only")
      let (_, expired) = try await token(scene, "--expires", "1ms")
      let (id, revoked) = try await token(scene)
      let (_, open) = try await token(scene)
      #expect(try await scene.run("admin", "revoke", id).status == 0)
      func refusal(_ token: String, _ options: String...) async throws -> String {
        let child = try scene.start(["accept"] + options, input: .text(token), state: "other")
        #expect(try await child.end() == 77)
        return child.standardError
      }
      #expect(try await refusal(expired).contains("this invite expired at"))
      #expect(try await refusal(revoked).contains("this invite was revoked at"))
      #expect(try await refusal(String(open.dropLast())).contains("altered or cut off"))
      #expect(try await refusal("open sesame").contains("that is no invite"))
      let other = try await scene.serve("--invite-only", data: "other hub")
      #expect(try await refusal(open, "--hub", other.address).contains("is another one: its key is"))
      // A hub that took over the place of the first.
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      let impostor = try await scene.serve("--open", data: "impostor", listen: hub.address)
      #expect(try await refusal(open).contains(impostor.ready["fingerprint"] ?? "-"))
      #expect(try await scene.run("who", "--all", state: "fresh").lines.count == 1)
      let none = try await scene.run("accept", state: "other")
      #expect(none.status == 66)
      #expect(none.standardError.contains("paste what \"qq invite\" printed"))
      #expect(try await scene.run("accept", open, state: "other").status == 64)
    }
  }

  @Test("nobody but an owner invites, unless --members-invite says so; --owner names another owner")
  func owners() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let whoami = try await scene.run("whoami", nick: "alice", state: "other")
      let key = try #require(whoami.lines.first?["key"])
      let refused = try await scene.run("invite", nick: "alice", state: "other")
      #expect(refused.status == 77)
      #expect(refused.standardError.contains("only an owner of this hub"))
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      let owned = try await scene.serve("--owner", key, listen: hub.address)
      #expect(owned.ready.text.contains(key))
      #expect(try await scene.run("invite", nick: "alice", state: "other").status == 0)
      #expect(try await scene.run("invite", nick: "bob", state: "other").status == 77)
      owned.process.signal(SIGTERM)
      try await owned.process.end()
      try await scene.serve("--members-invite", listen: hub.address)
      #expect(try await scene.run("invite", nick: "bob", state: "other").status == 0)
      #expect(try await scene.run("admin", "invites", nick: "bob", state: "other").lines.count == 1)
      #expect(try await scene.run("admin", "invites").lines.count == 2)
    }
  }

  @Test("a removed user's listener ends at once with 77, and the key is refused until it is restored")
  func removed() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      let bob = try await scene.listen("bob", state: "other")
      let removed = try await scene.run("admin", "remove", "bob")
      #expect(removed.status == 0)
      #expect(removed.lines.map { $0["nick"] } == ["bob"])
      #expect(try await bob.end() == 77)
      #expect(bob.standardError.contains("this key was removed from this hub"))
      #expect(try await scene.run("who", nick: "bob", state: "other").status == 77)
      #expect(try await scene.run("send", "bob", "hi").status == 67)
      let members = try await scene.run("admin", "members")
      #expect(members.lines.first { $0["nick"] == "bob" }?["removed"] != nil)
      #expect(try await scene.run("admin", "members", nick: "carol", state: "third").status == 77)
      #expect(try await scene.run("admin", "restore", "bob").status == 0)
      #expect(try await scene.run("who", nick: "bob", state: "other").status == 0)
      #expect(try await scene.run("admin", "remove", "nobody").status == 67)
    }
  }

  @Test("a hub whose data is where it is by default, and the memory of another hub, don't get in each other's way")
  func memory() async throws {
    try await Scene.run { scene in
      let first = try scene.start(["serve", "--listen", "127.0.0.1:0"])
      let address = try await first.line()["address"] ?? ""
      let nothing = ["QQ_HUB": ""]
      #expect(try await scene.run("trust", address, environment: nothing).status == 0)
      let whoami = try await scene.run("whoami", environment: nothing)
      #expect(whoami.status == 0)
      #expect(whoami.lines.map { $0["hub"] } == [address])
      #expect(whoami.lines.map { $0["source"] } == ["used before"])
    }
  }

  @Test("on a terminal the invite is asked for and not shown")
  func terminal() async throws {
    try await Scene.run { scene in
      try await scene.serve("--invite-only")
      let (_, token) = try await token(scene, "--for", "eve")
      let terminal = try scene.terminal(["accept"], columns: 300, height: 24, state: "eve")
      try await terminal.see("the question") { $0.lines.contains { $0.contains("it isn't shown") } }
      terminal.type(token + "\n")
      let screen = try await terminal.see("the answer") { $0.lines.contains { $0.contains("you are eve on the hub") } }
      #expect(!screen.lines.contains { $0.contains(token.prefix(20)) })
    }
  }

  @Test("pasted from where it was broken into lines it is read to its end, and nothing of it is left for the shell")
  func wrapped() async throws {
    try await Scene.run { scene in
      try await scene.serve("--invite-only")
      let (_, token) = try await token(scene, "--for", "eve")
      let half = token.count / 2
      let terminal = try scene.terminal(
        running: ["/bin/sh", "-c", "\(Scene.binary) accept; read -r rest; echo \"read: $rest\""], columns: 300,
        state: "eve")
      try await terminal.see("the question") { $0.lines.contains { $0.contains("it isn't shown") } }
      terminal.type(token.prefix(half) + "\n" + token.dropFirst(half) + "\nand thanks\n")
      try await terminal.see("the answer") { $0.lines.contains { $0.contains("you are eve on the hub") } }
      terminal.type("mine\n")
      // Shown again as it is typed, too.
      try await terminal.see("the rest") { $0.lines.contains("read: mine") && $0.lines.contains("mine") }
    }
  }
}
