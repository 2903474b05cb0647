/// Writes JSON objects, a line each, into bytes that are reused. Control characters, bidirectional overrides and line
/// separators are escaped, so that not even raw JSON can play tricks on a terminal.
public struct JSONWriter: Sendable {
  public var bytes: [UInt8] = []

  public init(reserving capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  /// Begins an object with its type.
  @inline(__always)
  public mutating func begin(_ type: StaticString) {
    raw("{\"type\":\"")
    raw(type)
    raw("\"")
  }

  /// Ends the object and the line.
  @inline(__always)
  public mutating func end() {
    raw("}\n")
  }

  @inlinable @inline(__always)
  public mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inlinable @inline(__always)
  mutating func key(_ name: StaticString) {
    raw(",\"")
    raw(name)
    raw("\":")
  }

  public mutating func field(_ name: StaticString, _ value: String) {
    key(name)
    string(value)
  }

  public mutating func field(_ name: StaticString, _ value: String?) {
    if let value { field(name, value) }
  }

  public mutating func field(_ name: StaticString, _ value: Int64) {
    key(name)
    integer(value)
  }

  public mutating func field(_ name: StaticString, _ value: Int64?) {
    if let value { field(name, value) }
  }

  public mutating func field(_ name: StaticString, _ value: Bool) {
    key(name)
    raw(value ? "true" : "false")
  }

  /// Only when true: absent means no.
  public mutating func flag(_ name: StaticString, _ value: Bool) {
    if value { field(name, true) }
  }

  public mutating func field(_ name: StaticString, _ values: [String]) {
    list(name, values) { $0.string($1) }
  }

  /// An object of numbers, in the order of their names.
  public mutating func field(_ name: StaticString, _ counts: [String: Int64]) {
    key(name)
    raw("{")
    for (index, (name, count)) in counts.sorted(by: { $0.key < $1.key }).enumerated() {
      if index > 0 { raw(",") }
      string(name)
      raw(":")
      integer(count)
    }
    raw("}")
  }

  /// An array whose elements `write` writes.
  @inlinable
  public mutating func list<Element>(
    _ name: StaticString, _ values: [Element], _ write: (inout JSONWriter, Element) -> Void
  ) {
    key(name)
    raw("[")
    for (index, value) in values.enumerated() {
      if index > 0 { raw(",") }
      write(&self, value)
    }
    raw("]")
  }

  public mutating func field(_ name: StaticString, _ value: MessageID) {
    key(name)
    raw("\"")
    value.write(into: &bytes)
    raw("\"")
  }

  public mutating func field(_ name: StaticString, _ value: MessageID?) {
    if let value { field(name, value) }
  }

  public mutating func field(_ name: StaticString, _ value: Timestamp) {
    key(name)
    raw("\"")
    value.write(into: &bytes)
    raw("\"")
  }

  public mutating func field(_ name: StaticString, _ value: Timestamp?) {
    if let value { field(name, value) }
  }

  public mutating func integer(_ value: Int64) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    var magnitude = value.magnitude
    if magnitude < 10 {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude))
      return
    }
    let start = bytes.count
    while magnitude > 0 {
      let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
      magnitude = quotient
    }
    bytes[start...].reverse()
  }

  // MARK: Strings

  public mutating func string(_ value: String) {
    raw("\"")
    var value = value
    value.withUTF8 { utf8 in
      if Self.isPlain(utf8) {
        bytes.append(contentsOf: utf8)
      } else {
        for scalar in String(decoding: utf8, as: UTF8.self).unicodeScalars { escaped(scalar) }
      }
    }
    raw("\"")
  }

  /// ASCII with nothing to escape.
  @inline(__always)
  private static func isPlain(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
    var special: UInt8 = 0
    // No early exit, so that it compiles to vector code.
    for byte in utf8 {
      special |= (byte &- 0x20 > 0x5e ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5c ? 1 : 0)
    }
    return special == 0
  }

  /// A JSON text from elsewhere, valid and in UTF-8. What could play tricks stands within strings, where an escape means
  /// the same (RFC 8259, section 7); what this program doesn't know of stays as it is.
  public mutating func line(_ json: [UInt8]) {
    if json.allSatisfy({ $0 < 0x7f }) {
      bytes += json
      return
    }
    for scalar in String(decoding: json, as: UTF8.self).unicodeScalars {
      if scalar.value < 0x7f { bytes.append(UInt8(scalar.value)) } else { escaped(scalar) }
    }
  }

  private mutating func escaped(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": raw("\\\"")
    case "\\": raw("\\\\")
    case "\n": raw("\\n")
    case "\r": raw("\\r")
    case "\t": raw("\\t")
    case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{61c}", "\u{200e}", "\u{200f}", "\u{2028}"..."\u{202e}",
      "\u{2066}"..."\u{2069}":
      raw("\\u")
      for shift in [12, 8, 4, 0] {
        let digit = UInt8(truncatingIfNeeded: scalar.value >> UInt32(shift) & 0xf)
        bytes.append(digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a"))
      }
    default: bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }
}
