import Glibc
import QQTestSupport
import Synchronization
import Testing

/// A client of the original mini QQ, as it is: it sleeps, reads up to 1024 bytes at once and takes what it gets for one
/// object; it writes an object with one send and nothing between them.
private final class ClassicPeer: Sendable {
  private let descriptor: Int32
  private let reads = Watched<[String]>([])

  init(port: Int, from source: String = "127.0.0.1", sleeping: Range<UInt32> = 200_000..<2_000_000) throws {
    descriptor = try RawConnection.connect(port: port, from: source)
    let (descriptor, reads) = (descriptor, reads)
    OwnThread.detach {
      var buffer = [UInt8](repeating: 0, count: 1024)
      var before = ContinuousClock.now
      while true {
        usleep(.random(in: sleeping))
        let isLate = ContinuousClock.now - before > .milliseconds(2_300)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        before = .now
        guard count > 0 else { return reads.update { $0.append("") } }
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        // A machine that stood still made it sleep for longer than those clients do: what came meanwhile is its own fault.
        let objects = isLate ? text.replacing("}{", with: "}\n{").split(separator: "\n").map(String.init) : [text]
        reads.update { $0 += objects }
      }
    }
  }

  deinit { close(descriptor) }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  /// Goes without a word.
  func vanish() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// The next read, which is one object.
  func object() async throws -> JSONLine {
    let text = await reads.first(within: ChildProcess.patience) { $0.isEmpty ? nil : $0.removeFirst() }
    guard let text, text != "" else { throw UnexpectedOutput("no object but the end") }
    return JSONLine(Array(text.utf8))
  }

  /// The next that is of this type.
  func object(of type: String) async throws -> JSONLine {
    while true {
      let object = try await object()
      if object["type"] == type { return object }
    }
  }

  func ends() async -> Bool {
    await reads.first(within: ChildProcess.patience) { $0.contains("") ? true : nil } ?? false
  }
}

@Suite("clients of the original mini QQ") struct ClassicTests {
  @Test("they are told who is there, are seen under their address, and speak with clients of today")
  func conversation() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--classic")
      let port = Int(hub.port) ?? 0
      let peer = try ClassicPeer(port: port)
      let first = try await peer.object()
      #expect(first["type"] == "2")
      #expect(first.strings("content") == ["127.0.0.1"])
      let bob = try await scene.listen("bob")
      _ = try await peer.object(of: "2")
      let who = try await scene.run("who", nick: "bob")
      let classic = try #require(who.lines.first { $0["client"] == "classic" })
      #expect(classic["address"] == "127.0.0.1")
      #expect(classic["nick"] == "classic-127.0.0.1")
      // What it claims to be counts for nothing. Cut in two and two in one are understood.
      peer.send(
        "{\"type\":\"2\",\"sourceIP\":\"10.9.8.7\",\"destinationIP\":\"\\u5df2\\u767b\\u5f55\\u7528\\u6237\",\"cont")
      try await Task.sleep(for: .milliseconds(50))
      peer.send(
        "ent\": \"hello, \\u4f60\\u597d {\"}{\"type\":\"1\",\"sourceIP\":\"1\",\"destinationIP\":\"127.0.0.1\",\"content\":\"psst\"}"
      )
      let public_ = try await bob.line()
      #expect(public_["text"] == "hello, 你好 {")
      #expect(public_["address"] == "127.0.0.1")
      #expect(public_["from"] == "classic-127.0.0.1")
      #expect(public_.strings("to") == ["@all"])
      #expect(try await bob.line()["text"] == "psst")
      // Quickly one after the other: still an object a read.
      for number in 1...5 {
        let to = ["127.0.0.1", "@all", "classic-127.0.0.1"][number % 3]
        #expect(try await scene.run("send", to, "text \(number)", nick: "bob").status == 0)
      }
      var texts: [String] = []
      while texts.count < 5 {
        let object = try await peer.object(of: "1")
        #expect(object["sourceIP"] == "127.0.0.1")
        texts += (object["content"] ?? "").split(separator: "\n").map(String.init)
      }
      #expect(texts == (1...5).map { "text \($0)" })
    }
  }

  @Test("texts that are too long for one read come in several, cut between characters")
  func longTexts() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--classic")
      let peer = try ClassicPeer(port: Int(hub.port) ?? 0, sleeping: 50_000..<500_000)
      _ = try await peer.object(of: "2")
      let text = String(repeating: "漢字\"", count: 300)
      #expect(try await scene.run("send", "@all", text, nick: "bob").status == 0)
      var heard = ""
      while heard.utf8.count < text.utf8.count { heard += try await peer.object(of: "1")["content"] ?? "" }
      #expect(heard == text)
    }
  }

  @Test("text files go both ways, and one that doesn't fit comes as a message that says so")
  func files() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--classic")
      let peer = try ClassicPeer(port: Int(hub.port) ?? 0, sleeping: 50_000..<500_000)
      _ = try await peer.object(of: "2")
      let bob = try await scene.listen("bob", "--save", "\(scene.folder.path)/in")
      peer.send("{\"type\":\"5\",\"sourceIP\":\"x\",\"filename\":\"notes.txt\",\"content\":\"line 1\\nline 2\\n\"}")
      peer.send(
        "{\"type\":\"4\",\"sourceIP\":\"x\",\"destinationIP\":\"127.0.0.1\",\"filename\":\"empty.txt\",\"content\":\"\"}"
      )
      let saved = try await [bob.line(of: "saved"), bob.line(of: "saved")].compactMap { $0["name"] }
      #expect(saved.sorted() == ["empty.txt", "notes.txt"])
      #expect(try scene.folder.read("in/notes.txt") == "line 1\nline 2\n")
      #expect(try scene.folder.read("in/empty.txt") == "")
      try scene.folder.write("你好\n", to: "small.txt")
      try scene.folder.write(String(repeating: "x", count: 2_000), to: "large.txt")
      try scene.folder.write([0xff, 0xfe, 0x00], to: "binary")
      for name in ["small.txt", "large.txt", "binary"] {
        #expect(try await scene.run("sendfile", "@all", "\(scene.folder.path)/\(name)", nick: "carol").status == 0)
      }
      let file = try await peer.object(of: "3")
      #expect(file["filename"] == "small.txt")
      #expect(file["content"] == "你好\n")
      var words = ""
      while !words.contains("binary") { words += try await peer.object(of: "1")["content"] ?? "" }
      #expect(words.contains("[file large.txt (2.0 kB): this client can't take it]"))
      #expect(words.contains("[file binary (3 bytes): this client can't take it]"))
    }
  }

  @Test("unknown targets are told, bye ends, and one that goes without a word hurts nobody")
  func leaving() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--classic")
      let port = Int(hub.port) ?? 0
      let watcher = try scene.qq("who", "--watch", nick: "watcher")
      let peer = try ClassicPeer(port: port, sleeping: 20_000..<200_000)
      _ = try await peer.object(of: "2")
      peer.send("{\"type\":\"1\",\"sourceIP\":\"x\",\"destinationIP\":\"10.1.2.3\",\"content\":\"hi\"}")
      #expect(try await peer.object(of: "1")["content"]?.hasPrefix("nobody is online at 10.1.2.3") == true)
      peer.send("{\"type\":\"9\"} {\"no\":1}")
      peer.send("{\"type\":\"3\",\"sourceIP\":\"x\",\"content\":\"bye\"}")
      #expect(await peer.ends())
      let other = try ClassicPeer(port: port, sleeping: 20_000..<200_000)
      _ = try await other.object(of: "2")
      other.vanish()
      var seen: [Bool] = []
      while seen.count < 4 {
        if let isOnline = try await watcher.line(of: "presence").bool("online") { seen.append(isOnline) }
      }
      #expect(seen == [true, false, true, false])
      let broken = try ClassicPeer(port: port, sleeping: 20_000..<200_000)
      _ = try await broken.object(of: "2")
      broken.send("no JSON")
      #expect(await broken.ends())
      #expect(try await scene.run("send", "@all", "all is well", nick: "bob").status == 0)
    }
  }

  @Test("without --classic they are not let in, and with it clients of today still are, in plaintext too")
  func others() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--classic", "--plaintext")
      #expect(try await hub.serves())
      #expect(try await scene.run("send", "@all", "with TLS", nick: "bob").status == 0)
      let strict = try await scene.serve(data: "strict")
      let peer = try RawConnection(port: Int(strict.port) ?? 0)
      peer.write("{\"type\":\"2\",\"sourceIP\":\"x\",\"content\":\"hi\"}")
      peer.endWriting()
      #expect(await peer.isClosed())
      let outside = try await scene.serve("--classic", "--invite-only", data: "closed")
      let refused = try ClassicPeer(port: Int(outside.port) ?? 0, sleeping: 20_000..<200_000)
      #expect(try await refused.object(of: "1")["content"]?.contains("not admitted") == true)
      #expect(await refused.ends())
    }
  }
}
