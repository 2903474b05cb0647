import Glibc
import NIOSSL
import Testing

@testable import QQIdentity

@Suite("Identity")
struct IdentityTests {
  let directory = TemporaryDirectory()

  @Test("a key file made by openssl loads, with the fingerprint openssl computes")
  func loads() throws {
    try put(Fixture.key + Fixture.certificate, directory("a.key"))
    let identity = try Identity.load(directory("a.key"))
    #expect(identity.fingerprint.description == Fixture.fingerprint)
    #expect(Fingerprint(certificate: identity.certificate) == identity.fingerprint)
  }

  @Test("an identity is made once and then stays the same")
  func creates() throws {
    let path = directory("state/identities/alice.key")
    let made = try Identity.loadOrCreate(path, commonName: "alice")
    let loaded = try Identity.loadOrCreate(path, commonName: "other")
    #expect(made.fingerprint == loaded.fingerprint)
    #expect(made.certificate == loaded.certificate)
    #expect(made.privateKey == loaded.privateKey)
    #expect(try Identity.load(path).fingerprint == made.fingerprint)
    #expect(mode(path) == 0o600)
    #expect(mode(directory("state/identities")) == 0o700)
    let text = try contents(path)
    #expect(text.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
    #expect(text.hasSuffix("-----END CERTIFICATE-----\n"))
  }

  @Test("a made certificate names its owner and holds from 2000 to the end of 9999")
  func certificate() throws {
    let identity = try Identity.make(commonName: "王小明")
    #expect(identity.certificate.notValidBefore == 946_684_800)
    #expect(identity.certificate.notValidAfter == 253_402_300_799)
    #expect(identity.certificate.description.contains("王小明"))
    #expect(try Identity.make(commonName: "王小明").fingerprint != identity.fingerprint)
  }

  @Test("all who make the same identity at once get the same one")
  func race() async throws {
    let path = directory("new/alice.key")
    let fingerprints = try await onThreads(8) { _ in
      try Identity.loadOrCreate(path, commonName: "alice").fingerprint
    }
    #expect(fingerprints.count == 8)
    #expect(Set(fingerprints) == [try Identity.load(path).fingerprint])
  }

  @Test(
    "a key that others may read is refused with the command that cures it", arguments: [0o640, 0o604, 0o620, 0o660])
  func refusesExposed(mode: UInt32) throws {
    let path = directory("a.key")
    try put(Fixture.key + Fixture.certificate, path, mode: mode)
    let expected = IdentityError.exposed(path: path, mode: mode)
    #expect(throws: expected) { try Identity.load(path) }
    #expect(throws: expected) { try Identity.loadOrCreate(path, commonName: "a") }
    #expect(expected.message.hasSuffix("run chmod 600 \(path)"))
    #expect(chmod(path, 0o600) == 0)
    #expect(try Identity.load(path).fingerprint.description == Fixture.fingerprint)
  }

  @Test("a path with spaces is quoted in the command")
  func quotes() {
    let message = IdentityError.exposed(path: "/home/it's me/a.key", mode: 0o644).message
    #expect(message.contains("(mode 0644)"))
    #expect(message.hasSuffix(#"run chmod 600 '/home/it'\''s me/a.key'"#))
  }

  @Test("another account's key is refused", .enabled(if: geteuid() == 0, "only root can give files away"))
  func refusesForeign() throws {
    let path = directory("a.key")
    try put(Fixture.key + Fixture.certificate, path)
    #expect(chown(path, 12_345, 0) == 0)
    #expect(throws: IdentityError.foreign(path: path, owner: 12_345)) { try Identity.load(path) }
  }

  @Test("a missing key is its own error, and loading makes none")
  func missing() throws {
    #expect(throws: IdentityError.missing(path: directory("none.key"))) { try Identity.load(directory("none.key")) }
    #expect(try directory.names == [])
  }

  @Test("a file that holds no identity says why, and is not replaced")
  func malformed() throws {
    let path = directory("a.key")
    for (text, reason) in [
      ("", "no private key"), ("garbage", "no private key"), (Fixture.certificate, "no private key"),
      (Fixture.key, "no certificate"), (Fixture.key + Fixture.rsaCertificate, "not a P-256 certificate"),
      (Fixture.rsaKey + Fixture.certificate, "key and certificate do not belong together"),
    ] {
      try put(text, path)
      #expect(throws: IdentityError.malformedIdentity(path: path, reason: reason)) {
        try Identity.loadOrCreate(path, commonName: "a")
      }
      #expect(try contents(path) == text)
    }
  }

  @Test("a key beside another key's certificate is refused")
  func mismatch() throws {
    let path = directory("a.key")
    let other = String(decoding: try Identity.makePEM(commonName: "other"), as: UTF8.self)
    let start = try #require(other.firstRange(of: "-----BEGIN CERTIFICATE"))
    try put(Fixture.key + other[start.lowerBound...], path)
    #expect(
      throws: IdentityError.malformedIdentity(path: path, reason: "key and certificate do not belong together")
    ) {
      try Identity.load(path)
    }
  }
}
