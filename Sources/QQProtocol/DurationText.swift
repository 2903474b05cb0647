/// Durations as people type them: `500ms`, `10s`, `5m`, `2h`, `7d`, `1.5s`; a bare number is seconds.
public enum DurationText {
  /// The units, the largest first.
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  /// Nil for anything but digits, with an optional fraction of 1 to 9 digits and an optional unit, and for what `Int64`
  /// milliseconds can't hold. What is left of a millisecond is cut off.
  public static func milliseconds(_ text: some StringProtocol) -> Int64? {
    let bytes = Array(text.utf8.prefix(64))
    guard bytes.count < 64 else { return nil }
    let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    let whole = bytes.prefix(while: isDigit)
    var rest = bytes[whole.endIndex...]
    var fraction: ArraySlice<UInt8> = []
    if rest.first == UInt8(ascii: ".") {
      fraction = rest.dropFirst().prefix(while: isDigit)
      rest = rest[fraction.endIndex...]
      guard (1...9).contains(fraction.count) else { return nil }
    }
    let unitName = rest.isEmpty ? "s" : String(decoding: rest, as: UTF8.self)
    guard !whole.isEmpty, let unit = units.first(where: { $0.name == unitName })?.milliseconds else { return nil }

    var value: Int64 = 0
    for digit in whole {
      let (product, tooBig) = value.multipliedReportingOverflow(by: 10)
      let (sum, tooFar) = product.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
      guard !tooBig, !tooFar else { return nil }
      value = sum
    }
    // At most 999,999,999 days of 86,400,000 ms: far from overflow.
    var numerator: Int64 = 0
    var denominator: Int64 = 1
    for digit in fraction {
      numerator = numerator * 10 + Int64(digit - UInt8(ascii: "0"))
      denominator *= 10
    }
    let (product, tooBig) = value.multipliedReportingOverflow(by: unit)
    let (sum, tooFar) = product.addingReportingOverflow(numerator * unit / denominator)
    return tooBig || tooFar ? nil : sum
  }

  /// The shortest text that `milliseconds` reads back as the same, with a unit; only seconds get a fraction.
  /// What is negative is described as `0s`.
  public static func describe(milliseconds: Int64) -> String {
    guard milliseconds > 0 else { return "0s" }
    let unit = units.first { milliseconds % $0.milliseconds == 0 } ?? ("ms", 1)
    guard unit.milliseconds == 1, milliseconds > 1000 else { return "\(milliseconds / unit.milliseconds)\(unit.name)" }
    var fraction = String(milliseconds % 1000 + 1000).dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    return "\(milliseconds / 1000).\(fraction)s"
  }
}
