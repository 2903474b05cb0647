/// Base64 without padding (RFC 4648): each sequence of bytes has one spelling.
public enum Base64: Sendable {
  /// The alphabet of section 4.
  case standard
  /// The alphabet of section 5, safe in addresses and names of files.
  case url

  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
  private static let standardAlphabet = letters + Array("+/".utf8)
  private static let urlAlphabet = letters + Array("-_".utf8)

  private var alphabet: [UInt8] {
    switch self {
    case .standard: Self.standardAlphabet
    case .url: Self.urlAlphabet
    }
  }

  /// Whether a text of this alphabet has it.
  public func isDigit(_ character: Character) -> Bool {
    character.utf8.count == 1 && character.utf8.first.map(alphabet.contains) == true
  }

  public func text(_ bytes: some Sequence<UInt8>) -> String {
    let alphabet = alphabet
    var text: [UInt8] = []
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for byte in bytes {
      bits = (bits << 8 | UInt32(byte)) & 0xffff
      count += 8
      while count >= 6 {
        count -= 6
        text.append(alphabet[Int(bits >> count & 0x3f)])
      }
    }
    if count > 0 { text.append(alphabet[Int(bits << (6 - count) & 0x3f)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// nil for what `text` doesn't give: another alphabet, padding, or bits left over that aren't zero (section 3.5).
  public func bytes(_ text: some StringProtocol) -> [UInt8]? {
    let alphabet = alphabet
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for character in text.utf8 {
      guard let value = alphabet.firstIndex(of: character) else { return nil }
      bits = (bits << 6 | UInt32(value)) & 0xffff
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    guard count < 6, bits & (1 << count - 1) == 0 else { return nil }
    return bytes
  }
}
