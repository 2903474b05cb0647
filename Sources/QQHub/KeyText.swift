/// Writes a key's SHA-256 as OpenSSH does: `SHA256:` and base64 without padding (RFC 4648).
public enum KeyText {
  public static func fingerprint(_ digest: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = "SHA256:"
    for start in stride(from: 0, to: digest.count, by: 3) {
      let group = digest[start..<min(start + 3, digest.count)]
      var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      bits <<= 8
      for _ in 0...group.count {
        text.append(alphabet[Int(bits >> 26)])
        bits <<= 6
      }
    }
    return text
  }
}
