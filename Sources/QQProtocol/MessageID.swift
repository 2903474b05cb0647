/// The 128-bit id that the sender of a message or a file chose for it.
/// Its text is a ULID (https://github.com/ulid/spec): 26 digits of Crockford's base 32, so that ids sort by time.
public struct MessageID: Hashable, Sendable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads exactly 26 digits in either case; a text above 2^128 - 1 and the letters I, L, O and U are refused.
  public init?(_ text: some StringProtocol) {
    let contiguous = text.utf8.withContiguousStorageIfAvailable { MessageID(utf8: $0) }
    guard let id = contiguous ?? Array(text.utf8.prefix(27)).withUnsafeBufferPointer({ MessageID(utf8: $0) }) else {
      return nil
    }
    self = id
  }

  /// Reads exactly 26 digits in either case, without allocating.
  public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
    self.init(utf8: text.span)
  }

  /// Reads exactly 26 digits in either case, without allocating.
  public init?(utf8 text: Span<UInt8>) {
    guard text.count == 26 else { return nil }
    // 26 digits are 130 bits: the first two must be 0, the next 63 come from the 13 digits up to index 12,
    // the last 65 from the 13 digits from there on, one of them the low bit of `high`.
    var seen: UInt8 = 0
    var head: UInt64 = 0
    for index in 0..<13 {
      let digit = digitValues[Int(text[index])]
      seen |= digit
      head = head << 5 | UInt64(digit)
    }
    let middle = digitValues[Int(text[13])]
    seen |= middle
    var tail = UInt64(middle)
    for index in 14..<26 {
      let digit = digitValues[Int(text[index])]
      seen |= digit
      tail = tail << 5 | UInt64(digit)
    }
    guard seen < 0x80, digitValues[Int(text[0])] <= 7 else { return nil }
    self.init(high: head << 1 | UInt64(middle >> 4), low: tail)
  }

  /// 26 digits, the letters in capitals.
  public var description: String {
    var bytes: [UInt8] = []
    write(into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the 26 bytes of `description`.
  public func write(into output: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 26) { text in
      var tail = low
      for index in stride(from: 25, through: 14, by: -1) {
        text[index] = digits[Int(tail & 31)]
        tail >>= 5
      }
      text[13] = digits[Int(tail & 15 | (high & 1) << 4)]
      var head = high >> 1
      for index in stride(from: 12, through: 0, by: -1) {
        text[index] = digits[Int(head & 31)]
        head >>= 5
      }
      output.append(contentsOf: text)
    }
  }
}

/// Makes ids that never repeat and always increase, also within a millisecond and when the clock goes back
/// (the monotonic rule of the ULID specification).
public struct MessageIDGenerator: Sendable {
  private let seed: (high: UInt64, low: UInt64)
  private var last: MessageID?

  /// The seed is mixed into every random value, so that two generators fed alike still differ.
  public init(random seed: (UInt64, UInt64)) {
    self.seed = seed
  }

  /// 48 bits of milliseconds and 80 random bits, or the id after the last one where that isn't older than `time`.
  /// A time outside of 48 bits is clamped.
  public mutating func next(time: Timestamp, random: (UInt64, UInt64)) -> MessageID {
    let milliseconds = UInt64(min(max(time.milliseconds, 0), 0xFFFF_FFFF_FFFF))
    let id: MessageID
    if let last, milliseconds <= last.high >> 16 {
      let (low, carry) = last.low.addingReportingOverflow(1)
      id = MessageID(high: last.high &+ (carry ? 1 : 0), low: low)
    } else {
      id = MessageID(high: milliseconds << 16 | (random.0 ^ seed.high) & 0xFFFF, low: random.1 ^ seed.low)
    }
    last = id
    return id
  }
}

/// Crockford's alphabet (https://www.crockford.com/base32.html).
private let digits: [UInt8] = [
  0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46,
  0x47, 0x48, 0x4A, 0x4B, 0x4D, 0x4E, 0x50, 0x51, 0x52, 0x53, 0x54, 0x56, 0x57, 0x58, 0x59, 0x5A,
]

/// The value of every byte as a digit, 255 for those that are none.
private let digitValues: [UInt8] = [
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 255, 255, 255, 255, 255,
  255, 10, 11, 12, 13, 14, 15, 16, 17, 255, 18, 19, 255, 20, 21, 255,
  22, 23, 24, 25, 26, 255, 27, 28, 29, 30, 31, 255, 255, 255, 255, 255,
  255, 10, 11, 12, 13, 14, 15, 16, 17, 255, 18, 19, 255, 20, 21, 255,
  22, 23, 24, 25, 26, 255, 27, 28, 29, 30, 31, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
]
