/// Makes text from others safe to show on a terminal: what would move the cursor, reorder, hide or pile up on other
/// text is written out instead (the attacks of UTR #36 and "Trojan Source", CVE-2021-42574).
public enum TextSafety {
  /// Marks that may follow one another; living scripts need a handful.
  private static let longestMarkRun = 8

  /// The text with
  /// - C0 controls and DEL in caret notation (`^[`), but a tab as a space, and where newlines are kept, `\n` and `\r\n`
  ///   as `\n`;
  /// - C1 controls, directional and other invisible characters, line separators, tags, noncharacters, and marks that
  ///   have nothing to stand on, as `<U+202E>`;
  /// - what exceeds 8 combining marks in a row as `<U+0301>×n`, named after the first of the n.
  ///
  /// Joiners and variation selectors stay where emoji or a script needs them. Plain ASCII comes back as it is.
  public static func visible(_ text: String, keepNewlines: Bool = false) -> String {
    if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
    var output = ""
    output.reserveCapacity(text.utf8.count)
    var before: Unicode.Scalar?
    var marks = 0
    var firstCut: Unicode.Scalar?
    let scalars = text.unicodeScalars
    var index = scalars.startIndex
    while index < scalars.endIndex {
      let scalar = scalars[index]
      index = scalars.index(after: index)
      let after = index < scalars.endIndex ? scalars[index] : nil

      let isMark = isMark(scalar)
      if isMark || continuesMarks(scalar), before != nil {
        if isMark { marks += 1 }
        if marks > longestMarkRun {
          firstCut = firstCut ?? scalar
          continue
        }
      } else {
        endCut(&firstCut, marks, &output)
        marks = 0
      }
      if keepNewlines, scalar == "\n" || (scalar == "\r" && after == "\n") {
        if scalar == "\n" { output.unicodeScalars.append(scalar) }
        before = nil
      } else if scalar == "\t" {
        output.append(" ")
        before = " "
      } else if scalar.value < 0x20 || scalar.value == 0x7F {
        output.append("^")
        output.unicodeScalars.append(Unicode.Scalar(UInt8(scalar.value) ^ 0x40))
        before = "^"
      } else if isShown(scalar, before: before, after: after) {
        output.unicodeScalars.append(scalar)
        before = scalar
      } else {
        output += "<\(code(scalar))>"
        before = ">"
      }
    }
    endCut(&firstCut, marks, &output)
    return output
  }

  /// `U+0041`: the way Unicode writes code points.
  static func code(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }

  private static func endCut(_ firstCut: inout Unicode.Scalar?, _ marks: Int, _ output: inout String) {
    guard let cut = firstCut else { return }
    output += "<\(code(cut))>×\(marks - longestMarkRun)"
    firstCut = nil
  }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0x300 && NameChecker.isMark(scalar) && !scalar.properties.isVariationSelector
  }

  /// Joiners and variation selectors don't end a run of marks, or a pile of them could be built with these between.
  private static func continuesMarks(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value == 0x200C || scalar.value == 0x200D || scalar.properties.isVariationSelector
  }

  /// Whether a scalar that is no C0 control may reach a terminal as it is, between those two.
  private static func isShown(_ scalar: Unicode.Scalar, before: Unicode.Scalar?, after: Unicode.Scalar?) -> Bool {
    switch scalar.value {
    case 0x20...0x7E, 0x3041...0x3098, 0x309B...0x30FF, 0x3400...0x9FFF, 0xAC00...0xD7A3: return true
    case 0x80...0x9F: return false
    case 0x200C, 0x200D: return isJoinerNeeded(before: before, after: after)
    case 0x600...0x605, 0x6DD, 0x70F, 0x890...0x891, 0x8E2, 0x110BD, 0x110CD:
      return true  // Prepended_Concatenation_Mark: format characters that one sees.
    default: break
    }
    let properties = scalar.properties
    if properties.isVariationSelector { return isVariationNeeded(scalar, of: before) }
    if isMark(scalar), before == nil { return false }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return false
    default: return !properties.isDefaultIgnorableCodePoint && !properties.isNoncharacterCodePoint
    }
  }

  /// Emoji sequences (UTS #51), and the words of scripts that join or stack (RFC 5892, appendices A.1 and A.2).
  private static func isJoinerNeeded(before: Unicode.Scalar?, after: Unicode.Scalar?) -> Bool {
    guard let before else { return false }
    if before.properties.canonicalCombiningClass == .virama { return true }
    guard let after else { return false }
    let joinsEmoji = (isEmoji(before) || before.value == 0xFE0F) && isEmoji(after)
    return joinsEmoji || (isJoining(before) && isJoining(after))
  }

  private static func isEmoji(_ scalar: Unicode.Scalar) -> Bool {
    !scalar.isASCII && scalar.properties.isEmoji
  }

  /// Letters and marks of Arabic, Syriac, N'Ko, the Indic scripts, Myanmar, Khmer and Mongolian.
  private static func isJoining(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x620...0x8FF, 0x900...0xDFF, 0x1000...0x109F, 0x1780...0x17D3, 0x1820...0x18AA:
      scalar.properties.isAlphabetic || NameChecker.isMark(scalar)
    default: false
    }
  }

  /// The selector for emoji, Han or Mongolian that follows such a character.
  private static func isVariationNeeded(_ selector: Unicode.Scalar, of base: Unicode.Scalar?) -> Bool {
    guard let base else { return false }
    switch selector.value {
    case 0xFE0E, 0xFE0F: return base.properties.isEmoji
    case 0xFE00...0xFE02, 0xE0100...0xE01EF: return base.properties.isIdeographic
    case 0x180B...0x180D, 0x180F: return (0x1820...0x18AA).contains(base.value)
    default: return false
    }
  }
}
