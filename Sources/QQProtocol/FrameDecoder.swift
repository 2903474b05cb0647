/// Reads frames from lines, one after the other, reusing what it can.
public struct FrameDecoder: Sendable {
  var object = JSONObject()

  public init() {}

  /// The object of a line, or why the line can't be trusted.
  mutating func parse(_ line: RawSpan) throws(FrameFault) {
    do {
      try object.parse(line)
    } catch .badUTF8 {
      throw FrameFault(.badUTF8, "the line is not valid UTF-8")
    } catch {
      throw FrameFault(.malformed, "the line is not one strict JSON object")
    }
  }

  /// Whether the line that was refused last announces raw bytes.
  public func isPiece(_ line: RawSpan) -> Bool {
    guard case .string(let range, false)? = object.value("type", line) else { return false }
    return JSONScanner.equal(range, "put", line) || JSONScanner.equal(range, "chunk", line)
  }

  // MARK: Fields

  func string(_ key: StaticString, _ line: RawSpan, limit: Int = ProtocolLimits.name) throws(FrameFault) -> String? {
    switch object.value(key, line) {
    case .string(let range, let isEscaped):
      let text = JSONObject.text(range, isEscaped: isEscaped, line)
      guard text.utf8.count <= limit else { throw fault("\"\(key)\" is longer than \(limit) bytes", line) }
      return text
    case nil: return nil
    default: throw fault("\"\(key)\" must be a string", line)
    }
  }

  func integer(_ key: StaticString, _ line: RawSpan) throws(FrameFault) -> Int64? {
    switch object.value(key, line) {
    case .integer(let value) where ProtocolLimits.integers ~= value: return value
    case nil: return nil
    default: throw fault("\"\(key)\" must be an integer of at most 53 bits", line)
    }
  }

  func bool(_ key: StaticString, _ line: RawSpan) throws(FrameFault) -> Bool {
    switch object.value(key, line) {
    case .bool(let value): return value
    case nil: return false
    default: throw fault("\"\(key)\" must be true or false", line)
    }
  }

  /// One string or an array of them, each a name.
  func strings(_ key: StaticString, _ line: RawSpan, limit: Int) throws(FrameFault) -> [String]? {
    let strings: [String]?
    switch object.value(key, line) {
    case .string(let range, let isEscaped): strings = [JSONObject.text(range, isEscaped: isEscaped, line)]
    case .array(let range): strings = JSONObject.strings(range, limit: limit, line)
    case nil: return nil
    default: throw fault("\"\(key)\" must be a string or an array of strings", line)
    }
    guard let strings else {
      throw fault("\"\(key)\" must hold \(limit == .max ? "" : "at most \(limit) ")strings", line)
    }
    guard strings.allSatisfy({ $0.utf8.count <= ProtocolLimits.name }) else {
      throw fault("\"\(key)\" must hold strings of at most \(ProtocolLimits.name) bytes", line)
    }
    return strings
  }

  func messageID(_ key: StaticString, _ line: RawSpan) throws(FrameFault) -> MessageID? {
    guard case .string(let range, false)? = object.value(key, line) else {
      guard object.value(key, line) == nil else { throw fault("\"\(key)\" must be a 26-character id", line) }
      return nil
    }
    let id = line.extracting(range).withUnsafeBytes { MessageID(utf8: $0.assumingMemoryBound(to: UInt8.self)) }
    guard let id else { throw fault("\"\(key)\" must be a 26-character id", line) }
    return id
  }

  func time(_ key: StaticString, _ line: RawSpan) throws(FrameFault) -> Timestamp? {
    guard let text = try string(key, line, limit: 64) else { return nil }
    guard let time = Timestamp(text) else { throw fault("\"\(key)\" must be a time as in RFC 3339", line) }
    return time
  }

  func ref(_ line: RawSpan) throws(FrameFault) -> Int64? {
    try integer("ref", line)
  }

  func required<T>(_ value: T?, _ key: StaticString, _ line: RawSpan) throws(FrameFault) -> T {
    guard let value else { throw fault("\"\(key)\" is missing", line) }
    return value
  }

  func fault(_ message: String, _ line: RawSpan) -> FrameFault {
    FrameFault(.badField, message, ref: anyRef(line))
  }

  /// The request's number where it can be read, for the answer to a frame that is wrong.
  func anyRef(_ line: RawSpan) -> Int64? {
    guard case .integer(let value)? = object.value("ref", line), ProtocolLimits.integers ~= value else { return nil }
    return value
  }

  @inline(__always)
  func type(_ line: RawSpan) throws(FrameFault) -> Range<Int> {
    guard case .string(let range, false)? = object.value("type", line) else {
      throw FrameFault(.unknownType, "\"type\" must be a string that names a frame", ref: anyRef(line))
    }
    return range
  }
}
