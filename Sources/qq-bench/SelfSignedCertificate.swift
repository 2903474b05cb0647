import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A P-256 key and a certificate it signed for itself: what a client shows to the hub to be a user, and what the other
/// servers are started with.
struct SelfSignedCertificate {
  /// DER.
  var certificate: [UInt8]
  /// DER, PKCS #8.
  var privateKey: [UInt8]
  var certificatePEM: String
  var privateKeyPEM: String

  /// Good for loopback by name and by address, for a year from yesterday.
  static func make(name: String, isServer: Bool = false) throws -> SelfSignedCertificate {
    let key = P256.Signing.PrivateKey()
    let subject = try DistinguishedName { CommonName(name) }
    let now = Date()
    let certificate = try Certificate(
      version: .v3,
      serialNumber: Certificate.SerialNumber(),
      publicKey: .init(key.publicKey),
      notValidBefore: now - 86_400,
      notValidAfter: now + 365 * 86_400,
      issuer: subject,
      subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: isServer ? try serverExtensions() : .init(),
      issuerPrivateKey: .init(key))
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    return SelfSignedCertificate(
      certificate: serializer.serializedBytes,
      privateKey: Array(key.derRepresentation),
      certificatePEM: try certificate.serializeAsPEM().pemString + "\n",
      privateKeyPEM: key.pemRepresentation + "\n")
  }

  private static func serverExtensions() throws -> Certificate.Extensions {
    try Certificate.Extensions {
      Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
      SubjectAlternativeNames([
        .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
      ])
    }
  }
}
