import FoundationEssentials
import QQManual
import QQProtocol
import QQTestSupport
import Testing

/// What is printed, against the JSON Schema that is shipped.
@Suite("events are as qq-events(5) has them") struct EventSchemaTests {
  /// As much of JSON Schema as the schema uses.
  private struct Schema: Decodable {
    struct Variant: Decodable {
      var title: String
      var required: [String]
      var properties: [String: Property]
    }

    struct Property: Decodable {
      var type: String?
      var const: String?
      var pattern: String?

      func allows(_ value: Value) -> Bool {
        switch value {
        case .text(let text):
          if let const { return text == const }
          guard let pattern else { return type == "string" }
          return (try? Regex(pattern)).flatMap { try? $0.wholeMatch(in: text) } != nil
        case .integer: return type == "integer"
        case .flag: return type == "boolean"
        case .names: return type == "array"
        case .counts: return type == "object"
        }
      }
    }

    var oneOf: [Variant]

    /// What is wrong with a line; nil where nothing is. A field that isn't documented is wrong, too; `ignoring`: but for
    /// these.
    func fault(_ line: JSONLine, ignoring: Set<String> = []) -> String? {
      guard let fields = try? JSONDecoder().decode([String: Value].self, from: Data(line.bytes)) else {
        return "no object: \(line)"
      }
      let variants = oneOf.filter { $0.properties["type"]?.const == line["type"] }
      guard variants.count == 1 else { return "\(variants.count) events of this type: \(line)" }
      if let missing = variants[0].required.first(where: { fields[$0] == nil }) {
        return "\(missing) is missing: \(line)"
      }
      for (name, value) in fields where !ignoring.contains(name) {
        guard let property = variants[0].properties[name] else { return "\(name) isn't documented: \(line)" }
        guard property.allows(value) else { return "\(name) is something else: \(line)" }
      }
      return nil
    }
  }

  private enum Value: Decodable, Equatable {
    case text(String)
    case integer(Int64)
    case flag(Bool)
    case names([String])
    case counts([String: Int64])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        self = .flag(flag)
      } else if let integer = try? container.decode(Int64.self) {
        self = .integer(integer)
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else if let names = try? container.decode([String].self) {
        self = .names(names)
      } else {
        self = .counts(try container.decode([String: Int64].self))
      }
    }
  }

  private static func schema() throws -> Schema {
    let path = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/man/qq-events.schema.json"
    return try JSONDecoder().decode(Schema.self, from: Data(TemporaryFolder.contents(path).utf8))
  }

  @Test("every frame that is an event, with all its fields and with few")
  func frames() throws {
    let schema = try Self.schema()
    var seen: Set<String> = []
    for frame in FuzzCorpus.hubFrames {
      var writer = JSONWriter()
      frame.encode(into: &writer)
      let line = JSONLine(Array(writer.bytes.dropLast()))
      // "progress" is an event of its own beside the frame of that name.
      guard let type = line["type"], type != "progress", schema.oneOf.contains(where: { $0.title == type }) else {
        continue
      }
      seen.insert(type)
      #expect(schema.fault(line, ignoring: ["ref", "awaiting", "more"]) == nil)
    }
    #expect(
      seen.isSuperset(of: [
        "message", "file", "complete", "presence", "receipt", "gap", "user", "sent", "error", "invite",
      ]))
  }

  @Test("every line that commands print")
  func lines() async throws {
    try await Scene.run { scene in
      let schema = try Self.schema()
      let hub = try await scene.serve()
      var lines = [hub.ready]
      let listener = try await scene.listen("bob", "--save", scene.folder.path + "/inbox", state: "other")
      try scene.folder.write("pages", to: "report.pdf")
      func run(_ arguments: String..., input: String = "", state: String = "state") async throws {
        let child = try scene.start(arguments, input: .text(input), state: state)
        _ = try await child.end()
        lines += child.rest
      }
      try await run("join", "@ops")
      try await run("send", "bob,nobody", "--wait", "delivered", "hi", "--timeout", "60s")
      try await run("sendfile", "bob", scene.folder.path + "/report.pdf", "--wait", "delivered", "-v")
      try await run("who", "--all")
      try await run("whoami")
      try await run("history")
      try await run("leave", "@ops")
      try await run("invite", "--for", "dora")
      let token = lines.compactMap { $0["token"] }.first ?? ""
      try await run("accept", input: token, state: "third")
      try await run("admin", "invites")
      try await run("invite")
      try await run("admin", "revoke", lines.last { $0["token"] != nil }?["id"] ?? "")
      try await run("admin", "remove", "dora")
      try await run("admin", "members")
      try await run("admin", "restore", "dora")
      try await run("trust", hub.address)
      try await run("nick", "lin")
      try await run("alias", "bob", "friend")
      lines += try await listener.lines(3)
      let types = Set(lines.compactMap { $0["type"] })
      #expect(
        types.isSuperset(of: [
          "ready", "message", "file", "complete", "receipt", "sent", "error", "user", "invite", "accepted",
          "trusted", "joined", "left", "renamed", "revoked", "removed", "restored", "alias", "whoami",
        ]))
      for line in lines { #expect(schema.fault(line) == nil) }
    }
  }

  @Test("the schema refuses what isn't so")
  func refused() throws {
    let schema = try Self.schema()
    for line in [
      #"{"type":"nonsense"}"#, #"{"type":"gap","from":1}"#, #"{"type":"gap","from":1,"to":"2"}"#,
      #"{"type":"gap","from":1,"to":2,"more":3}"#, #"{"type":"trusted","hub":"h:1","fingerprint":"SHA256:short"}"#,
    ] {
      #expect(schema.fault(JSONLine(Array(line.utf8))) != nil)
    }
  }
}
