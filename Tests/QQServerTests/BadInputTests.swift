import QQTestSupport
import Testing

@Suite("bad input") struct BadInputTests {
  @Test("a line that can't be trusted is answered with an error and the end of its connection, felt by nobody else")
  func fatal() async throws {
    let nested = "{\"type\":\"ping\",\"x\":" + String(repeating: "[", count: 100_000)
    let piece = "{\"type\":\"put\",\"offset\":0,\"hash\":\"" + String(repeating: "0", count: 64) + "\","
    let lines: [(String, [UInt8], String)] = [
      ("no object", Array("[1,2]".utf8), "malformed"),
      ("cut off", Array("{\"type\":".utf8), "malformed"),
      ("a trailing comma", Array("{\"type\":\"ping\",}".utf8), "malformed"),
      ("two objects", Array("{\"type\":\"ping\"}{\"type\":\"ping\"}".utf8), "malformed"),
      ("a key twice", Array("{\"type\":\"ping\",\"ref\":1,\"ref\":2}".utf8), "malformed"),
      ("a key twice, once escaped", Array("{\"type\":\"ping\",\"ref\":1,\"re\\u0066\":2}".utf8), "malformed"),
      ("deep nesting", Array(nested.utf8), "malformed"),
      (
        "17 levels",
        Array(
          ("{\"x\":" + String(repeating: "[", count: 16)
            + String(repeating: "]", count: 16) + "}").utf8), "malformed"
      ),
      ("a lone surrogate", Array("{\"type\":\"ping\",\"x\":\"\\ud800\"}".utf8), "malformed"),
      ("a control character", Array("{\"type\":\"ping\",\"x\":\"\u{1}\"}".utf8), "malformed"),
      ("no number", Array("{\"type\":\"ping\",\"ref\":01}".utf8), "malformed"),
      ("not a number", Array("{\"type\":\"ping\",\"ref\":NaN}".utf8), "malformed"),
      ("no UTF-8", Array("{\"type\":\"ping\",\"x\":\"".utf8) + [0xc3, 0x28] + Array("\"}".utf8), "bad_utf8"),
      ("an overlong form", Array("{\"type\":\"ping\",\"x\":\"".utf8) + [0xc0, 0x80] + Array("\"}".utf8), "bad_utf8"),
      ("a byte order mark", [0xef, 0xbb, 0xbf] + Array("{\"type\":\"ping\"}".utf8), "malformed"),
      ("a piece of an impossible size", Array((piece + "\"size\":1048577}").utf8), "bad_field"),
      ("a piece of nothing", Array((piece + "\"size\":3}\nabc").utf8), "bad_field"),
      ("too long", [UInt8](repeating: 0x20, count: 262_145), "line_too_long"),
      ("too long and without an end", [UInt8](repeating: 0x7b, count: 300_000), "line_too_long"),
    ]
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--ephemeral")
      let witness = try await hub.guest("witness")
      for (name, bytes, code) in lines {
        let peer = try await hub.guest("peer")
        peer.write("{\"type\":\"ping\",\"ref\":1}\n")
        peer.write(name.hasSuffix("end") ? bytes : bytes + [0x0a])
        // What came before the bad line is answered; what comes after it is not looked at.
        peer.write("\n{\"type\":\"send\",\"id\":\"00000000000000000000000001\",\"to\":[\"witness\"],\"text\":\"x\"}\n")
        #expect(await peer.line()?["type"] == "pong", "\(name)")
        let error = await peer.line()
        #expect(error?["type"] == "error", "\(name)")
        #expect(error?["code"] == code, "\(name)")
        #expect(await peer.line() == nil, "\(name)")
        #expect(await witness.answer(to: "{\"type\":\"ping\"}")?["type"] == "pong", "\(name)")
      }
      #expect(hub.process.isRunning)
    }
  }

  @Test("bytes of a file that come before the welcome are not gathered")
  func stranger() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--ephemeral")
      let peer = try hub.connection()
      let hash = String(repeating: "0", count: 64)
      peer.write("{\"type\":\"put\",\"offset\":0,\"size\":1048576,\"hash\":\"\(hash)\"}\n")
      #expect(await peer.line()?["code"] == "malformed")
      #expect(await peer.line() == nil)
      #expect(try await hub.serves())
    }
  }

  @Test("a line that is wrong in itself is answered with an error, and the next one is served")
  func harmless() async throws {
    let id = "\"id\":\"00000000000000000000000001\""
    let long = String(repeating: "x", count: 65_537)
    let lines: [(String, String)] = [
      ("{}", "unknown_type"), ("{\"type\":null}", "unknown_type"), ("{\"type\":5}", "unknown_type"),
      ("{\"type\":\"frobnicate\",\"ref\":9}", "unknown_type"), ("{\"type\":\"welcome\",\"ref\":9}", "unknown_type"),
      ("{\"type\":\"ping\",\"ref\":\"9\"}", "bad_field"), ("{\"type\":\"ping\",\"ref\":1e400}", "bad_field"),
      ("{\"type\":\"ping\",\"ref\":9007199254740993}", "bad_field"),
      ("{\"type\":\"ping\",\"ref\":\(String(repeating: "9", count: 10_000))}", "bad_field"),
      ("{\"type\":\"ack\",\"seq\":-1,\"ref\":9}", "bad_field"), ("{\"type\":\"ack\"}", "bad_field"),
      ("{\"type\":\"ack\",\"seq\":1.5}", "bad_field"),
      ("{\"type\":\"listen\",\"after\":-1,\"ref\":9}", "bad_field"),
      ("{\"type\":\"listen\",\"after\":\"then\"}", "bad_field"),
      ("{\"type\":\"listen\",\"since\":\"noon\"}", "bad_field"),
      ("{\"type\":\"listen\",\"cursor\":\"\(String(repeating: "c", count: 65))\"}", "bad_field"),
      ("{\"type\":\"send\",\"ref\":9}", "bad_field"),
      ("{\"type\":\"send\",\(id),\"to\":[],\"text\":\"x\"}", "bad_field"),
      ("{\"type\":\"send\",\(id),\"to\":[1],\"text\":\"x\"}", "bad_field"),
      (
        "{\"type\":\"send\",\(id),\"to\":[\(Array(repeating: "\"a\"", count: 257).joined(separator: ","))],\"text\":\"x\"}",
        "bad_field"
      ),
      ("{\"type\":\"send\",\(id),\"to\":[\"a\"],\"text\":{}}", "bad_field"),
      ("{\"type\":\"send\",\"id\":\"short\",\"to\":[\"a\"],\"text\":\"x\"}", "bad_field"),
      ("{\"type\":\"send\",\(id),\"to\":[\"a\"],\"text\":\"\(long)\"}", "text_too_long"),
      ("{\"type\":\"history\",\"limit\":0}", "bad_field"), ("{\"type\":\"join\"}", "bad_field"),
      ("{\"type\":\"who\",\"all\":\"yes\"}", "bad_field"), ("{\"type\":\"hello\",\"protocol\":1}", "bad_field"),
    ]
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--ephemeral")
      let peer = try await hub.guest("peer")
      for (line, code) in lines {
        let error = await peer.answer(to: line)
        #expect(error?["type"] == "error", "\(line.prefix(80))")
        #expect(error?["code"] == code, "\(line.prefix(80))")
        #expect(error?.integer("ref") == (line.contains("\"ref\":9}") || line.hasSuffix("\"ref\":9}") ? 9 : nil))
        #expect(await peer.answer(to: "{\"type\":\"ping\",\"ref\":2}")?.integer("ref") == 2, "\(line.prefix(80))")
      }
      // Empty lines are nothing, and unknown fields are ignored.
      #expect(await peer.answer(to: "\n\r\n{\"type\":\"ping\",\"x\":{\"y\":[null]}}")?["type"] == "pong")
    }
  }

  @Test("before hello nothing else is taken, and another protocol is refused")
  func greeting() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--ephemeral")
      for (line, code) in [
        ("{\"type\":\"ping\"}", "hello_expected"), ("{\"type\":\"who\",\"all\":true}", "hello_expected"),
        ("{\"type\":\"hello\",\"protocol\":2}", "unsupported_protocol"), ("{\"type\":\"hello\"}", "bad_field"),
        ("{\"type\":\"hello\",\"protocol\":1,\"nick\":\"a b\",\"explicit\":true}", "bad_nick"), ("{{", "malformed"),
      ] {
        let peer = try hub.connection()
        #expect(await peer.answer(to: line)?["code"] == code, "\(line)")
        if code != "bad_field" { #expect(await peer.line() == nil, "\(line)") }
      }
      #expect(try await hub.serves())
    }
  }

  @Test("what is no protocol of ours is closed at once")
  func otherProtocols() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--ephemeral")
      for bytes in [
        Array("GET / HTTP/1.1\r\nHost: hub\r\n\r\n".utf8), Array("\n".utf8), [0x00], [0xff, 0xfe],
        // A TLS record that holds none, and an alert in the place of a greeting.
        [0x16, 0x03, 0x01, 0x00, 0x05, 0xff, 0xff, 0xff, 0xff, 0xff], [0x16] + Array("GET / HTTP/1.1\r\n\r\n".utf8),
        [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28],
      ] {
        let peer = try hub.connection()
        peer.write(bytes)
        #expect(await peer.isClosed())
      }
      #expect(try await hub.serves())
    }
  }

  @Test("who closes one direction gets the answers to all that was read, and then the end")
  func halfClosed() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext")
      let witness = try await hub.guest("witness")
      #expect(await witness.answer(to: "{\"type\":\"listen\",\"ref\":1,\"after\":\"now\"}")?["type"] == "ok")
      let peer = try hub.connection()
      peer.write(
        """
        {"type":"hello","protocol":1,"nick":"peer"}
        {"type":"send","ref":1,"id":"00000000000000000000000001","to":["@all"],"text":"one"}
        {"type":"send","ref":2,"id":"00000000000000000000000002","to":["witness"],"text":"two"}
        {"type":"history","ref":3}
        {"type":"ping","ref":4}

        """)
      peer.endWriting()
      var answers: [String] = []
      while let line = await peer.line() { answers.append("\(line["type"] ?? "") \(line.integer("ref") ?? 0)") }
      #expect(answers.first == "welcome 0")
      #expect(answers.filter { $0.hasPrefix("sent") } == ["sent 1", "sent 2"])
      #expect(answers.contains("pong 4"))
      #expect(answers.contains("ok 3"))
      #expect(await witness.line()?["text"] == "one")
      #expect(await witness.line()?["text"] == "two")
    }
  }

  @Test("a connection that ends anywhere harms nobody")
  func prematureEnd() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext")
      let hello = "{\"type\":\"hello\",\"protocol\":1,\"nick\":\"peer\"}\n"
      let whole = hello + "{\"type\":\"listen\",\"ref\":1}\n{\"type\":\"who\",\"ref\":2,\"watch\":true}\n{\"type\":\"se"
      for length in stride(from: 0, through: whole.utf8.count, by: 7) {
        let peer = try hub.connection()
        peer.write(String(whole.prefix(length)))
        _ = await peer.isDrained()
        peer.close()
      }
      for start in [[UInt8]([0x16]), [0x16, 0x03, 0x01], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01]] {
        let peer = try hub.connection()
        peer.write(start)
        _ = await peer.isDrained()
        peer.endWriting()
        peer.close()
      }
      #expect(try await hub.serves())
      #expect(hub.process.isRunning)
    }
  }
}
