/// Bytes as people read and write them.
public enum ByteCount {
  private static let units = ["kB", "MB", "GB", "TB", "PB"]

  /// `48.2 kB`, decimal units with one digit behind the point; rounded, without floating point.
  public static func text(_ count: Int64) -> String {
    guard count >= 1_000 else { return count == 1 ? "1 byte" : "\(max(count, 0)) bytes" }
    var value = count
    for unit in units {
      let tenths = value / 100 + (value % 100 >= 50 ? 1 : 0)
      if tenths < 10_000 || unit == units.last { return "\(tenths / 10).\(tenths % 10) \(unit)" }
      value = value / 1_000 + (value % 1_000 >= 500 ? 1 : 0)
    }
    return "\(count) bytes"
  }

  /// Reads `1500`, `10k`, `500MB`, `2G` (powers of 1,000) and `2GiB` (powers of 1,024), in either case; nil for anything
  /// else and for more than fits.
  public static func parse(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits) else { return nil }
    var unit = text.dropFirst(digits.count).lowercased()[...]
    if unit.hasPrefix(" ") { unit.removeFirst() }
    if unit.isEmpty || unit == "b" { return number }
    guard
      let power = "kmgtp".firstIndex(of: unit.removeFirst()).map({ "kmgtp".distance(from: "kmgtp".startIndex, to: $0) })
    else { return nil }
    let base: Int64
    switch unit {
    case "", "b": base = 1_000
    case "ib", "i": base = 1_024
    default: return nil
    }
    var result = number
    for _ in 0...power {
      let (product, overflow) = result.multipliedReportingOverflow(by: base)
      guard !overflow else { return nil }
      result = product
    }
    return result
  }
}
