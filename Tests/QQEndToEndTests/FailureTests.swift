import Glibc
import QQTestSupport
import Testing

@Suite("what goes wrong between a command and its hub") struct FailureTests {
  @Test("an unreachable hub is 69 and says what to do", arguments: ["send", "listen", "who", "history"])
  func unreachable(_ command: String) async throws {
    try await Scene.run { scene in
      let arguments = ["--hub", "127.0.0.1:1", "--nick", "alice"] + (command == "send" ? ["bob", "hi"] : [])
      let client = try scene.start([command] + arguments)
      #expect(try await client.end() == 69)
      #expect(client.rest == [])
      #expect(client.standardError.hasPrefix("qq: cannot reach the hub at 127.0.0.1:1: connection refused"))
      #expect(client.standardError.contains("qq serve"))
      #expect(client.standardError.split(separator: "\n").count == 1)
    }
  }

  @Test("a host that isn't there is 68")
  func unknownHost() async throws {
    try await Scene.run { scene in
      let client = try await scene.run("who", "--hub", "no-such-host.invalid", nick: "alice")
      #expect(client.status == 68)
      #expect(
        client.standardError
          == "qq: cannot find the host \"no-such-host.invalid\": check --hub, QQ_HUB or your config.json\n")
    }
  }

  @Test(
    "a server that speaks something else is 76",
    arguments: [
      "HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail.example ESMTP\r\n", "\u{1}\u{2}\u{3}\u{4}\u{5}\n",
    ],
    [true, false])
  func otherProtocol(_ greeting: String, _ isPlaintext: Bool) async throws {
    try await Scene.run { scene in
      let server = try RawServer()
      let client = try scene.start(
        ["send", "--nick", "alice", "--hub", server.address, "bob", "hi"] + (isPlaintext ? ["--plaintext"] : []))
      let peer = try await server.accept()
      peer.write(Array(greeting.utf8))
      #expect(try await client.end() == 76)
      #expect(client.standardError.hasPrefix("qq: \(server.address) does not speak qq: "))
      #expect(client.standardError.split(separator: "\n").count == 1)
      peer.close()
    }
  }

  @Test("a hub that loses its mind after its welcome is 76")
  func laterFault() async throws {
    try await Scene.run { scene in
      let server = try RawServer()
      let client = try scene.start(["who", "--nick", "alice", "--hub", server.address, "--plaintext"])
      let peer = try await server.accept()
      #expect(await peer.line()?["type"] == "hello")
      let welcome = #"{"type":"welcome","protocol":1,"hub":"h","epoch":"e","nick":"alice","address":"::1","seq":0}"#
      peer.write(welcome + "\n")
      #expect(await peer.line()?["type"] == "who")
      peer.write("{\"type\":\"user\",}\n")
      #expect(try await client.end() == 76)
      #expect(client.standardError.hasPrefix("qq: \(server.address) does not speak qq: "))
      peer.close()
    }
  }

  @Test("a server that says nothing is 75 when the time is up", arguments: [true, false])
  func silentServer(_ isPlaintext: Bool) async throws {
    try await Scene.run { scene in
      let server = try RawServer()
      let client = try scene.start(
        ["send", "--nick", "alice", "--timeout", "500ms", "--hub", server.address, "bob", "hi"]
          + (isPlaintext ? ["--plaintext"] : []))
      let peer = try await server.accept()
      #expect(try await client.end() == 75)
      peer.close()
    }
  }

  @Test("a server that closes at once is 69: it may be a hub that ends", arguments: [true, false])
  func closingServer(_ isPlaintext: Bool) async throws {
    try await Scene.run { scene in
      let server = try RawServer()
      let client = try scene.start(
        ["who", "--nick", "alice", "--hub", server.address] + (isPlaintext ? ["--plaintext"] : []))
      try await server.accept().close()
      #expect(try await client.end() == 69)
      #expect(client.standardError.split(separator: "\n").count == 1)
    }
  }

  @Test("a command that can't write its output says so")
  func fullDisk() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let shell = try scene.start(
        program: "/bin/sh", ["-c", "\"$0\" who --all --nick bob > /dev/full; echo $?", Scene.binary])
      #expect(try await shell.line().text == "74")
      try await shell.end()
      #expect(shell.standardError.contains("qq: cannot write: no space left on device"))
    }
  }

  @Test(
    "usage errors are one line of qq's own", arguments: [["frobnicate"], ["send"], ["who", "--nonsense"], ["join"]])
  func usage(_ arguments: [String]) async throws {
    try await Scene.run { scene in
      let client = try scene.start(arguments)
      #expect(try await client.end() == 64)
      #expect(client.rest == [])
      #expect(client.standardError.hasPrefix("qq: "))
      #expect(client.standardError.split(separator: "\n").count == 1)
    }
  }

  @Test(
    "help and version are output, and done",
    arguments: [["--help"], ["--version"], ["send", "--help"], ["help", "who"]])
  func help(_ arguments: [String]) async throws {
    try await Scene.run { scene in
      let client = try scene.start(arguments)
      #expect(try await client.end() == 0)
      #expect(client.rest != [])
      #expect(client.standardError == "")
    }
  }
}
