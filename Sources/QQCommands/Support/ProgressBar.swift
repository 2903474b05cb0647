import QQProtocol

/// One line of a transfer's progress. Pure.
struct ProgressBar: Equatable, Sendable {
  var name: String
  var done: Int64
  /// nil where it isn't known.
  var total: Int64?
  /// Bytes a second; nil where nothing can be said yet.
  var rate: Int64?

  /// The line, at most `width` columns: the bar gives way first, then the rate, then the name.
  func line(width: Int) -> String {
    let figures = figures(withRate: true)
    if figures.utf8.count + 10 <= width { return line(figures, width) }
    return line(self.figures(withRate: false), width)
  }

  private func figures(withRate: Bool) -> String {
    var parts: [String] = []
    if let total { parts.append(total > 0 ? "\(min(100, Self.percent(done, total)))%" : "100%") }
    parts.append(ByteCount.text(done))
    if let rate, rate > 0 {
      if withRate { parts.append("\(ByteCount.text(rate))/s") }
      if let total, total > done { parts.append(Self.duration((total - done + rate - 1) / rate)) }
    }
    return parts.joined(separator: "  ")
  }

  private func line(_ figures: String, _ width: Int) -> String {
    let room = width - figures.utf8.count - 2
    guard room >= 8 else { return String(figures.prefix(max(0, width))) }
    var bar = ""
    var nameRoom = room
    if let total, room >= 30 {
      let cells = min(30, room / 2)
      let filled = total > 0 ? Int(Int64(cells) * Self.percent(done, total) / 100) : cells
      bar =
        "  [" + String(repeating: "#", count: min(cells, filled))
        + String(repeating: "-", count: max(0, cells - filled)) + "]"
      nameRoom = room - cells - 4
    }
    return Columns.fitted(TextSafety.visible(name), nameRoom) + bar + "  " + figures
  }

  private static func percent(_ done: Int64, _ total: Int64) -> Int64 {
    // Without overflow: the last two digits matter to nobody.
    total > 1 << 50 ? done / (total / 100) : done * 100 / total
  }

  static func duration(_ seconds: Int64) -> String {
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if seconds >= 3_600 { return "\(seconds / 3_600):\(two(seconds / 60 % 60)):\(two(seconds % 60))" }
    return "\(seconds / 60):\(two(seconds % 60))"
  }
}

/// Columns that text takes on a terminal, about: wide for East Asian scripts and emoji, none for marks.
enum Columns {
  /// Cut or filled up with spaces.
  static func fitted(_ text: String, _ width: Int) -> String {
    var result = ""
    var used = 0
    for character in text {
      let columns = Self.width(of: character)
      guard used + columns <= width else { break }
      result.append(character)
      used += columns
    }
    return result + String(repeating: " ", count: max(0, width - used))
  }

  static func width(of character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    if first.properties.generalCategory == .nonspacingMark { return 0 }
    switch first.value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
      0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
      return 2
    default: return 1
    }
  }
}
