import FoundationEssentials
import QQClient
import QQIdentity
import QQProtocol
import QQTestSupport
import Testing

/// qq-protocol(7), said to a hub.
@Suite("the protocol's page") struct ProtocolManualTests {
  private static func page() throws -> String {
    let path = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/man/qq-protocol.7"
    return try TemporaryFolder.contents(path)
  }

  /// The examples: what is said, what is answered, in their order.
  private static func dialogues() throws -> [[(isSaid: Bool, line: String)]] {
    var dialogues: [[(isSaid: Bool, line: String)]] = []
    for line in try page().replacing("\\(dq", with: "\\\"").split(separator: "\n") {
      if line.hasPrefix(".Bd") { dialogues.append([]) }
      guard line.hasPrefix("> ") || line.hasPrefix("< ") else { continue }
      dialogues[dialogues.count - 1].append((line.hasPrefix(">"), String(line.dropFirst(2))))
    }
    return dialogues.filter { !$0.isEmpty }
  }

  @Test("every frame stands on it, with its fields")
  func complete() throws {
    let page = try Self.page()
    var documented: [String: Set<String>] = [:]
    for line in page.split(separator: "\n") where line.hasPrefix(".It Li ") {
      let words = line.dropFirst(7).split(separator: " ").map { String($0) }
      documented[words[0], default: []].formUnion(words.dropFirst(2).map { $0.replacing("?", with: "") })
    }
    // Those of qq-events(5) are described there.
    let events: Set<String> = ["message", "file", "complete", "presence", "receipt", "gap", "user"]
    var lines: [[UInt8]] = []
    for frame in FuzzCorpus.clientFrames {
      var writer = JSONWriter()
      frame.encode(into: &writer)
      lines.append(writer.bytes)
    }
    for frame in FuzzCorpus.hubFrames {
      var writer = JSONWriter()
      frame.encode(into: &writer)
      lines.append(writer.bytes)
    }
    for line in lines {
      let fields = try JSONDecoder().decode([String: Ignored].self, from: Data(line))
      let type = try #require(JSONLine(Array(line.dropLast()))["type"])
      if events.contains(type) { continue }
      let known = try #require(documented[type], "\(type) isn't on the page")
      #expect(known.isSuperset(of: Set(fields.keys).subtracting(["type"])), "\(type)")
    }
  }

  @Test("its examples are answered as it says")
  func examples() async throws {
    let dialogues = try Self.dialogues()
    #expect(dialogues.count == 3)
    for (number, dialogue) in dialogues.enumerated() {
      try await Scene.run { scene in
        let hub = try await scene.serve()
        let endpoint = try #require(Endpoint(hub.address))
        let identity = try IdentityStore(stateDirectory: scene.folder.path + "/keys").loadOrCreate("user\(number)")
        let frames = try dialogue.filter(\.isSaid).map { try Self.frame($0.line) }
        guard case .hello(let hello)? = frames.first else {
          Issue.record("the first line is no hello")
          return
        }
        let link = LinkConfiguration(
          endpoint: endpoint, security: .tls(identity, .firstUse { _ in true }), hello: hello)
        let answers = try await HubLink.with(link) { link, lines in
          var answers: [HubLine] = []
          var needed = 0
          var rest = dialogue.dropFirst(2)[...]
          while let (isSaid, line) = rest.popFirst() {
            if isSaid {
              try await link.write([try Self.frame(line)])
              continue
            }
            needed += 1
            while answers.count < needed, let batch = try await lines.next() { answers += batch }
          }
          return answers
        }
        let expected = dialogue.dropFirst(2).filter { !$0.isSaid }.map { Array($0.line.utf8) }
        #expect(answers.count == expected.count)
        for (answer, expected) in zip(answers, expected) {
          let line = String(decoding: answer.bytes, as: UTF8.self)
          #expect(try Self.fields(answer.bytes) == Self.fields(expected), "\(line)")
        }
      }
    }
  }

  private struct Ignored: Decodable {
    init(from decoder: any Decoder) throws {}
  }

  private static func frame(_ line: String) throws -> ClientFrame {
    var decoder = FrameDecoder()
    return try decoder.clientFrame(Array(line.utf8).span.bytes)
  }

  /// What an answer is: its type, what it says in words, and which fields it has.
  private static func fields(_ bytes: [UInt8]) throws -> [String] {
    let line = JSONLine(bytes)
    let names = try JSONDecoder().decode([String: Ignored].self, from: Data(bytes)).keys.sorted()
    return [line["type"] ?? "", line["code"] ?? "", line["status"] ?? "", line["message"] ?? "", line["hash"] ?? ""]
      + names
  }
}
