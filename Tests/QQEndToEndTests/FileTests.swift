import Glibc
import QQProtocol
import QQTestSupport
import Testing

@Suite("qq sendfile, qq get, qq listen --save") struct FileTests {
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
      let saved = try await bob.line(of: "saved")
      #expect(saved["path"] == inbox + "/报告.pdf")
      #expect(saved["hash"] == sent.lines[0]["hash"])
      #expect(try scene.folder.bytes("inbox/报告.pdf") == content)
      #expect(scene.folder.names("inbox") == ["报告.pdf"])

      let other = try await scene.run("sendfile", "127.0.0.1", scene.folder.path + "/报告.pdf", nick: "alice")
      #expect(other.status == 0)
      // The same content is there already.
      #expect(try await bob.line(of: "saved")["path"] == inbox + "/报告.pdf")
      try scene.folder.write("other", to: "报告.pdf")
      let all = try await scene.run(
        "sendfile", "@all", "--wait", "delivered", "--timeout", "4s", scene.folder.path + "/报告.pdf", nick: "alice")
      #expect(try await bob.line(of: "saved")["path"] == inbox + "/报告 (1).pdf")
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
}
