/// Frames of every kind that a client may say, with what is at the edge in each of their fields.
public enum HostileFrames {
  enum Field {
    case integer, flag, id, name, text, targets, time, hash, tree, nick, group, secret, start
  }

  struct Frame {
    var type: String
    var fields: [(name: String, field: Field)]
  }

  static let all: [Frame] = [
    Frame(
      type: "hello",
      fields: [
        ("protocol", .integer), ("nick", .nick), ("explicit", .flag), ("host", .name), ("agent", .name),
        ("invite", .secret),
      ]),
    Frame(
      type: "send",
      fields: [
        ("ref", .integer), ("id", .id), ("to", .targets), ("text", .text), ("reply_to", .id), ("receipts", .flag),
        ("last_seen", .flag),
      ]),
    Frame(
      type: "offer",
      fields: [
        ("ref", .integer), ("id", .id), ("to", .targets), ("name", .name), ("size", .integer),
        ("manifest", .integer), ("mode", .integer), ("modified", .time), ("receipts", .flag), ("last_seen", .flag),
      ]),
    Frame(
      type: "listen",
      fields: [
        ("ref", .integer), ("after", .start), ("since", .time), ("cursor", .name), ("reader", .name), ("hold", .flag),
        ("live", .flag),
      ]),
    Frame(type: "ack", fields: [("seq", .integer)]),
    Frame(type: "cursor", fields: [("ref", .integer), ("cursor", .name)]),
    Frame(type: "who", fields: [("ref", .integer), ("all", .flag), ("watch", .flag), ("removed", .flag)]),
    Frame(type: "join", fields: [("ref", .integer), ("group", .group)]),
    Frame(type: "leave", fields: [("ref", .integer), ("group", .group)]),
    Frame(type: "nick", fields: [("ref", .integer), ("nick", .nick)]),
    Frame(
      type: "history",
      fields: [
        ("ref", .integer), ("target", .name), ("after", .integer), ("before", .integer), ("since", .time),
        ("limit", .integer),
      ]),
    Frame(type: "ping", fields: [("ref", .integer)]),
    Frame(type: "invite", fields: [("ref", .integer), ("hash", .hash), ("nick", .nick), ("lifetime", .integer)]),
    Frame(type: "invites", fields: [("ref", .integer)]),
    Frame(type: "revoke", fields: [("ref", .integer), ("invite", .name)]),
    Frame(type: "remove", fields: [("ref", .integer), ("user", .nick)]),
    Frame(type: "restore", fields: [("ref", .integer), ("user", .nick)]),
    Frame(type: "status", fields: [("ref", .integer)]),
    Frame(type: "backup", fields: [("ref", .integer), ("keep", .integer)]),
    Frame(type: "upload", fields: [("ref", .integer), ("id", .id)]),
    Frame(type: "put", fields: [("offset", .integer), ("size", .integer), ("hash", .hash)]),
    Frame(type: "finish", fields: [("ref", .integer), ("size", .integer), ("hash", .tree)]),
    Frame(
      type: "get",
      fields: [("ref", .integer), ("id", .id), ("seq", .integer), ("offset", .integer), ("hash", .tree)]),
    Frame(type: "got", fields: [("offset", .integer)]),
    Frame(type: "saved", fields: [("ref", .integer), ("seq", .integer)]),
    Frame(type: "files", fields: [("ref", .integer), ("after", .integer)]),
    Frame(type: "withdraw", fields: [("ref", .integer), ("id", .id)]),
  ]

  /// The fields that each type of frame is tried with.
  public static var fields: [String: Set<String>] {
    Dictionary(uniqueKeysWithValues: all.map { ($0.type, Set($0.fields.map(\.name))) })
  }
}

/// Values for those fields, as JSON.
struct HostileValues {
  var random: SplitMix64

  private static let extremeIntegers = [
    "0", "-1", "1", "9007199254740991", "-9007199254740991", "9007199254740992", "9223372036854775807", "1048576",
    "1048577", "1.5", "1e3", "-0",
  ]
  private static let extremeNames = [
    "", String(repeating: "n", count: 1_024), String(repeating: "n", count: 1_025), String(repeating: "é", count: 512),
    String(repeating: "c", count: 64), String(repeating: "c", count: 65), "..", "/", "a/b", "\\u0000", "\\u202e\\u0007",
    "@", "@all", "-", "\\ud83d\\ude00", "127.0.0.1", "::", "SHA256:AAAA",
  ]
  private static let otherTypes = ["null", "true", "{}", "[]", "[[[]]]", "\"x\"", "0", "{\"a\":[{}]}"]
  private static let texts = [
    "", String(repeating: "t", count: 65_536), String(repeating: "t", count: 65_537),
    String(repeating: "\\u0001", count: 40_000), String(repeating: "é", count: 32_768),
  ]
  private static let times = ["0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999-23:59", "2026-11-23", "", "noon"]
  private static let hashes = [
    "", String(repeating: "0", count: 64), String(repeating: "f", count: 63), String(repeating: "F", count: 65),
    "qq-tree-sha256:" + String(repeating: "0", count: 64), "qq-tree-sha256:",
    "qq-tree-sha256:af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc",
  ]
  private static let nicks = (0..<12).map { "h\($0)" } + FriendlyPair.nicks

  mutating func any<Element>(_ values: [Element]) -> Element { values[random.below(values.count)] }

  /// One of a few, so that frames meet, or one of the many that nobody else has.
  mutating func id() -> String {
    let number = random.oneIn(2) ? random.next() % 16 : random.next()
    let digits = String(number)
    return String(repeating: "0", count: 26 - digits.utf8.count) + digits
  }

  mutating func nick() -> String { any(Self.nicks) }

  private func quoted(_ text: String) -> String { "\"\(text)\"" }

  /// What a client that means well would say.
  mutating func good(_ field: HostileFrames.Field) -> String {
    switch field {
    case .integer: String(random.below(random.oneIn(3) ? 100_000 : 4))
    case .flag: random.oneIn(2) ? "true" : "false"
    case .id: quoted(id())
    case .name: quoted(any(["a", "report.pdf", "listen", "h1"]))
    case .text: quoted(random.oneIn(2) ? "hi" : String(repeating: "some words ", count: random.below(200)))
    case .targets: "[\(quoted(any(["@all", "@all", "@g1", nick()])))]"
    case .time: quoted("2026-11-23T08:15:02.113Z")
    case .hash: quoted(any([Self.hashes[1], String(repeating: "ab", count: 32)]))
    case .tree: quoted(any([Self.hashes[4], Self.hashes[6]]))
    case .nick: quoted(nick())
    case .group: quoted("@g\(random.below(8))")
    case .secret: quoted("AAAAAAAAAAAAAAAAAAAAAA")
    case .start: any(["0", "\"now\"", "\"unread\"", String(random.below(1_000))])
    }
  }

  /// What is at the edge, or just beyond.
  mutating func extreme(_ field: HostileFrames.Field) -> String {
    if random.oneIn(12) { return any(Self.otherTypes) }
    return switch field {
    case .integer: any(Self.extremeIntegers)
    case .flag: any(["true", "false", "null", "0"])
    case .id: quoted(any(["", String(repeating: "7", count: 26), String(repeating: "Z", count: 26), "0", id()]))
    case .name, .nick, .group, .secret: quoted(any(Self.extremeNames))
    case .text: quoted(any(Self.texts))
    case .targets: targets()
    case .time: quoted(any(Self.times))
    case .hash, .tree: quoted(any(Self.hashes))
    case .start: random.oneIn(2) ? any(Self.extremeIntegers) : quoted(any(["then", "", "now"]))
    }
  }

  /// Where there are sums, the largest finds them first.
  private mutating func edge(_ field: HostileFrames.Field) -> String {
    field == .integer && random.oneIn(2) ? "9007199254740991" : extreme(field)
  }

  private mutating func targets() -> String {
    let count = any([0, 1, 2, 255, 256, 257])
    let one = any([nick(), "@all", "@g2", "127.0.0.1", "nobody", any(Self.extremeNames)])
    let isSame = random.oneIn(2)
    return "[" + (0..<count).map { quoted(isSame || one.utf8.count > 64 ? one : "\(one)\($0)") }.joined(separator: ",")
      + "]"
  }

  // MARK: Frames

  /// A line. Of the fields one in `extremes` is at the edge; some are left out.
  mutating func frame(_ frame: HostileFrames.Frame, extremes: Int = 4) -> String {
    var text = "{\"type\":\"\(frame.type)\""
    for (name, field) in frame.fields where !random.oneIn(8) {
      text += ",\"\(name)\":" + (random.oneIn(extremes) ? extreme(field) : good(field))
    }
    return text + "}\n"
  }

  /// The same line twice, with another value in one field of the second.
  mutating func pair(_ frame: HostileFrames.Frame) -> (good: String, extreme: String) {
    let integers = frame.fields.indices.filter { frame.fields[$0].field == .integer && frame.fields[$0].name != "ref" }
    let changed =
      !integers.isEmpty && random.oneIn(2) ? any(integers) : random.below(frame.fields.count)
    var lines = ["{\"type\":\"\(frame.type)\"", "{\"type\":\"\(frame.type)\""]
    for (index, (name, field)) in frame.fields.enumerated() {
      let value = name == "manifest" ? "0" : good(field)
      lines[0] += ",\"\(name)\":" + value
      lines[1] += ",\"\(name)\":" + (index == changed ? edge(field) : value)
    }
    return (lines[0] + "}\n", lines[1] + "}\n")
  }
}
