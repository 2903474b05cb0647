import QQTestSupport
import Testing

@testable import QQCommands

@Suite("Arguments")
struct ArgumentsTests {
  /// What the parser makes of a command line: the texts of `qq send`, or the error.
  private func texts(_ arguments: String...) throws -> [String] {
    let command = try Program.command(try Arguments.prepared(arguments))
    return try #require(command as? Send).text.map(Arguments.plain)
  }

  @Test("a text that begins with a dash and is written as no option is a text")
  func dashes() throws {
    #expect(try texts("send", "bob", "-5 °C") == ["-5 °C"])
    #expect(try texts("send", "bob", "--- done ---") == ["--- done ---"])
    #expect(try texts("send", "bob", "- item", "--wait", "delivered", "-", "-1") == ["- item", "-", "-1"])
    #expect(try texts("send", "bob", "-rw-r--r-- 1 root") == ["-rw-r--r-- 1 root"])
    #expect(try texts("send", "--id", "k", "bob", "--", "-h", "--lines", "-- x") == ["-h", "--lines", "-- x"])
  }

  @Test("options stay options wherever they stand, and a misspelt one is an error, never a text")
  func options() throws {
    let command = try Program.command(try Arguments.prepared(["send", "bob", "--wait=delivered", "-q", "hi"]))
    let send = try #require(command as? Send)
    #expect(send.wait == .delivered)
    #expect(try send.request().common.output.isQuiet)
    #expect(throws: (any Error).self) { try texts("send", "--line", "@all") }
    #expect(throws: (any Error).self) { try texts("send", "bob", "--tex", "hi") }
  }

  @Test("asking for help where something is to be sent is an error, since nothing would be sent")
  func help() {
    for arguments in [["send", "bob", "-h"], ["send", "bob", "--help"]] {
      #expect { try Arguments.prepared(arguments) } throws: { ($0 as? CommandFailure)?.status == .usage }
    }
    #expect(throws: Never.self) { try Arguments.prepared(["send", "--help"]) }
    #expect(throws: Never.self) { try Arguments.prepared(["send", "bob", "--", "-h"]) }
  }

  @Test("a file that looks like options is an error that says how to write it, an unknown command names the nearest")
  func mistakes() {
    for file in ["-dash", "-ph", "-x.txt"] {
      #expect { try Arguments.prepared(["sendfile", "bob", file]) } throws: {
        ($0 as? CommandFailure)?.message?.contains("./\(file)") == true
      }
      #expect(throws: Never.self) { try Arguments.prepared(["sendfile", "bob", "--", file]) }
    }
    #expect(throws: Never.self) { try Arguments.prepared(["sendfile", "-qv", "bob", "-", "--name", "x"]) }
    #expect { try Program.command(["sendfiles", "bob", "x"]) } throws: {
      ($0 as? CommandFailure)?.message?.contains("\"sendfile\"") == true
    }
  }

  @Test("other commands' arguments are left alone, but for the one option that has a value only sometimes")
  func others() throws {
    #expect(try Arguments.prepared(["serve", "--plaintext=lan"]) == ["serve", "--plaintext-lan"])
    #expect(try Arguments.prepared(["listen", "--match", "-5 x"]) == ["listen", "--match", "-5 x"])
  }

  @Test("how to retry is said as the input can be given again")
  func hints() throws {
    func hints(_ arguments: String...) throws -> [String] {
      let send = try #require(try Program.command(try Arguments.prepared(arguments)) as? Send)
      let source = MessageSource(targets: ["bob"], key: send.id, replyTo: nil)
      let messages = try [5, 6].map { try #require(try source.line([0x61], number: $0)) }
      let request = try send.request()
      return SendRun(request).retryHints(request.isStream ? messages : [messages[0]])
    }
    #expect(
      try hints("send", "--lines", "bob") == [
        "not confirmed: lines 5 to 6. A stream that was sent with --id KEY can be sent again, and nothing arrives twice"
      ])
    #expect(
      try hints("send", "--lines", "--id", "k", "bob") == [
        "not confirmed: lines 5 to 6. The same input under the same --id k sends nothing twice"
      ])
    #expect(try hints("send", "--jsonl")[0].hasPrefix("not confirmed: line 5: retry it with \"id\":\""))
    #expect(try hints("send", "bob", "x")[0].hasPrefix("not confirmed: retry with --id "))
  }

  @Test("what is read quickly is what the parser reads")
  func quickly() throws {
    let words = [
      "--plaintext", "--json", "--text", "-q", "--quiet", "--last-seen", "--hub", "--nick", "--id", "h:1", "alice",
      "bob,@ops", ",", "hi", "two words", "", "--wait", "delivered", "--lines", "--", "-5 x", "-", "--hub=h",
      "--timeout",
      "5s", "-v", "ü",
    ]
    var random = SplitMix64(seed: 7)
    var read = 0
    for _ in 0..<20_000 {
      let arguments =
        ["send"] + (0..<Int.random(in: 1...6, using: &random)).map { _ in words.randomElement(using: &random)! }
      guard let prepared = try? Arguments.prepared(arguments), let request = SendRequest(quickly: prepared) else {
        continue
      }
      read += 1
      let parsed = try #require(try Program.command(prepared) as? Send, "\(arguments)")
      #expect(try parsed.request() == request, "\(arguments)")
    }
    #expect(read > 500)
    #expect(SendRequest(quickly: ["send", "--hub", "h:1", "--plaintext", "bob", "a", "b"])?.input == .text("a b"))
    #expect(SendRequest(quickly: ["send", "bob"]) == nil)
    #expect(SendRequest(quickly: ["send", "bob", "a", "--json"]) == nil)
  }
}
