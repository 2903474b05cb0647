import Glibc
import QQTestSupport
import Testing

@Suite("a hub's rules change while it runs") struct RulesTests {
  @Test("SIGHUP reads them anew: who was let in stays, who comes is judged by the new ones")
  func reload() async throws {
    try await Scene.run { scene in
      let rules = "\(scene.folder.path)/hub.json"
      try scene.folder.write("{\"admission\": \"lan\"}", to: "hub.json")
      let hub = try await scene.serve("--config", rules)
      #expect(try await scene.run("who", nick: "bob", state: "bob").status == 0)
      try scene.folder.write("{\"admission\": \"invite-only\", \"members_invite\": true}", to: "hub.json")
      hub.process.signal(SIGHUP)
      try await hub.process.complaint("and the rules anew")
      #expect(try await scene.run("who", nick: "eve", state: "eve").status == 77)
      let invite = try await scene.run("invite", nick: "bob", state: "bob")
      #expect(invite.status == 0)
      // What can't be read changes nothing.
      try scene.folder.write("{\"admision\": \"open\"}", to: "hub.json")
      hub.process.signal(SIGHUP)
      try await hub.process.complaint("did you mean")
      #expect(try await scene.run("who", nick: "eve", state: "eve").status == 77)
      #expect(try await scene.run("who", nick: "bob", state: "bob").status == 0)
    }
  }

  @Test("a file that isn't there, or says nonsense, is no hub with other rules: 78")
  func wrong() async throws {
    try await Scene.run { scene in
      let missing = try await scene.run("serve", "--data", "\(scene.folder.path)/x", "--config", "/nowhere/hub.json")
      #expect(missing.status == 78)
      #expect(missing.standardError.contains("/nowhere/hub.json (--config) isn't there"))
      try scene.folder.write("{", to: "hub.json")
      let nonsense = try await scene.run(
        "serve", "--data", "\(scene.folder.path)/x", "--config", "\(scene.folder.path)/hub.json")
      #expect(nonsense.status == 78)
    }
  }
}
