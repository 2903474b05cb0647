/// A point in time inside a text: a tilde, which no bench text and no header holds, and the monotonic clock's
/// nanoseconds in 16 hexadecimal digits.
enum TimeStamp {
  static let marker = UInt8(ascii: "~")
  static let length = 17

  static func encode(_ nanoseconds: UInt64) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    return [marker] + (0..<16).map { digits[Int((nanoseconds >> UInt64(60 - 4 * $0)) & 15)] }
  }

  /// Reads the 16 digits at `digits`; garbage gives garbage.
  static func decode(_ digits: UnsafePointer<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<16 {
      let digit = digits[index]
      value = value << 4 | UInt64(digit <= 0x39 ? digit &- 0x30 : digit &- 0x57) & 15
    }
    return value
  }
}
