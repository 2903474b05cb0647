import Glibc
import QQProtocol
import QQTestSupport
import Testing

@Suite("files that something happens to on their way") struct FileMishapTests {
  @Test("whoever takes only the beginning of what get writes ends it quietly")
  func closedPipe() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      try scene.folder.write(SplitMix64.bytes(5_000_000), to: "big")
      let sent = try await scene.run("sendfile", "bob", scene.folder.path + "/big", nick: "alice")
      let get = try scene.qq("get", try #require(sent.lines[0]["id"]), "-o", "-", nick: "bob")
      get.closeOutput()
      #expect(try await get.end() == 0)
      #expect(get.standardError == "")
    }
  }

  @Test("a pipe that is silent for longer than the time limit is waited for: the hub isn't to blame")
  func silentPipe() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq(
        "sendfile", "bob", "-", "--name", "p", "--timeout", "500ms", nick: "alice", input: .pipe)
      sender.write("first ")
      try await Task.sleep(for: .seconds(2))
      sender.write("last")
      sender.endInput()
      #expect(try await sender.end() == 0)
      let id = try #require(sender.rest.last?["id"])
      #expect(try await scene.run("get", id, "-o", "-", nick: "bob").lines.map(\.text) == ["first last"])
    }
  }

  @Test("a sender that waits for its pipe can be interrupted, and says what that means")
  func interruptedPipe() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq("sendfile", "bob", "-", "--name", "p", nick: "alice", input: .pipe)
      sender.write("begun")
      let heard = try await scene.run("listen", "-n", "1", nick: "bob")
      #expect(heard.lines[0]["type"] == "file")
      sender.signal(SIGINT)
      #expect(try await sender.end() == 130)
      #expect(sender.standardError.contains("what has gone through a pipe can't be sent again"))
    }
  }

  private static let long = 30_000_000

  /// Starts sending, slowly enough that it is under way for seconds, and waits until some of it is with the hub.
  private func begin(_ scene: Scene, _ path: String) async throws -> ChildProcess {
    let sender = try scene.qq(
      "sendfile", "--json", "--wait", "delivered", "--limit", "10MB", "bob", path, nick: "alice")
    while true {
      let line = try await sender.line()
      if line["type"] == "progress", line.integer("bytes") ?? 0 > 4_000_000 { return sender }
    }
  }

  enum Victim: CaseIterable {
    case sender, hub, receiver
  }

  @Test("whoever is killed in the middle, it goes on where it was and arrives whole", arguments: Victim.allCases)
  func killed(_ victim: Victim) async throws {
    try await Scene.run { scene in
      var hub = try await scene.serve()
      try scene.folder.makeDirectory("inbox")
      let content = SplitMix64.bytes(Self.long)
      try scene.folder.write(content, to: "big")
      let path = scene.folder.path + "/big"
      let save = ["listen", "--nick", "bob", "--save", scene.folder.path + "/inbox"]
      var bob = try await scene.listen("bob", "--save", scene.folder.path + "/inbox")
      var sender = try await begin(scene, path)
      var id: String?
      switch victim {
      case .sender:
        sender.signal(SIGKILL)
        try await sender.end()
        sender = try scene.qq("sendfile", "--json", "--wait", "delivered", "bob", path, nick: "alice")
        let first = try await sender.line()
        #expect(first["type"] == "progress")
        // Not from the beginning.
        #expect(first.integer("bytes") ?? 0 > 0)
        id = first["id"]
      case .hub:
        hub.process.signal(SIGKILL)
        try await hub.process.end()
        hub = try await scene.serve(listen: hub.address)
        try await sender.complaint("connected to \(hub.address) again")
      case .receiver:
        bob.signal(SIGKILL)
        try await bob.end()
        #expect(scene.folder.names("inbox").allSatisfy { $0.hasPrefix(".qq-part-") })
        bob = try scene.start(save)
      }
      let saved = try await bob.line(of: "saved")
      #expect(saved["path"] == scene.folder.path + "/inbox/big")
      if let id { #expect(saved["id"] == id) }
      #expect(try await sender.end() == 0)
      #expect(try scene.folder.bytes("inbox/big") == content)
      #expect(scene.folder.names("inbox") == ["big"])
    }
  }

  @Test("a file that changed after it was cut off is sent anew, and nothing is mixed")
  func changed() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      try scene.folder.write(SplitMix64.bytes(Self.long), to: "big")
      let path = scene.folder.path + "/big"
      let sender = try await begin(scene, path)
      sender.signal(SIGKILL)
      try await sender.end()
      let other = SplitMix64.bytes(5_000_000, seed: 2)
      try scene.folder.write(other, to: "big")
      let again = try await scene.run("sendfile", "bob", path, nick: "alice")
      #expect(again.status == 0)
      #expect(again.standardError.contains("has changed since it was begun to be sent: sending it anew"))
      try scene.folder.makeDirectory("inbox")
      let got = try await scene.run(
        "get", try #require(again.lines[0]["id"]), "-o", scene.folder.path + "/inbox", nick: "bob")
      #expect(got.status == 0)
      #expect(try scene.folder.bytes("inbox/big") == other)
    }
  }

  @Test("an interrupted sender ends with 130 and says how to go on")
  func interrupted() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      try scene.folder.write(SplitMix64.bytes(Self.long), to: "big")
      let sender = try await begin(scene, scene.folder.path + "/big")
      sender.signal(SIGINT)
      #expect(try await sender.end() == 130)
      #expect(sender.standardError.contains("the same command goes on where it was"))
    }
  }

  @Test("a receiver whose disk is full says so, has nothing under the name, and goes on when there is room")
  func fullDisk() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let content = SplitMix64.bytes(4_000_000)
      try scene.folder.write(content, to: "big")
      let sent = try await scene.run("sendfile", "bob", scene.folder.path + "/big", nick: "alice")
      let id = try #require(sent.lines[0]["id"])
      try scene.folder.makeDirectory("inbox")
      let inbox = scene.folder.path + "/inbox"
      let limited = try scene.start(
        program: "/bin/sh",
        [
          "-c", "trap '' XFSZ; ulimit -f 5000; exec \"$0\" \"$@\"", Scene.binary, "get", id, "-o", inbox, "--nick",
          "bob",
        ])
      #expect(try await limited.end() == 74)
      #expect(limited.standardError.contains("file too large"))
      #expect(scene.folder.names("inbox").allSatisfy { $0.hasPrefix(".qq-part-") })
      let got = try await scene.run("get", id, "-o", inbox, nick: "bob")
      #expect(got.status == 0)
      #expect(try scene.folder.bytes("inbox/big") == content)
      #expect(scene.folder.names("inbox") == ["big"])
    }
  }

  @Test("a message isn't held up by a file, and progress is told as JSON only where it was asked for")
  func beside() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try scene.folder.makeDirectory("inbox")
      try scene.folder.write(SplitMix64.bytes(Self.long), to: "big")
      let carol = try await scene.listen("carol")
      let bob = try await scene.listen("bob", "--save", scene.folder.path + "/inbox")
      let sender = try await begin(scene, scene.folder.path + "/big")
      #expect(try await scene.run("send", "carol", "meanwhile", nick: "dave").status == 0)
      #expect(try await carol.line()["text"] == "meanwhile")
      #expect(try await sender.end() == 0)
      let progress = sender.rest.filter { $0["type"] == "progress" }
      #expect(progress.contains { $0["nick"] == "bob" })
      _ = try await bob.line(of: "saved")
    }
  }
}
