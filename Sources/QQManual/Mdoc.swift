/// Text as mdoc(7) wants it.
public enum Mdoc {
  /// A paragraph's lines: a sentence a line, and nothing that would be taken for a request.
  public static func paragraph(_ text: String) -> String {
    var lines: [String] = []
    var line: [Substring] = []
    let words = text.split { $0 == " " || $0 == "\n" }
    for (index, word) in words.enumerated() {
      line.append(word)
      // A sentence ends where the next word begins with a capital letter.
      let ends = word.hasSuffix(".") || word.hasSuffix("?") || word.hasSuffix("!")
      let next = index + 1 < words.count ? words[index + 1] : nil
      if ends, next.map({ $0.first?.isUppercase == true || $0.first == "\"" || $0.first == "-" }) ?? true {
        lines.append(line.joined(separator: " "))
        line = []
      }
    }
    if !line.isEmpty { lines.append(line.joined(separator: " ")) }
    return lines.map(escaped).joined(separator: "\n")
  }

  /// A line of text: backslashes are plain ones, hyphens can be pasted, and it is no request.
  public static func escaped(_ line: String) -> String {
    let text = line.replacing("\\", with: "\\e").replacing("--", with: "\\-\\-")
    return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : text
  }

  /// An argument of a macro.
  public static func word(_ text: String) -> String {
    text.contains(" ") ? "\"\(text)\"" : text
  }
}
