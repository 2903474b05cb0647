import QQProtocol

/// What a client of the original mini QQ says: bare JSON objects, whose `type` is a digit in a string.
enum ClassicSaid: Equatable, Sendable {
  /// To an address, or to everybody.
  case message(to: String?, text: String)
  /// A text file, whole.
  case file(to: String?, name: String, text: String)
  case bye

  /// nil for what is none of these. Who sends it, by the client's own account, is not looked at.
  init?(_ object: [UInt8]) {
    let span = object.span.bytes
    var parser = JSONObject()
    guard (try? parser.parse(span)) != nil else { return nil }
    func string(_ name: StaticString) -> String? {
      guard case .string(let range, let isEscaped)? = parser.value(name, span) else { return nil }
      return JSONObject.text(range, isEscaped: isEscaped, span)
    }
    let content = string("content")
    switch (string("type"), content, string("destinationIP"), string("filename")) {
    case ("1", let text?, let target?, _): self = .message(to: target, text: text)
    case ("2", let text?, _, _): self = .message(to: nil, text: text)
    case ("3", "bye", _, _): self = .bye
    case ("4", let text?, let target?, let name?): self = .file(to: target, name: name, text: text)
    case ("5", let text?, _, let name?): self = .file(to: nil, name: name, text: text)
    default: return nil
    }
  }
}

/// What such a client is told. It reads 1024 bytes at once and takes them for one object.
enum ClassicObject {
  static let limit = 1024

  /// Who is there; of more than fit, the first.
  static func users(_ addresses: [String]) -> [UInt8] {
    var shown = addresses[...]
    while true {
      var writer = JSONWriter(reserving: limit)
      writer.begin("2")
      writer.field("content", Array(shown))
      writer.end()
      let bytes = Array(writer.bytes.dropLast())
      if bytes.count <= limit || shown.isEmpty { return bytes }
      shown = shown.dropLast(max(1, (bytes.count - limit) / 42))
    }
  }

  /// A text in as many objects as it needs, cut between characters.
  static func messages(from address: String, _ text: String) -> [[UInt8]] {
    let room = limit - message(address, "").count
    return pieces(text, room).map { message(address, $0) }
  }

  /// nil where it doesn't fit.
  static func file(from address: String, name: String, _ text: String) -> [UInt8]? {
    var writer = JSONWriter(reserving: limit)
    writer.begin("3")
    writer.field("sourceIP", address)
    writer.field("filename", name)
    writer.field("content", text)
    writer.end()
    let bytes = Array(writer.bytes.dropLast())
    return bytes.count <= limit ? bytes : nil
  }

  /// Whether two texts of one sender fit into one object, a line each.
  static func fits(from address: String, _ text: String) -> Bool { message(address, text).count <= limit }

  private static func message(_ address: String, _ text: String) -> [UInt8] {
    var writer = JSONWriter(reserving: limit)
    writer.begin("1")
    writer.field("sourceIP", address)
    writer.field("content", text)
    writer.end()
    return Array(writer.bytes.dropLast())
  }

  private static func pieces(_ text: String, _ room: Int) -> [String] {
    var pieces: [String] = []
    var piece = ""
    var used = 0
    func add(_ part: String, _ size: Int) {
      if used + size > room, !piece.isEmpty {
        pieces.append(piece)
        (piece, used) = ("", 0)
      }
      piece += part
      used += size
    }
    for character in text {
      let size = character.unicodeScalars.reduce(0) { $0 + escapedSize($1) }
      if size <= room {
        add(String(character), size)
      } else {
        // A tower of marks that is a message by itself.
        for scalar in character.unicodeScalars { add(String(Character(scalar)), escapedSize(scalar)) }
      }
    }
    pieces.append(piece)
    return pieces
  }

  /// The most bytes that a scalar takes in a JSON string.
  private static func escapedSize(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x20 || scalar.value == 0x7f { return 6 }
    if scalar == "\"" || scalar == "\\" || scalar == "/" { return 2 }
    return UTF8.width(scalar)
  }
}

/// Finds objects in a stream that has nothing between them, however it is cut into reads.
struct ClassicFramer: Sendable {
  /// A stream that is no sequence of objects, or has too long a one.
  struct Fault: Error {}

  private var pending: [UInt8] = []
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  /// The objects that these bytes complete.
  mutating func feed(_ bytes: some Sequence<UInt8>) throws(Fault) -> [[UInt8]] {
    var objects: [[UInt8]] = []
    for byte in bytes {
      if depth == 0 {
        if byte == 0x20 || 0x09...0x0d ~= byte { continue }
        guard byte == UInt8(ascii: "{") else { throw Fault() }
      }
      guard pending.count < ProtocolLimits.line else { throw Fault() }
      pending.append(byte)
      take(byte)
      if depth == 0 {
        objects.append(pending)
        pending = []
      }
    }
    return objects
  }

  private mutating func take(_ byte: UInt8) {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
      }
      return
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
    default: break
    }
  }
}
