import Crypto
import NIOSSL
import QQProtocol

/// The SHA-256 of a public key's SubjectPublicKeyInfo in DER (RFC 5280 section 4.1, hashed as in RFC 7469 section 2.4),
/// written `SHA256:` and 43 characters of base64 without padding, as OpenSSH writes its own.
public struct Fingerprint: Hashable, Sendable {
  // Four words in place of an array: no allocation, and a constant size.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  /// Of a SubjectPublicKeyInfo in DER.
  public init(spki: some Sequence<UInt8>) {
    var hash = SHA256()
    Array(spki).withUnsafeBytes { hash.update(bufferPointer: $0) }
    self = hash.finalize().withUnsafeBytes { Fingerprint(raw: $0) }
  }

  /// Takes exactly 32 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self = Array(bytes).withUnsafeBytes { Fingerprint(raw: $0) }
  }

  /// Takes what `description` gives and nothing else: each fingerprint has one spelling.
  public init?(_ text: some StringProtocol) {
    let prefix = "SHA256:"
    guard text.utf8.starts(with: prefix.utf8) else { return nil }
    // What is longer is none and isn't looked at.
    let encoded = text.utf8.dropFirst(prefix.utf8.count).prefix(44)
    guard let bytes = Base64.standard.bytes(String(decoding: encoded, as: UTF8.self)) else { return nil }
    self.init(bytes: bytes)
  }

  /// Of the key in a certificate; nil if the certificate's encoding makes no sense. The key itself is not looked into,
  /// so that a peer's strange one can do no harm.
  public init?(certificate: NIOSSLCertificate) {
    guard let der = try? certificate.toDERBytes(), let spki = subjectPublicKeyInfo(ofCertificate: der) else {
      return nil
    }
    self.init(spki: spki)
  }

  /// Of a user's certificate; nil also where its key isn't one of P-256, the only kind that `qq` makes. How strong a user's
  /// key is is not for a peer to choose.
  public init?(userCertificate certificate: NIOSSLCertificate) {
    guard let der = try? certificate.toDERBytes(), let spki = subjectPublicKeyInfo(ofCertificate: der),
      spki.count == Self.p256.count + 64, spki.starts(with: Self.p256)
    else { return nil }
    self.init(spki: spki)
  }

  /// What stands before the 64 bytes of an uncompressed point of P-256 (RFC 5480, section 2).
  private static let p256: [UInt8] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
  ]

  private init(raw: UnsafeRawBufferPointer) {
    func word(_ index: Int) -> UInt64 {
      UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    words = (word(0), word(1), word(2), word(3))
  }

  /// The 32 bytes.
  public var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
    }
  }

  public static func == (one: Fingerprint, other: Fingerprint) -> Bool {
    one.words == other.words
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

extension Fingerprint: CustomStringConvertible {
  public var description: String {
    "SHA256:" + Base64.standard.text(bytes)
  }
}

/// What a peer showed in the handshake.
public enum HubCertificate {
  /// The fingerprint of the leaf, which is first in the chain that NIOSSL's custom verification callback delivers; nil
  /// if there is none. TLS has not yet proven possession of its key when that callback runs: trust only the end of the
  /// handshake.
  public static func fingerprint(of chain: [NIOSSLCertificate]) -> Fingerprint? {
    chain.first.flatMap { Fingerprint(certificate: $0) }
  }
}
