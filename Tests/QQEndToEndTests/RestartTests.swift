import Glibc
import QQTestSupport
import Testing

@Suite("a hub that ends and comes back") struct RestartTests {
  @Test("a listener goes on where it was: nothing lost, nothing twice, in order", arguments: [SIGKILL, SIGTERM])
  func listener(_ signal: Int32) async throws {
    try await Scene.run { scene in
      var hub = try await scene.serve()
      let bob = try await scene.listen("bob")
      #expect(try await scene.run("send", "bob", "before", nick: "alice").status == 0)
      #expect(try await bob.line()["text"] == "before")
      for round in 1...2 {
        hub = try await scene.restart(hub, signal)
        // It may be connected again before this, or after: the message is there in both cases.
        #expect(try await scene.run("send", "bob", "after \(round)", nick: "alice").status == 0)
        #expect(try await bob.line()["text"] == "after \(round)")
      }
      #expect(bob.rest == [])
      #expect(bob.isRunning)
      try await bob.complaint("closed the connection; connecting again")
      try await bob.complaint("connected to \(hub.address) again")
    }
  }

  @Test("what a reader has shown is confirmed after a crash, though nothing new comes")
  func confirmed() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let bob = try await scene.listen("bob")
      let sender = try scene.qq("send", "bob", "hi", "--wait", "delivered", "--timeout", "25s", nick: "alice")
      #expect(try await bob.line()["text"] == "hi")
      // The cursor's move waits for company on its way to the disk: most often this takes it.
      _ = try await scene.restart(hub, SIGKILL)
      #expect(try await sender.end() == 0)
      #expect(bob.rest == [])
    }
  }

  @Test("a stream of lines goes on: each is stored once, in order, and answered", arguments: [SIGKILL, SIGTERM])
  func sender(_ signal: Int32) async throws {
    try await Scene.run { scene in
      var hub = try await scene.serve()
      let bob = try await scene.listen("bob")
      let sender = try scene.qq("send", "--lines", "bob", nick: "alice", input: .pipe)
      var texts: [String] = []
      func write(_ count: Int) {
        let more = (texts.count + 1...texts.count + count).map { "line \($0)" }
        texts += more
        sender.write(more.joined(separator: "\n") + "\n")
      }
      write(300)
      _ = try await sender.line()
      for _ in 1...3 {
        // Ended in the midst of what was just written, and more is written while it is away.
        hub.process.signal(signal)
        write(300)
        try await hub.process.end()
        write(300)
        hub = try await scene.serve(listen: hub.address)
        write(300)
      }
      sender.endInput()
      #expect(try await sender.end() == 0)
      #expect(sender.rest.count == texts.count - 1)
      #expect(Set(sender.rest.compactMap { $0["id"] }).count == texts.count - 1)
      try await sender.complaint("connecting again")
      try await sender.complaint("connected to \(hub.address) again")
      #expect(try await bob.lines(texts.count).compactMap { $0["text"] } == texts)
      let kept = try await scene.run("listen", "--since", "all", "-n", "\(texts.count)", nick: "bob")
      #expect(kept.texts == texts)
      #expect(bob.rest == [])
    }
  }

  @Test("a stream whose hub stays away ends with 75 when its time is up, and names what wasn't confirmed")
  func gone() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq("send", "--lines", "--timeout", "1s", "bob", nick: "alice", input: .pipe)
      sender.write("first\n")
      #expect(try await sender.line()["type"] == "sent")
      hub.process.signal(SIGKILL)
      try await hub.process.end()
      // More than is kept in memory, and the input goes on.
      sender.write((1...2_000).map { "line \($0)\n" }.joined())
      #expect(try await sender.end() == 75)
      #expect(sender.standardError.contains("not confirmed: lines 2 to "))
      #expect(sender.standardError.hasSuffix("qq: the hub at \(hub.address) did not confirm in time\n"))
    }
  }

  @Test("a hub that may write no more keeps what it has answered, refuses the rest, and goes on")
  func fullDisk() async throws {
    try await Scene.run { scene in
      // As a quota, this is no lack of free blocks, and no error that SQLite knows.
      let hub = try await scene.serve(program: ["/bin/sh", "-c", "ulimit -f 1000; exec \"$0\" \"$@\""])
      try await scene.introduce("bob")
      let sender = try scene.qq("send", "--lines", "bob", nick: "alice", input: .pipe)
      sender.write((1...20_000).map { "line \($0)\n" }.joined())
      sender.endInput()
      #expect(try await sender.end() == 74)
      #expect(sender.standardError.contains("the hub's disk"))
      let answered = sender.rest.filter { $0["type"] == "sent" }.compactMap { $0["id"] }
      #expect(answered != [])
      #expect(hub.process.standardError.contains("the disk has no room"))
      let read = try await scene.run("listen", "--since", "all", "--idle", "1s", nick: "bob")
      #expect(Array(read.lines.compactMap { $0["id"] }.prefix(answered.count)) == answered)
      #expect(try await scene.run("who", nick: "alice").status == 0)
      #expect(try await scene.run("send", "bob", "x", nick: "alice").status == 74)
      hub.process.signal(SIGTERM)
      #expect(try await hub.process.end() == 0)
      try await scene.serve(listen: hub.address)
      let kept = try await scene.run("listen", "--since", "all", "--idle", "1s", nick: "bob").lines
      #expect(Array(kept.compactMap { $0["id"] }.prefix(answered.count)) == answered)
      #expect(try await scene.run("send", "bob", "x", nick: "alice").status == 0)
    }
  }

  @Test("what was acknowledged to a sender survives kill -9")
  func durable() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq("send", "--lines", "bob", nick: "alice", input: .pipe)
      sender.write((1...50).map { "line \($0)\n" }.joined())
      let answers = try await sender.lines(50)
      hub.process.signal(SIGKILL)
      try await hub.process.end()
      sender.signal(SIGKILL)
      try await sender.end()
      try await scene.serve(listen: hub.address)
      let kept = try await scene.run("listen", "-n", "50", nick: "bob")
      #expect(kept.lines.map { $0["id"] } == answers.map { $0["id"] })
    }
  }

  @Test("a sender that waits for its reader goes on waiting")
  func waiting() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      try await scene.introduce("bob")
      let sender = try scene.qq("send", "--wait", "delivered", "--timeout", "60s", "bob", "hi", nick: "alice")
      #expect(try await sender.line()["type"] == "sent")
      let again = try await scene.restart(hub, SIGKILL)
      try await sender.complaint("connected to \(again.address) again")
      #expect(try await scene.run("listen", "-n", "1", nick: "bob").texts == ["hi"])
      #expect(try await sender.line()["type"] == "receipt")
      #expect(try await sender.end() == 0)
    }
  }

  @Test("who --watch goes on, and -q keeps quiet about it")
  func watching() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve()
      let watcher = try scene.qq("who", "--watch", "-q", nick: "watcher")
      let bob = try await scene.listen("bob")
      #expect(try await watcher.line()["nick"] == "bob")
      let again = try await scene.restart(hub)
      try await bob.complaint("connected to \(again.address) again")
      #expect(try await watcher.line()["nick"] == "bob")
      #expect(watcher.standardError == "")
    }
  }

  @Test("a hub with other data under the same key is noticed, and read from what is unread there")
  func otherData() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--ephemeral")
      let bob = try await scene.listen("bob")
      #expect(try await scene.run("send", "bob", "before", nick: "alice").status == 0)
      #expect(try await bob.line()["text"] == "before")
      hub.process.signal(SIGTERM)
      try await hub.process.end()
      try await scene.serve("--ephemeral", listen: hub.address)
      try await bob.complaint("has other data than before")
      #expect(try await scene.run("who", "--wait", "bob", "--timeout", "60s", nick: "alice").status == 0)
      #expect(try await scene.run("send", "bob", "after", nick: "alice").status == 0)
      #expect(try await bob.line()["text"] == "after")
    }
  }
}
