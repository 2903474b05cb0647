import NIOSSL

/// How hubs and clients speak TLS: version 1.3 and nothing older (RFC 8446), ALPN `qq/1` (RFC 7301), a certificate
/// from both.
///
/// `server` and `client` leave the verdict to the custom verification callback of NIOSSL's handlers and refuse every
/// peer without one. They load no system roots, which would cost every `qq send` tens of milliseconds.
/// A peer that offers no ALPN still completes a handshake: check what was negotiated.
public enum TLSSettings {
  public static let applicationProtocol = "qq/1"

  /// For a hub with its own certificate. A client without one is refused.
  public static func server(identity: Identity) -> TLSConfiguration {
    server(chain: [identity.certificate], key: identity.privateKey)
  }

  /// For a hub with a certificate from an authority.
  public static func server(certificate: CertificateFiles) -> TLSConfiguration {
    server(chain: certificate.chain, key: certificate.privateKey)
  }

  /// For a client whose callback compares the hub's fingerprint with a pin, or asks. Without an identity it can't get
  /// further than seeing the hub's.
  public static func client(identity: Identity?) -> TLSConfiguration {
    pinned(client(presenting: identity))
  }

  /// For a client that knows its hub as `ca HOSTNAME`: the system's roots decide, and the host name. Takes no custom
  /// callback, which would override both.
  ///
  /// - Returns: the configuration, and the name to give NIOSSL's client handler as its `serverHostname`.
  public static func clientCA(
    identity: Identity, hostname: String
  ) throws(IdentityError) -> (configuration: TLSConfiguration, serverHostname: String) {
    guard let name = HostName(hostname), !name.isAddress else { throw .badHostname(hostname) }
    var configuration = client(presenting: identity)
    configuration.certificateVerification = .fullVerification
    configuration.trustRoots = .default
    return (configuration, name.text)
  }

  private static func server(chain: [NIOSSLCertificate], key: NIOSSLPrivateKey) -> TLSConfiguration {
    pinned(
      current(
        .makeServerConfiguration(certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))))
  }

  private static func client(presenting identity: Identity?) -> TLSConfiguration {
    var configuration = current(.makeClientConfiguration())
    guard let identity else { return configuration }
    configuration.certificateChain = [.certificate(identity.certificate)]
    configuration.privateKey = .privateKey(identity.privateKey)
    return configuration
  }

  private static func current(_ configuration: TLSConfiguration) -> TLSConfiguration {
    var configuration = configuration
    configuration.minimumTLSVersion = .tlsv13
    configuration.maximumTLSVersion = .tlsv13
    configuration.applicationProtocols = [applicationProtocol]
    return configuration
  }

  /// `.none` would ignore the callback's verdict, `.fullVerification` fail what is self-signed.
  private static func pinned(_ configuration: TLSConfiguration) -> TLSConfiguration {
    var configuration = configuration
    configuration.certificateVerification = .noHostnameVerification
    configuration.trustRoots = .certificates([])
    return configuration
  }
}

/// A certificate chain and its key from two PEM files, as `--tls-cert` and `--tls-key` name them.
public struct CertificateFiles: Sendable {
  public let chain: [NIOSSLCertificate]
  public let privateKey: NIOSSLPrivateKey
  /// Of the first certificate, the hub's own.
  public let fingerprint: Fingerprint

  public init(certificatePath: String, keyPath: String) throws(IdentityError) {
    let certificatePEM = try PrivateFile.read(certificatePath, limit: 1 << 20)
    guard contains(certificatePEM, "-----BEGIN") else {
      throw .badCertificateFile(path: certificatePath, reason: "not in PEM format")
    }
    guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificatePEM) else {
      throw .badCertificateFile(path: certificatePath, reason: "no readable certificate")
    }
    guard let fingerprint = HubCertificate.fingerprint(of: chain) else {
      throw .badCertificateFile(path: certificatePath, reason: "malformed certificate")
    }
    let keyPEM = try PrivateFile.read(keyPath, limit: 1 << 20)
    guard contains(keyPEM, "-----BEGIN") else { throw .badKeyFile(path: keyPath, reason: "not in PEM format") }
    // PKCS#8 says it in the label, RFC 1421 in a header.
    guard !contains(keyPEM, "ENCRYPTED") else { throw .badKeyFile(path: keyPath, reason: "it is encrypted") }
    guard let privateKey = try? NIOSSLPrivateKey(bytes: keyPEM, format: .pem) else {
      throw .badKeyFile(path: keyPath, reason: "no readable private key")
    }
    self.chain = chain
    self.privateKey = privateKey
    self.fingerprint = fingerprint
    // BoringSSL compares the two when it is given both.
    guard (try? NIOSSLContext(configuration: TLSSettings.server(certificate: self))) != nil else {
      throw .mismatchedKey(certificate: certificatePath, key: keyPath)
    }
  }
}

private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
  String(decoding: bytes, as: UTF8.self).contains(text)
}
