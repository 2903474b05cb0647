import QQTestSupport
import Testing

@Suite("config.json") struct ConfigurationTests {
  @Test("a flag comes before the environment, and the environment before the file")
  func precedence() async throws {
    try await Scene.run { scene in
      try scene.folder.makeDirectory("config")
      try scene.folder.makeDirectory("config/qq")
      try scene.folder.write(
        #"{"hub":"127.0.0.1:1","nick":"from-file","timeout":"300ms","unknown":{}}"#, to: "config/qq/config.json")
      let file = try await scene.run("whoami")
      #expect(file.lines.first?["hub"] == "127.0.0.1:1")
      #expect(file.lines.first?["source"] == "config.json")
      #expect(file.lines.first?["nick"] == "from-file")
      let environment = ["QQ_HUB": "127.0.0.1:2", "QQ_NICK": "from-environment"]
      let variables = try await scene.run("whoami", environment: environment)
      #expect(variables.lines.first?["hub"] == "127.0.0.1:2")
      #expect(variables.lines.first?["source"] == "QQ_HUB")
      #expect(variables.lines.first?["nick"] == "from-environment")
      let flags = try await scene.run(
        "whoami", "--hub", "127.0.0.1:3", "--nick", "from-flag", environment: environment)
      #expect(flags.lines.first?["hub"] == "127.0.0.1:3")
      #expect(flags.lines.first?["source"] == "--hub")
      #expect(flags.lines.first?["nick"] == "from-flag")
      let empty = try await scene.run("whoami", environment: ["QQ_HUB": "", "QQ_NICK": ""])
      #expect(empty.lines.first?["hub"] == "127.0.0.1:1")
      #expect(empty.lines.first?["nick"] == "from-file")
    }
  }

  @Test("the file's settings hold: its hub, nick, time limit and plaintext")
  func settings() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext")
      try scene.folder.makeDirectory("config")
      try scene.folder.makeDirectory("config/qq")
      try scene.folder.write(
        "{\"hub\":\"\(hub.address)\",\"nick\":\"carol\",\"timeout\":\"300ms\",\"plaintext\":true}",
        to: "config/qq/config.json")
      let here = try await scene.run("whoami", environment: ["QQ_HUB": ""])
      #expect(here.lines.first?["nick"] == "carol")
      #expect(here.lines.first?.bool("online") == true)
      #expect(here.lines.first?["key"] == nil)
      let waited = try await scene.run("who", "--wait", "nobody", environment: ["QQ_HUB": ""])
      #expect(waited.status == 75)
      #expect(waited.standardError.contains("300ms"))
    }
  }

  @Test(
    "a file that can't be right is 78 and named",
    arguments: [
      "nonsense", "[]", #"{"hub":1}"#, #"{"hub":"a","hub":"b"}"#, #"{"hub":"a b"}"#, #"{"timeout":"soon"}"#,
      #"{"plaintext":"yes"}"#, #"{"nick":"a b"}"#, "",
    ])
  func malformed(_ text: String) async throws {
    try await Scene.run { scene in
      try scene.folder.makeDirectory("config")
      try scene.folder.makeDirectory("config/qq")
      try scene.folder.write(text, to: "config/qq/config.json")
      let client = try await scene.run("who", environment: ["QQ_HUB": ""])
      #expect(client.status == 78)
      #expect(client.lines == [])
      #expect(client.standardError.contains("config.json"))
    }
  }
}
