import Crypto
import FoundationEssentials
import SwiftASN1
import X509

extension Identity {
  /// A new P-256 key and its self-signed certificate in PEM.
  ///
  /// Peers pin the key and look at nothing else, so the certificate says no more than X.509 wants, and never expires:
  /// RFC 5280 section 4.1.2.5 has 9999-12-31 for that.
  static func makePEM(commonName: String) throws(IdentityError) -> [UInt8] {
    do {
      let key = P256.Signing.PrivateKey()
      let name = try DistinguishedName { CommonName(commonName) }
      let certificate = try Certificate(
        version: .v3,
        serialNumber: Certificate.SerialNumber(),
        publicKey: Certificate.PublicKey(key.publicKey),
        notValidBefore: Date(timeIntervalSince1970: 946_684_800),  // 2000-01-01T00:00:00Z
        notValidAfter: Date(timeIntervalSince1970: 253_402_300_799),  // 9999-12-31T23:59:59Z
        issuer: name,
        subject: name,
        signatureAlgorithm: .ecdsaWithSHA256,
        extensions: Certificate.Extensions { Critical(BasicConstraints.notCertificateAuthority) },
        issuerPrivateKey: Certificate.PrivateKey(key))
      let text = try key.pemRepresentation + "\n" + certificate.serializeAsPEM().pemString + "\n"
      return Array(text.utf8)
    } catch {
      throw .cannotMakeKey(reason: "\(error)")
    }
  }
}
