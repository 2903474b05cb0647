import NIOSSL
import Testing

@testable import QQIdentity

@Suite("Fingerprint")
struct FingerprintTests {
  @Test("a certificate's fingerprint is the one openssl computes")
  func agreesWithOpenSSL() throws {
    for (pem, text) in [
      (Fixture.certificate, Fixture.fingerprint), (Fixture.rsaCertificate, Fixture.rsaFingerprint),
    ] {
      let certificate = try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem)
      #expect(Fingerprint(certificate: certificate)?.description == text)
      #expect(Fingerprint(spki: try certificate.extractPublicKey().toSPKIBytes()).description == text)
    }
  }

  @Test("a user's key is one of P-256, as this program makes them")
  func userKeys() throws {
    let identity = try Identity.make(commonName: "alice")
    #expect(Fingerprint(userCertificate: identity.certificate) == identity.fingerprint)
    let rsa = try NIOSSLCertificate(bytes: Array(Fixture.rsaCertificate.utf8), format: .pem)
    #expect(Fingerprint(userCertificate: rsa) == nil)
  }

  @Test("text, bytes and value stand for each other")
  func roundTrip() throws {
    let fingerprint = try #require(Fingerprint(Fixture.fingerprint))
    let hex = fingerprint.bytes.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
    #expect(hex == Fixture.fingerprintHex)
    #expect(Fingerprint(bytes: fingerprint.bytes) == fingerprint)
    #expect(fingerprint.description == Fixture.fingerprint)
    #expect(MemoryLayout<Fingerprint>.size == 32)
    for seed in UInt8.min...UInt8.max {
      let other = Fingerprint(spki: [seed])
      #expect(other != fingerprint)
      #expect(Fingerprint(other.description) == other)
      #expect(Fingerprint(bytes: other.bytes) == other)
    }
  }

  @Test(
    "a text that isn't exactly a fingerprint is refused",
    arguments: [
      "", "SHA256:", "4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJU",
      "sha256:4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJU",
      "SHA256:4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJU=", "SHA256:4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJ",
      "SHA256:4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJUA", "SHA256:4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJV",
      "SHA256:4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJ_", " SHA256:4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJU",
    ])
  func refuses(text: String) {
    #expect(Fingerprint(text) == nil)
  }

  @Test("only 32 bytes are a fingerprint")
  func refusesOtherSizes() {
    #expect(Fingerprint(bytes: [UInt8](repeating: 1, count: 31)) == nil)
    #expect(Fingerprint(bytes: [UInt8](repeating: 1, count: 33)) == nil)
  }

  @Test("an empty chain has no fingerprint, another has its leaf's")
  func chain() throws {
    let leaf = try NIOSSLCertificate(bytes: Array(Fixture.certificate.utf8), format: .pem)
    let issuer = try NIOSSLCertificate(bytes: Array(Fixture.rsaCertificate.utf8), format: .pem)
    #expect(HubCertificate.fingerprint(of: []) == nil)
    #expect(HubCertificate.fingerprint(of: [leaf, issuer])?.description == Fixture.fingerprint)
  }

  @Test("a broken or cut certificate has no key and does no harm")
  func brokenDER() throws {
    let der = try NIOSSLCertificate(bytes: Array(Fixture.certificate.utf8), format: .pem).toDERBytes()
    let spki = try #require(subjectPublicKeyInfo(ofCertificate: der))
    #expect(spki.count == 91)
    for length in 0..<der.count {
      #expect(subjectPublicKeyInfo(ofCertificate: Array(der[..<length])) == nil)
    }
    // Whatever a changed byte makes of it, there is an answer.
    for index in der.indices {
      for value: UInt8 in [0x00, 0x1F, 0x7F, 0x80, 0x81, 0x84, 0x85, 0xFF] {
        var damaged = der
        damaged[index] = value
        _ = subjectPublicKeyInfo(ofCertificate: damaged)
      }
    }
  }
}
