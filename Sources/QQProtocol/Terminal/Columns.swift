/// Columns that text takes on a terminal: two for East Asian scripts and emoji, none for marks. Where terminals
/// disagree, as on emoji that are joined of several, this is the most that one of them takes: a row laid out by it may be
/// short, never too long.
/// Source: UAX #11, "East Asian Width", and UTS #51 for the presentation of emoji.
public enum Columns {
  public static func width(of text: some StringProtocol) -> Int {
    text.reduce(0) { $0 + width(of: $1) }
  }

  public static func width(of character: Character) -> Int {
    if let byte = character.asciiValue { return byte < 0x20 || byte == 0x7F ? 0 : 1 }
    var sum = 0
    var asksForEmoji = false
    for scalar in character.unicodeScalars {
      sum += width(of: scalar)
      if scalar.value == 0xFE0F { asksForEmoji = true }
    }
    return asksForEmoji && sum == 1 ? 2 : sum
  }

  static func width(of scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0x20..<0x7F, 0xA0..<0x300: return 1
    case 0x1160...0x11FF: return 0
    case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF,
      0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F265, 0x20000...0x3FFFD:
      return 2
    // Flags are pairs of these.
    case 0x1F1E6...0x1F1FF: return 1
    default: break
    }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: return scalar.properties.isEmojiPresentation ? 2 : 1
    }
  }

  /// Cut or filled up with spaces.
  public static func fitted(_ text: String, _ width: Int) -> String {
    let (row, used) = cut(text, width)
    return row + String(repeating: " ", count: max(0, width - used))
  }

  /// As much of the beginning as takes at most so many columns, and how many it takes.
  public static func cut(_ text: some StringProtocol, _ width: Int) -> (text: String, columns: Int) {
    var result = ""
    var used = 0
    for character in text {
      let columns = Self.width(of: character)
      guard used + columns <= width else { break }
      result.append(character)
      used += columns
    }
    return (result, used)
  }

  /// The rows of one line: broken at spaces where there are any, else anywhere. A row takes at most `width` columns, at
  /// least 2, or else is one character that doesn't fit. Never empty.
  public static func wrapped(_ line: some StringProtocol, _ width: Int) -> [String] {
    let width = max(2, width)
    var rows: [String] = []
    var row = ""
    var columns = 0
    // The last place to break at: what the row is up to there, and what goes to the next.
    var breakEnd: String.Index?
    var columnsAfterBreak = 0
    var hasInk = false
    for character in line {
      let own = Self.width(of: character)
      if columns + own > width, !row.isEmpty {
        if character == " " {
          rows.append(row)
          (row, columns, breakEnd, hasInk) = ("", 0, nil, false)
          continue
        }
        if let end = breakEnd {
          let rest = String(row[end...])
          rows.append(String(row[..<end].dropLast()))
          (row, columns) = (rest, columnsAfterBreak)
          breakEnd = nil
        } else {
          rows.append(row)
          (row, columns) = ("", 0)
        }
      }
      row.append(character)
      columns += own
      columnsAfterBreak += own
      if character != " " {
        hasInk = true
      } else if hasInk {
        breakEnd = row.endIndex
        columnsAfterBreak = 0
      }
    }
    rows.append(row)
    return rows
  }
}
