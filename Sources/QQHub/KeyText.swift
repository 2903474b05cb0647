import QQProtocol

/// Writes a key's SHA-256 as OpenSSH does.
public enum KeyText {
  public static func fingerprint(_ digest: [UInt8]) -> String {
    "SHA256:" + Base64.standard.text(digest)
  }
}
