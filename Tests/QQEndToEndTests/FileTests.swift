import Glibc
import QQProtocol
import QQTestSupport
import Testing

@Suite("qq sendfile, qq get, qq listen --save") struct FileTests {
  /// What `listen` prints until a file is saved.
  private func saved(_ listener: ChildProcess) async throws -> JSONLine {
    while true {
      let line = try await listener.line()
      if line["type"] == "saved" { return line }
    }
  }

  @Test("a file arrives whole under its name, by nick, by address and for all; its lines say what happens")
  func arrives() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try scene.folder.makeDirectory("inbox")
      let inbox = scene.folder.path + "/inbox"
      let content = SplitMix64.bytes(3_000_000)
      try scene.folder.write(content, to: "报告.pdf")
      let bob = try await scene.listen("bob", "--save", inbox)
      let sent = try await scene.run("sendfile", "bob", scene.folder.path + "/报告.pdf", nick: "alice")
      #expect(sent.status == 0)
      #expect(sent.standardError == "")
      #expect(sent.lines.count == 1)
      #expect(sent.lines[0]["status"] == "stored")
      #expect(sent.lines[0].integer("size") == 3_000_000)
      let file = try await bob.line()
      #expect(file["type"] == "file")
      #expect(file["id"] == sent.lines[0]["id"])
      #expect(file["name"] == "报告.pdf")
      let saved = try await saved(bob)
      #expect(saved["path"] == inbox + "/报告.pdf")
      #expect(saved["hash"] == sent.lines[0]["hash"])
      #expect(try scene.folder.bytes("inbox/报告.pdf") == content)
      #expect(scene.folder.names("inbox") == ["报告.pdf"])

      let other = try await scene.run("sendfile", "127.0.0.1", scene.folder.path + "/报告.pdf", nick: "alice")
      #expect(other.status == 0)
      // The same content is there already.
      #expect(try await self.saved(bob)["path"] == inbox + "/报告.pdf")
      try scene.folder.write("other", to: "报告.pdf")
      let all = try await scene.run(
        "sendfile", "@all", "--wait", "delivered", "--timeout", "4s", scene.folder.path + "/报告.pdf", nick: "alice")
      #expect(try await self.saved(bob)["path"] == inbox + "/报告 (1).pdf")
      // Others are known to the hub, and save nothing.
      #expect(all.lines.contains { $0["type"] == "receipt" && $0["nick"] == "bob" })
      #expect(all.status == 75)
      #expect(all.standardError.contains("not saved in time by"))
    }
  }

  @Test("a folder goes to somebody who isn't there, and is there whole when that user comes")
  func offline() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      try scene.folder.makeDirectory("photos")
      try scene.folder.makeDirectory("photos/sub")
      try scene.folder.makeDirectory("inbox")
      for index in 0..<300 { try scene.folder.write("file \(index)", to: "photos/sub/f\(index)") }
      try scene.folder.write("", to: "photos/empty")
      symlink("empty", scene.folder.path + "/photos/link")
      let sent = try await scene.run("sendfile", "bob", scene.folder.path + "/photos/", nick: "alice")
      #expect(sent.status == 0)
      #expect(sent.standardError.contains("skipped \(scene.folder.path)/photos/link: a link (--links"))
      let bob = try await scene.run(
        "listen", "--save", scene.folder.path + "/inbox", "--idle", "1s", nick: "bob")
      #expect(bob.status == 0)
      #expect(bob.lines.map { $0["type"] } == ["file", "complete", "saved"])
      #expect(scene.folder.names("inbox") == ["photos"])
      #expect(scene.folder.names("inbox/photos") == ["empty", "sub"])
      #expect(scene.folder.names("inbox/photos/sub").count == 300)
      #expect(try scene.folder.read("inbox/photos/sub/f299") == "file 299")
      // Nothing is saved twice.
      let again = try await scene.run(
        "listen", "--save", scene.folder.path + "/inbox", "--idle", "500ms", nick: "bob")
      #expect(again.lines == [])
    }
  }

  @Test("a pipe of unknown length is sent, and got to standard output; what was heard of before is saved later")
  func pipes() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      let text = String(repeating: "line of a stream\n", count: 200_000)
      let sent = try await scene.run(
        "sendfile", "bob", "-", "--name", "src.txt", nick: "alice", input: .text(text))
      #expect(sent.status == 0)
      #expect(sent.lines[0].integer("size") == Int64(text.utf8.count))
      let id = try #require(sent.lines[0]["id"])
      // Heard of without --save: the cursor has passed it.
      #expect(try await scene.run("listen", "-n", "2", nick: "bob").lines.map { $0["type"] } == ["file", "complete"])
      try scene.folder.makeDirectory("inbox")
      let got = try await scene.run("get", id, "-o", "-", nick: "bob")
      #expect(got.status == 0)
      #expect(got.lines.map(\.text).joined(separator: "\n") + "\n" == text)
      let file = try await scene.run("get", id, "-o", scene.folder.path + "/inbox/mine", nick: "bob")
      #expect(file.lines[0]["path"] == scene.folder.path + "/inbox/mine")
      #expect(try scene.folder.read("inbox/mine") == text)
      let taken = try await scene.run("get", id, "-o", scene.folder.path + "/inbox/mine", nick: "bob")
      #expect(taken.status == 73)
      #expect(taken.standardError.contains("is there already"))
    }
  }

  @Test("what was offered and not saved is saved by the next listen --save, though its event was shown before")
  func pending() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      try scene.folder.write("text", to: "a.txt")
      try scene.folder.makeDirectory("inbox")
      _ = try await scene.run("sendfile", "bob", scene.folder.path + "/a.txt", nick: "alice")
      #expect(try await scene.run("listen", "-n", "2", nick: "bob").status == 0)
      let bob = try await scene.run("listen", "--save", scene.folder.path + "/inbox", "--idle", "1s", nick: "bob")
      #expect(bob.lines.map { $0["type"] } == ["saved"])
      #expect(try scene.folder.read("inbox/a.txt") == "text")
    }
  }

  @Test("nobody but whom it was offered to gets a file; what isn't there is told")
  func refusals() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob", "eve")
      try scene.folder.write("text", to: "a.txt")
      let path = scene.folder.path + "/a.txt"
      let sent = try await scene.run("sendfile", "bob", path, nick: "alice")
      let id = try #require(sent.lines[0]["id"])
      #expect(try await scene.run("get", id, "-o", scene.folder.path + "/x", nick: "eve").status == 66)
      #expect(try await scene.run("get", "nonsense", nick: "eve").status == 64)
      #expect(try await scene.run("sendfile", "bbo", path, nick: "alice").status == 67)
      #expect(try await scene.run("sendfile", "bob", path + "x", nick: "alice").status == 66)
      #expect(try await scene.run("sendfile", "bob", nick: "alice").status == 64)
      #expect(try await scene.run("sendfile", "bob", "-", nick: "alice").status == 64)
      let unwritable = try await scene.run("listen", "--save", scene.folder.path + "/no/such", nick: "bob")
      #expect(unwritable.status == 73)
    }
  }

  @Test("limits are told at the offer with their status")
  func limits() async throws {
    try await Scene.run { scene in
      try await scene.serve("--max-file", "1MB", "--quota", "1500kB")
      try await scene.introduce("bob")
      try scene.folder.write(SplitMix64.bytes(1_000_001), to: "large")
      try scene.folder.write(SplitMix64.bytes(1_000_000), to: "a")
      try scene.folder.write(SplitMix64.bytes(600_000), to: "b")
      let large = try await scene.run("sendfile", "bob", scene.folder.path + "/large", nick: "alice")
      #expect(large.status == 77)
      #expect(large.standardError.contains("larger than this hub takes (1.0 MB at most)"))
      #expect(try await scene.run("sendfile", "bob", scene.folder.path + "/a", nick: "alice").status == 0)
      let over = try await scene.run("sendfile", "bob", scene.folder.path + "/b", nick: "alice")
      #expect(over.status == 77)
      #expect(over.standardError.contains("keeps for one user"))
    }
  }

  @Test("a file that isn't there doesn't keep the others from being sent")
  func others() async throws {
    try await Scene.run { scene in
      try await scene.serve()
      try await scene.introduce("bob")
      try scene.folder.write("text", to: "a")
      let path = scene.folder.path
      let sent = try await scene.run("sendfile", "bob", path + "/nosuch", path + "/a", nick: "alice")
      #expect(sent.status == 66)
      #expect(sent.standardError.contains("nosuch"))
      #expect(sent.lines.map { $0["name"] } == ["a"])
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

  @Test("a hub with no room says so at the offer, with 74")
  func noRoom() async throws {
    try await Scene.run { scene in
      try await scene.serve("--reserve", "1PB")
      try await scene.introduce("bob")
      try scene.folder.write("text", to: "a")
      let sent = try await scene.run("sendfile", "bob", scene.folder.path + "/a", nick: "alice")
      #expect(sent.status == 74)
      #expect(sent.standardError.contains("no room"))
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
      let saved = try await saved(bob)
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
      _ = try await saved(bob)
    }
  }
}
