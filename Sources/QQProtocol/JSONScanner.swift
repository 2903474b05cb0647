/// Walks over the bytes of one JSON text and says where its parts are.
struct JSONScanner {
  var index = 0

  @inline(__always)
  func peek(_ bytes: RawSpan) -> UInt8? {
    index < bytes.byteCount ? bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self) : nil
  }

  @inline(__always)
  mutating func skipSpace(_ bytes: RawSpan) {
    while let byte = peek(bytes), byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { index += 1 }
  }

  @inline(__always)
  private mutating func expect(_ byte: UInt8, _ bytes: RawSpan) throws(ErrorCode) {
    guard peek(bytes) == byte else { throw .malformed }
    index += 1
  }

  mutating func object(
    _ bytes: RawSpan, depth: Int, collecting members: inout [JSONObject.Member]
  ) throws(ErrorCode) {
    guard depth <= ProtocolLimits.depth else { throw .malformed }
    try expect(UInt8(ascii: "{"), bytes)
    skipSpace(bytes)
    if peek(bytes) == UInt8(ascii: "}") {
      index += 1
      return
    }
    // The keys' texts, from the first that is written with escapes on: each is unescaped once, however many there are.
    var texts: [[UInt8]] = []
    while true {
      let key = try string(bytes)
      guard members.count < ProtocolLimits.members else { throw .malformed }
      if key.isEscaped || !texts.isEmpty {
        if texts.isEmpty { texts = members.map { Self.unescape($0.key, bytes) } }
        let text = Self.unescape(key.range, bytes)
        guard !texts.contains(text) else { throw .malformed }
        texts.append(text)
      } else {
        guard !members.contains(where: { Self.equal($0.key, key.range, bytes) }) else { throw .malformed }
      }
      skipSpace(bytes)
      try expect(UInt8(ascii: ":"), bytes)
      skipSpace(bytes)
      let value = try self.value(bytes, depth: depth)
      members.append(.init(key: key.range, isEscaped: key.isEscaped, value: value))
      skipSpace(bytes)
      guard peek(bytes) == UInt8(ascii: ",") else { break }
      index += 1
      skipSpace(bytes)
    }
    try expect(UInt8(ascii: "}"), bytes)
  }

  private mutating func array(_ bytes: RawSpan, depth: Int) throws(ErrorCode) {
    guard depth <= ProtocolLimits.depth else { throw .malformed }
    try expect(UInt8(ascii: "["), bytes)
    skipSpace(bytes)
    if peek(bytes) == UInt8(ascii: "]") {
      index += 1
      return
    }
    while true {
      _ = try value(bytes, depth: depth)
      skipSpace(bytes)
      guard peek(bytes) == UInt8(ascii: ",") else { break }
      index += 1
      skipSpace(bytes)
    }
    try expect(UInt8(ascii: "]"), bytes)
  }

  private mutating func value(_ bytes: RawSpan, depth: Int) throws(ErrorCode) -> JSONObject.Value {
    let start = index
    switch peek(bytes) {
    case UInt8(ascii: "\""):
      let string = try string(bytes)
      return .string(string.range, isEscaped: string.isEscaped)
    case UInt8(ascii: "{"):
      var members: [JSONObject.Member] = []
      try object(bytes, depth: depth + 1, collecting: &members)
      return .object(start..<index)
    case UInt8(ascii: "["):
      try array(bytes, depth: depth + 1)
      return .array(start..<index)
    case UInt8(ascii: "t"):
      try word("true", bytes)
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false", bytes)
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null", bytes)
      return .null
    default:
      return try number(bytes)
    }
  }

  private mutating func word(_ word: StaticString, _ bytes: RawSpan) throws(ErrorCode) {
    guard Self.equal(index..<index + word.utf8CodeUnitCount, word, bytes) else { throw .malformed }
    index += word.utf8CodeUnitCount
  }

  // MARK: Numbers

  private mutating func number(_ bytes: RawSpan) throws(ErrorCode) -> JSONObject.Value {
    let start = index
    let isNegative = peek(bytes) == UInt8(ascii: "-")
    if isNegative { index += 1 }
    let first = index
    var magnitude: Int64 = 0
    var fits = true
    while let digit = digit(bytes) {
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, overflowSum) = product.addingReportingOverflow(digit)
      fits = fits && !overflow && !overflowSum
      magnitude = sum
      index += 1
    }
    let digits = index - first
    guard digits > 0 else { throw .malformed }
    if digits > 1, bytes.unsafeLoad(fromByteOffset: first, as: UInt8.self) == UInt8(ascii: "0") { throw .malformed }
    var isInteger = fits
    if peek(bytes) == UInt8(ascii: ".") {
      isInteger = false
      index += 1
      try someDigits(bytes)
    }
    if let byte = peek(bytes), byte | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      index += 1
      if let sign = peek(bytes), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index += 1 }
      try someDigits(bytes)
    }
    return isInteger ? .integer(isNegative ? -magnitude : magnitude) : .number(start..<index)
  }

  private func digit(_ bytes: RawSpan) -> Int64? {
    guard let byte = peek(bytes), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
    return Int64(byte - UInt8(ascii: "0"))
  }

  private mutating func someDigits(_ bytes: RawSpan) throws(ErrorCode) {
    guard digit(bytes) != nil else { throw .malformed }
    while digit(bytes) != nil { index += 1 }
  }
}
