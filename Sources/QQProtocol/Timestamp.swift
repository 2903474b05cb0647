/// A point in time, to the millisecond.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Since 1970-01-01T00:00:00Z, leap seconds not counted.
  public var milliseconds: Int64

  public init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  /// Milliseconds later; stops at the ends of `Int64`.
  public static func + (time: Timestamp, milliseconds: Int64) -> Timestamp {
    let (sum, overflow) = time.milliseconds.addingReportingOverflow(milliseconds)
    return Timestamp(milliseconds: overflow ? (milliseconds < 0 ? .min : .max) : sum)
  }

  /// Milliseconds earlier; stops at the ends of `Int64`.
  public static func - (time: Timestamp, milliseconds: Int64) -> Timestamp {
    Timestamp(milliseconds: time - Timestamp(milliseconds: milliseconds))
  }

  /// The milliseconds from the right one to the left one; stops at the ends of `Int64`.
  public static func - (left: Timestamp, right: Timestamp) -> Int64 {
    let (difference, overflow) = left.milliseconds.subtractingReportingOverflow(right.milliseconds)
    return overflow ? (left.milliseconds < 0 ? .min : .max) : difference
  }

  private static let millisecondsPerDay: Int64 = 86_400_000
  /// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z, what four digits of a year can say.
  private static let writable: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

  /// RFC 3339 in UTC with three digits of fraction: `2026-11-23T08:15:02.113Z`. Years end at 0000 and 9999.
  public var description: String {
    var bytes: [UInt8] = []
    write(into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the 24 bytes of `description`.
  public func write(into output: inout [UInt8]) {
    let time = min(max(milliseconds, Self.writable.lowerBound), Self.writable.upperBound)
    var days = time / Self.millisecondsPerDay
    var rest = time % Self.millisecondsPerDay
    if rest < 0 {
      rest += Self.millisecondsPerDay
      days -= 1
    }
    let (year, month, day) = Self.civil(days: days)
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { text in
      func put(_ value: Int64, _ width: Int, at start: Int, then end: Unicode.Scalar) {
        var value = value
        for index in stride(from: start + width - 1, through: start, by: -1) {
          text[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10)
          value /= 10
        }
        text[start + width] = UInt8(truncatingIfNeeded: end.value)
      }
      put(year, 4, at: 0, then: "-")
      put(month, 2, at: 5, then: "-")
      put(day, 2, at: 8, then: "T")
      put(rest / 3_600_000, 2, at: 11, then: ":")
      put(rest / 60_000 % 60, 2, at: 14, then: ":")
      put(rest / 1000 % 60, 2, at: 17, then: ".")
      put(rest % 1000, 3, at: 20, then: "Z")
      output.append(contentsOf: text)
    }
  }

  /// Reads RFC 3339: a fraction of 1 to 9 digits is cut to milliseconds, a space may stand for the `T`, the letters may
  /// be small, a leap second is the last millisecond before it. Beyond the RFC: without a zone it is UTC, and a date
  /// alone is its midnight.
  public init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8.prefix(40))
    var scanner = Scanner(bytes: bytes)
    guard let year = scanner.number(digits: 4), scanner.take("-"),
      let month = scanner.number(digits: 2), scanner.take("-"),
      let day = scanner.number(digits: 2),
      (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year)
    else { return nil }
    let midnight = Self.days(year: year, month: month, day: day) * Self.millisecondsPerDay
    if scanner.isAtEnd {
      self.init(milliseconds: midnight)
      return
    }
    guard scanner.take("T") || scanner.take("t") || scanner.take(" "),
      let hour = scanner.number(digits: 2), scanner.take(":"),
      let minute = scanner.number(digits: 2), scanner.take(":"),
      let second = scanner.number(digits: 2),
      hour < 24, minute < 60, second <= 60,
      let fraction = scanner.fraction(), let offset = scanner.offset(), scanner.isAtEnd
    else { return nil }
    let seconds = second == 60 ? 59_999 : second * 1000 + fraction
    let time = midnight + hour * 3_600_000 + minute * 60_000 + seconds - offset
    // An offset can lead out of the years that can be written.
    self.init(milliseconds: min(max(time, Self.writable.lowerBound), Self.writable.upperBound))
  }

  /// Days since 1970-01-01 to a date of the Gregorian calendar.
  /// `civil_from_days` of https://howardhinnant.github.io/date_algorithms.html, for year 0 and later.
  private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  /// The inverse of `civil`: `days_from_civil` of the same source.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// Reads the fields of RFC 3339 off the front of some bytes.
private struct Scanner {
  let bytes: [UInt8]
  private var position = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { position == bytes.count }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
    position += 1
    return true
  }

  private mutating func digit() -> Int64? {
    guard position < bytes.count, bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9") else {
      return nil
    }
    position += 1
    return Int64(bytes[position - 1] - UInt8(ascii: "0"))
  }

  mutating func number(digits: Int) -> Int64? {
    var value: Int64 = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// Milliseconds; 0 where there is no fraction, nil where it is wrong.
  mutating func fraction() -> Int64? {
    guard take(".") else { return 0 }
    var value: Int64 = 0
    var count = 0
    while let digit = digit() {
      count += 1
      if count <= 3 { value = value * 10 + digit }
    }
    switch count {
    case 1: return value * 100
    case 2: return value * 10
    case 3...9: return value
    default: return nil
    }
  }

  /// Milliseconds east of Greenwich; 0 where there is no zone, nil where it is wrong.
  mutating func offset() -> Int64? {
    if isAtEnd || take("Z") || take("z") { return 0 }
    let east = take("+")
    guard east || take("-"), let hours = number(digits: 2), take(":"), let minutes = number(digits: 2),
      hours < 24, minutes < 60
    else { return nil }
    let offset = hours * 3_600_000 + minutes * 60_000
    return east ? offset : -offset
  }
}
