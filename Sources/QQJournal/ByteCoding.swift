import QQProtocol

/// Why bytes are not what was written.
public enum ByteCodingError: Error, Equatable, Sendable {
  /// The bytes end in the middle of a value.
  case truncated
  /// There are bytes after the last value.
  case trailing
  /// A number is out of its type's range, or a byte has no meaning here.
  case value
  case utf8
  /// Written by a version of the program that is newer than this one.
  case version(UInt8)
}

/// Appends values in the form that `ByteReader` takes apart: numbers as LEB128 (DWARF 5, section 7.6), signed ones in
/// zigzag, texts and lists after their length.
package struct ByteWriter: ~Copyable {
  package var bytes: [UInt8]

  /// Appends to `bytes`, whose storage it takes over: `writer.bytes` gives it back.
  package init(_ bytes: consuming [UInt8] = []) {
    self.bytes = bytes
  }

  package mutating func byte(_ value: UInt8) {
    bytes.append(value)
  }

  package mutating func number(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  package mutating func number(_ value: UInt32) {
    number(UInt64(value))
  }

  package mutating func number(_ value: Int64) {
    number(UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  /// Eight bytes, the highest first.
  package mutating func fixed(_ value: UInt64) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// Four bytes, the highest first.
  package mutating func fixed(_ value: UInt32) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func text(_ value: String) {
    let utf8 = value.utf8
    number(UInt64(utf8.count))
    bytes.append(contentsOf: utf8)
  }

  package mutating func blob(_ value: [UInt8]) {
    number(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func id(_ value: MessageID) {
    fixed(value.high)
    fixed(value.low)
  }

  /// The length, 4 or 16, and the address in network order.
  package mutating func address(_ value: IPAddress) {
    if let v4 = value.v4 {
      byte(4)
      fixed(v4)
    } else {
      blob(value.bytes)
    }
  }
}

/// Takes apart what `ByteWriter` wrote. Any bytes whatever give values or an error, never a trap.
package struct ByteReader: ~Escapable {
  private let bytes: Span<UInt8>
  private var position = 0

  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>) {
    self.bytes = bytes
  }

  private var remaining: Int { bytes.count - position }

  package func end() throws(ByteCodingError) {
    guard remaining == 0 else { throw .trailing }
  }

  package mutating func byte() throws(ByteCodingError) -> UInt8 {
    guard position < bytes.count else { throw .truncated }
    defer { position += 1 }
    return bytes[position]
  }

  package mutating func number() throws(ByteCodingError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte()
      // The tenth byte has room for one bit.
      guard shift < 63 || byte <= 1 else { throw .value }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  package mutating func number32() throws(ByteCodingError) -> UInt32 {
    guard let value = UInt32(exactly: try number()) else { throw .value }
    return value
  }

  package mutating func signed() throws(ByteCodingError) -> Int64 {
    let value = try number()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  package mutating func fixed64() throws(ByteCodingError) -> UInt64 {
    guard remaining >= 8 else { throw .truncated }
    var value: UInt64 = 0
    for index in position..<position + 8 { value = value << 8 | UInt64(bytes[index]) }
    position += 8
    return value
  }

  package mutating func fixed32() throws(ByteCodingError) -> UInt32 {
    guard remaining >= 4 else { throw .truncated }
    var value: UInt32 = 0
    for index in position..<position + 4 { value = value << 8 | UInt32(bytes[index]) }
    position += 4
    return value
  }

  /// A length that the bytes can hold, however small their elements are, so that nothing huge is allocated for it.
  package mutating func count() throws(ByteCodingError) -> Int {
    guard let value = Int(exactly: try number()), value <= remaining else { throw .truncated }
    return value
  }

  package mutating func text() throws(ByteCodingError) -> String {
    let length = try count()
    let part = bytes.extracting(position..<position + length)
    position += length
    guard let text = part.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) }) else { throw .utf8 }
    return text
  }

  package mutating func blob() throws(ByteCodingError) -> [UInt8] {
    let length = try count()
    let part = bytes.extracting(position..<position + length)
    position += length
    return part.withUnsafeBufferPointer { Array($0) }
  }

  package mutating func id() throws(ByteCodingError) -> MessageID {
    MessageID(high: try fixed64(), low: try fixed64())
  }

  package mutating func address() throws(ByteCodingError) -> IPAddress {
    switch try byte() {
    case 4: return IPAddress(v4: try fixed32())
    case 16: return IPAddress(v6High: try fixed64(), low: try fixed64())
    default: throw .value
    }
  }

  package mutating func flag() throws(ByteCodingError) -> Bool {
    switch try byte() {
    case 0: return false
    case 1: return true
    default: throw .value
    }
  }
}
