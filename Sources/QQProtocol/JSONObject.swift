/// One JSON object (RFC 8259), checked strictly and taken apart one level deep: no duplicate keys, no byte order mark,
/// no lone surrogates, no overlong UTF-8, bounded depth and number of members. It holds places in the bytes it was
/// parsed from, which every accessor is given again; parsing another line reuses its storage.
///
/// Never traps, whatever the bytes are: all reads go through the bounds-checked `RawSpan`.
public struct JSONObject: Sendable {
  public enum Value: Equatable, Sendable {
    case string(Range<Int>, isEscaped: Bool)
    case integer(Int64)
    /// A fraction, an exponent, or an integer that doesn't fit.
    case number(Range<Int>)
    case bool(Bool)
    case null
    case array(Range<Int>)
    case object(Range<Int>)
  }

  struct Member {
    var key: Range<Int>
    var isEscaped: Bool
    var value: Value
  }

  private(set) var members: [Member] = []

  public init() {
    members.reserveCapacity(8)
  }

  /// Throws `.malformed` or `.badUTF8`.
  public mutating func parse(_ bytes: RawSpan) throws(ErrorCode) {
    members.removeAll(keepingCapacity: true)
    var scanner = JSONScanner()
    scanner.skipSpace(bytes)
    guard scanner.peek(bytes) == UInt8(ascii: "{") else { throw .malformed }
    try scanner.object(bytes, depth: 1, collecting: &members)
    scanner.skipSpace(bytes)
    guard scanner.index == bytes.byteCount else { throw .malformed }
  }

  /// The value of a key; nil where it is absent or null ("absent means absent").
  public func value(_ key: StaticString, _ bytes: RawSpan) -> Value? {
    for member in members where JSONScanner.key(member, equals: key, bytes) {
      return member.value == .null ? nil : member.value
    }
    return nil
  }

  /// In their order.
  public func keys(_ bytes: RawSpan) -> [String] {
    members.map { Self.text($0.key, isEscaped: $0.isEscaped, bytes) }
  }

  /// The text of a string value that was found in `bytes`.
  public static func text(_ range: Range<Int>, isEscaped: Bool, _ bytes: RawSpan) -> String {
    if isEscaped {
      return String(decoding: JSONScanner.unescape(range, bytes), as: UTF8.self)
    }
    return bytes.extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  /// The strings of an array value; nil where an element is something else or there are more than `limit`.
  public static func strings(_ range: Range<Int>, limit: Int, _ bytes: RawSpan) -> [String]? {
    var scanner = JSONScanner()
    scanner.index = range.lowerBound + 1
    var result: [String] = []
    scanner.skipSpace(bytes)
    while scanner.peek(bytes) == UInt8(ascii: "\"") {
      guard result.count < limit, let string = try? scanner.string(bytes) else { return nil }
      result.append(text(string.range, isEscaped: string.isEscaped, bytes))
      scanner.skipSpace(bytes)
      guard scanner.peek(bytes) == UInt8(ascii: ",") else { break }
      scanner.index += 1
      scanner.skipSpace(bytes)
    }
    return scanner.peek(bytes) == UInt8(ascii: "]") ? result : nil
  }
}
