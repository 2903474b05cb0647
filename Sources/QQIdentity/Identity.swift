import NIOSSL

/// Who somebody is to the others: a P-256 key and a self-signed certificate that carries it into a TLS handshake. Hubs
/// and users have one alike.
///
/// Both are in one PEM file, the key first (PKCS#8, RFC 5958), that is read in every `qq send`. So loading uses
/// BoringSSL's parsers alone; the slower library is for making certificates.
public struct Identity: Sendable {
  public let certificate: NIOSSLCertificate
  public let privateKey: NIOSSLPrivateKey
  public let fingerprint: Fingerprint

  /// A new identity in memory, with `commonName` in its certificate for people who look at one.
  public static func make(commonName: String) throws(IdentityError) -> Identity {
    try Identity(pem: makePEM(commonName: commonName), path: "memory")
  }

  /// The identity in the file at `path`. Refuses a file that others can read and one of another account.
  public static func load(_ path: String) throws(IdentityError) -> Identity {
    try Identity(pem: PrivateFile.readSecret(path, limit: 65_536), path: path)
  }

  /// The identity in the file at `path`, which is made, with its directories, if it isn't there. Several that do so at
  /// once all get the same one.
  public static func loadOrCreate(_ path: String, commonName: String) throws(IdentityError) -> Identity {
    do {
      return try load(path)
    } catch .missing {
      let pem = try makePEM(commonName: commonName)
      if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
        try PrivateFile.makeDirectory(String(path[..<slash]))
      }
      do {
        try PrivateFile.write(pem, to: path, replacing: false)
      } catch .exists {
        return try load(path)
      }
      return try Identity(pem: pem, path: path)
    }
  }

  private init(pem: [UInt8], path: String) throws(IdentityError) {
    guard let privateKey = try? NIOSSLPrivateKey(bytes: pem, format: .pem) else {
      throw .malformedIdentity(path: path, reason: "no private key")
    }
    guard let certificate = try? NIOSSLCertificate(bytes: pem, format: .pem) else {
      throw .malformedIdentity(path: path, reason: "no certificate")
    }
    guard
      let der = try? certificate.toDERBytes(), let spki = subjectPublicKeyInfo(ofCertificate: der),
      spki.count == p256Header.count + p256PointSize, spki.starts(with: p256Header)
    else {
      throw .malformedIdentity(path: path, reason: "not a P-256 certificate")
    }
    // RFC 5915: a P-256 key takes 51 bytes, or 121 that end with its public point. Without the point it is left to
    // BoringSSL to compare the two when TLS is set up.
    guard
      let key = try? privateKey.derBytes,
      key.count == 51 || key.count == 121 && key.suffix(p256PointSize) == spki.suffix(p256PointSize)
    else {
      throw .malformedIdentity(path: path, reason: "key and certificate do not belong together")
    }
    self.certificate = certificate
    self.privateKey = privateKey
    self.fingerprint = Fingerprint(spki: spki)
  }
}

/// The SubjectPublicKeyInfo of a P-256 key up to the uncompressed point: RFC 5480.
private let p256Header: [UInt8] = [
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
  0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
]
private let p256PointSize = 65
