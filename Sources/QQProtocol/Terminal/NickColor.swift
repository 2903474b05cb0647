/// A colour of a nick's own, the same everywhere and always.
public enum NickColor {
  /// Places in the palette of 256 colours that have a contrast of at least 4 to black and to white (WCAG 2.1, section
  /// 1.4.3): they hold on dark and on light backgrounds.
  static let palette: [UInt8] = [27, 28, 30, 31, 64, 99, 129, 130, 131, 161, 162, 164]

  public static func index(of nick: String) -> UInt8 {
    // FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/. Nicks that differ in a letter get colours that differ.
    let hash = nick.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return palette[Int(hash % UInt32(palette.count))]
  }

  /// The nick in bold and in its colour.
  public static func painted(_ nick: String, as text: String) -> String {
    "\u{1b}[1;38;5;\(index(of: nick))m\(text)\u{1b}[0m"
  }
}
