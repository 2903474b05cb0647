extension JSONScanner {
  /// The place of a string's content, its quotes not counted.
  mutating func string(_ bytes: RawSpan) throws(ErrorCode) -> (range: Range<Int>, isEscaped: Bool) {
    guard peek(bytes) == UInt8(ascii: "\"") else { throw .malformed }
    index += 1
    let start = index
    var isEscaped = false
    while true {
      skipPlain(bytes)
      guard let byte = peek(bytes) else { throw .malformed }
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return (start..<index - 1, isEscaped)
      case UInt8(ascii: "\\"):
        isEscaped = true
        _ = try escape(bytes)
      case 0x80...:
        try skipMultibyte(bytes)
      default:
        throw .malformed
      }
    }
  }

  /// Skips to the next quote, backslash, control character or non-ASCII byte, eight bytes at a time. In each word the
  /// lowest byte that is flagged is a true one; a borrow can flag only bytes above it.
  @inline(__always)
  private mutating func skipPlain(_ bytes: RawSpan) {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let count = bytes.byteCount
    while index &+ 8 <= count {
      let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5c)
      let flagged =
        ((word &- ones &* 0x20) & ~word) | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | word
      let special = flagged & highs
      if special != 0 {
        index += special.trailingZeroBitCount / 8
        return
      }
      index += 8
    }
    while let byte = peek(bytes), byte >= 0x20, byte < 0x80, byte != 0x22, byte != 0x5c { index += 1 }
  }

  /// One well-formed sequence as in table 3-7 of the Unicode standard: nothing overlong, no surrogates.
  private mutating func skipMultibyte(_ bytes: RawSpan) throws(ErrorCode) {
    func at(_ offset: Int) -> UInt8 {
      index + offset < bytes.byteCount ? bytes.unsafeLoad(fromByteOffset: index + offset, as: UInt8.self) : 0
    }
    let lead = at(0)
    let second = at(1)
    let tail: ClosedRange<UInt8> = 0x80...0xbf
    let length: Int
    switch lead {
    case 0xc2...0xdf: length = tail ~= second ? 2 : 0
    case 0xe0: length = 0xa0...0xbf ~= second && tail ~= at(2) ? 3 : 0
    case 0xed: length = 0x80...0x9f ~= second && tail ~= at(2) ? 3 : 0
    case 0xe1...0xef: length = tail ~= second && tail ~= at(2) ? 3 : 0
    case 0xf0: length = 0x90...0xbf ~= second && tail ~= at(2) && tail ~= at(3) ? 4 : 0
    case 0xf4: length = 0x80...0x8f ~= second && tail ~= at(2) && tail ~= at(3) ? 4 : 0
    case 0xf1...0xf3: length = tail ~= second && tail ~= at(2) && tail ~= at(3) ? 4 : 0
    default: length = 0
    }
    guard length > 0 else { throw .badUTF8 }
    index += length
  }

  /// Steps over one escape; a surrogate pair counts as one.
  private mutating func escape(_ bytes: RawSpan) throws(ErrorCode) -> Unicode.Scalar {
    index += 1
    guard let letter = peek(bytes) else { throw .malformed }
    index += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try hex4(bytes)
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // A surrogate: the high half comes first and the low half follows at once.
      guard unit < 0xdc00, peek(bytes) == UInt8(ascii: "\\") else { throw .malformed }
      index += 1
      guard peek(bytes) == UInt8(ascii: "u") else { throw .malformed }
      index += 1
      let low = try hex4(bytes)
      guard 0xdc00...0xdfff ~= low,
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
      else { throw .malformed }
      return scalar
    default: throw .malformed
    }
  }

  private mutating func hex4(_ bytes: RawSpan) throws(ErrorCode) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(bytes), let digit = Unicode.Scalar(byte).hexDigit else { throw .malformed }
      unit = unit << 4 | digit
      index += 1
    }
    return unit
  }

  /// The bytes of a string that was found valid, its escapes undone.
  static func unescape(_ range: Range<Int>, _ bytes: RawSpan) -> [UInt8] {
    var scanner = JSONScanner()
    scanner.index = range.lowerBound
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    while scanner.index < range.upperBound, let byte = scanner.peek(bytes) {
      if byte == UInt8(ascii: "\\") {
        guard let scalar = try? scanner.escape(bytes) else { return result }
        result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      } else {
        result.append(byte)
        scanner.index += 1
      }
    }
    return result
  }

  // MARK: Keys

  static func key(_ member: JSONObject.Member, equals key: StaticString, _ bytes: RawSpan) -> Bool {
    guard member.isEscaped else { return equal(member.key, key, bytes) }
    return unescape(member.key, bytes).elementsEqual(
      UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
  }

  @inline(__always)
  static func equal(_ range: Range<Int>, _ key: StaticString, _ bytes: RawSpan) -> Bool {
    guard range.count == key.utf8CodeUnitCount, range.upperBound <= bytes.byteCount else { return false }
    var offset = 0
    while offset < range.count {
      let byte = bytes.unsafeLoad(fromByteOffset: range.lowerBound &+ offset, as: UInt8.self)
      if byte != key.utf8Start[offset] { return false }
      offset &+= 1
    }
    return true
  }

  /// Whether the same bytes stand at both places of `bytes`, which must be within it.
  @inline(__always)
  static func equal(_ left: Range<Int>, _ right: Range<Int>, _ bytes: RawSpan) -> Bool {
    guard left.count == right.count else { return false }
    var offset = 0
    while offset &+ 8 <= left.count {
      let word = bytes.unsafeLoadUnaligned(fromByteOffset: left.lowerBound &+ offset, as: UInt64.self)
      if word != bytes.unsafeLoadUnaligned(fromByteOffset: right.lowerBound &+ offset, as: UInt64.self) { return false }
      offset &+= 8
    }
    while offset < left.count {
      let byte = bytes.unsafeLoad(fromByteOffset: left.lowerBound &+ offset, as: UInt8.self)
      if byte != bytes.unsafeLoad(fromByteOffset: right.lowerBound &+ offset, as: UInt8.self) { return false }
      offset &+= 1
    }
    return true
  }
}

extension Unicode.Scalar {
  fileprivate var hexDigit: UInt32? {
    switch self {
    case "0"..."9": value - 0x30
    case "a"..."f": value - 0x61 + 10
    case "A"..."F": value - 0x41 + 10
    default: nil
    }
  }
}
