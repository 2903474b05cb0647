import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization
import Testing

@testable import QQIdentity

@Suite("TLS settings")
struct TLSSettingsTests {
  let directory = TemporaryDirectory()

  @Test("hub and client complete TLS 1.3 and see each other's fingerprints")
  func handshake() async throws {
    let hub = try Identity.make(commonName: "hub")
    let alice = try Identity.make(commonName: "alice")
    let result = try await connect(TLSSettings.server(identity: hub), TLSSettings.client(identity: alice))
    let expected = { Peer(shown: $0, present: $0, version: .tlsv13, applicationProtocol: "qq/1") }
    #expect(try result.client.get() == expected(hub.fingerprint))
    #expect(try result.server.get() == expected(alice.fingerprint))
  }

  @Test("a client without a certificate is refused")
  func withoutCertificate() async throws {
    var client = TLSSettings.client(identity: try Identity.make(commonName: "alice"))
    client.certificateChain = []
    client.privateKey = nil
    let result = try await connect(TLSSettings.server(identity: try Identity.make(commonName: "hub")), client)
    #expect(throws: (any Error).self) { try result.server.get() }
  }

  @Test("a peer that speaks TLS 1.2 is refused, by both")
  func oldVersion() async throws {
    let hub = TLSSettings.server(identity: try Identity.make(commonName: "hub"))
    let alice = TLSSettings.client(identity: try Identity.make(commonName: "alice"))
    var old = alice
    (old.minimumTLSVersion, old.maximumTLSVersion) = (.tlsv12, .tlsv12)
    let first = try await connect(hub, old)
    #expect(throws: (any Error).self) { try first.server.get() }
    #expect(throws: (any Error).self) { try first.client.get() }

    old = hub
    (old.minimumTLSVersion, old.maximumTLSVersion) = (.tlsv12, .tlsv12)
    let second = try await connect(old, alice)
    #expect(throws: (any Error).self) { try second.server.get() }
    #expect(throws: (any Error).self) { try second.client.get() }
  }

  @Test("the callback's refusal is final, on either side")
  func verdict() async throws {
    let hub = TLSSettings.server(identity: try Identity.make(commonName: "hub"))
    let alice = TLSSettings.client(identity: try Identity.make(commonName: "alice"))
    let refusedByClient = try await connect(hub, alice, clientTrusts: false)
    #expect(throws: (any Error).self) { try refusedByClient.client.get() }
    #expect(throws: (any Error).self) { try refusedByClient.server.get() }
    let refusedByServer = try await connect(hub, alice, serverTrusts: false)
    #expect(throws: (any Error).self) { try refusedByServer.server.get() }
  }

  @Test("without a callback nobody is trusted")
  func closedByDefault() async throws {
    let hub = TLSSettings.server(identity: try Identity.make(commonName: "hub"))
    let alice = TLSSettings.client(identity: try Identity.make(commonName: "alice"))
    let result = try await connect(hub, alice, clientTrusts: nil)
    #expect(throws: (any Error).self) { try result.client.get() }
  }

  @Test("where a pin decides no roots are trusted")
  func noRoots() throws {
    let identity = try Identity.make(commonName: "alice")
    for configuration in [TLSSettings.client(identity: identity), TLSSettings.server(identity: identity)] {
      #expect(configuration.trustRoots == .certificates([]))
      #expect(configuration.certificateVerification == .noHostnameVerification)
    }
  }

  @Test("a client that trusts authorities verifies everything and refuses a self-signed hub")
  func authority() async throws {
    let alice = try Identity.make(commonName: "alice")
    let settings = try TLSSettings.clientCA(identity: alice, hostname: "Hub.Example.org.")
    #expect(settings.serverHostname == "hub.example.org")
    #expect(settings.configuration.certificateVerification == .fullVerification)
    #expect(settings.configuration.trustRoots == .default)
    #expect(settings.configuration.minimumTLSVersion == .tlsv13)
    #expect(settings.configuration.applicationProtocols == ["qq/1"])
    let hub = TLSSettings.server(identity: try Identity.make(commonName: "hub.example.org"))
    let result = try await connect(
      hub, settings.configuration, clientTrusts: nil, serverHostname: settings.serverHostname)
    #expect(throws: (any Error).self) { try result.client.get() }
    for hostname in ["10.0.0.1", "::1", "", "a b"] {
      #expect(throws: IdentityError.badHostname(hostname)) {
        try TLSSettings.clientCA(identity: alice, hostname: hostname)
      }
    }
  }

  @Test("a hub can use a certificate and key from files")
  func files() async throws {
    try put(Fixture.rsaCertificate + Fixture.certificate, directory("cert.pem"), mode: 0o644)
    try put(Fixture.rsaKey, directory("key.pem"))
    let files = try CertificateFiles(certificatePath: directory("cert.pem"), keyPath: directory("key.pem"))
    #expect(files.fingerprint.description == Fixture.rsaFingerprint)
    #expect(files.chain.count == 2)
    let alice = try Identity.make(commonName: "alice")
    let result = try await connect(TLSSettings.server(certificate: files), TLSSettings.client(identity: alice))
    #expect(try result.client.get().shown == files.fingerprint)
    #expect(try result.server.get().present == alice.fingerprint)
  }

  @Test("files that cannot be used say which and why")
  func badFiles() throws {
    for (name, text) in [
      ("cert", Fixture.certificate), ("key", Fixture.key), ("rsa", Fixture.rsaKey), ("encrypted", Fixture.encryptedKey),
      ("garbage", "garbage"), ("cut", String(Fixture.key.prefix(60))), ("empty", ""),
    ] {
      try put(text, directory(name))
    }
    func expect(_ certificate: String, _ key: String, _ error: IdentityError) {
      #expect(throws: error) {
        try CertificateFiles(certificatePath: directory(certificate), keyPath: directory(key))
      }
    }
    expect("none", "key", .missing(path: directory("none")))
    expect("cert", "none", .missing(path: directory("none")))
    expect("garbage", "key", .badCertificateFile(path: directory("garbage"), reason: "not in PEM format"))
    expect("empty", "key", .badCertificateFile(path: directory("empty"), reason: "not in PEM format"))
    expect("key", "key", .badCertificateFile(path: directory("key"), reason: "no readable certificate"))
    expect("cert", "garbage", .badKeyFile(path: directory("garbage"), reason: "not in PEM format"))
    expect("cert", "encrypted", .badKeyFile(path: directory("encrypted"), reason: "it is encrypted"))
    expect("cert", "cut", .badKeyFile(path: directory("cut"), reason: "no readable private key"))
    expect("cert", "cert", .badKeyFile(path: directory("cert"), reason: "no readable private key"))
    expect("cert", "rsa", .mismatchedKey(certificate: directory("cert"), key: directory("rsa")))
  }
}

/// What one side knows of the other when the handshake is over.
private struct Peer: Equatable, Sendable {
  /// In the verification callback.
  var shown: Fingerprint?
  /// On the channel afterwards.
  var present: Fingerprint?
  var version: TLSVersion?
  var applicationProtocol: String?
}

private struct Outcome: Sendable {
  var server: Result<Peer, any Error>
  var client: Result<Peer, any Error>
}

/// Connects a client to a server over loopback, each with a callback that says `trusts`, or none where that is nil.
private func connect(
  _ server: TLSConfiguration, _ client: TLSConfiguration, serverTrusts: Bool? = true, clientTrusts: Bool? = true,
  serverHostname: String? = nil
) async throws -> Outcome {
  let group = MultiThreadedEventLoopGroup.singleton
  let serverContext = try NIOSSLContext(configuration: server)
  let clientContext = try NIOSSLContext(configuration: client)
  let serverOutcome = group.next().makePromise(of: Peer.self)
  let clientOutcome = group.next().makePromise(of: Peer.self)

  let listener = try await ServerBootstrap(group: group)
    .childChannelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        let end = HandshakeEnd(serverOutcome)
        let tls =
          if let serverTrusts {
            NIOSSLServerHandler(
              context: serverContext, customVerificationCallback: end.verification(serverTrusts))
          } else {
            NIOSSLServerHandler(context: serverContext)
          }
        try channel.pipeline.syncOperations.addHandlers(tls, end)
      }
    }
    .bind(host: "127.0.0.1", port: 0).get()
  let connection = try await ClientBootstrap(group: group)
    .channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        let end = HandshakeEnd(clientOutcome)
        let tls =
          if let clientTrusts {
            try NIOSSLClientHandler(
              context: clientContext, serverHostname: serverHostname,
              customVerificationCallback: end.verification(clientTrusts))
          } else {
            try NIOSSLClientHandler(context: clientContext, serverHostname: serverHostname)
          }
        try channel.pipeline.syncOperations.addHandlers(tls, end)
      }
    }
    .connect(to: listener.localAddress!).get()

  let outcome = Outcome(
    server: await result(serverOutcome.futureResult), client: await result(clientOutcome.futureResult))
  try? await connection.close()
  try await listener.close()
  return outcome
}

private func result(_ future: EventLoopFuture<Peer>) async -> Result<Peer, any Error> {
  do { return .success(try await future.get()) } catch { return .failure(error) }
}

/// What the verification callback saw.
private final class Shown: Sendable {
  let value = Mutex<Fingerprint?>(nil)
}

/// Keeps a promise with what came of the handshake.
private final class HandshakeEnd: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let promise: EventLoopPromise<Peer>
  private let shown = Shown()

  init(_ promise: EventLoopPromise<Peer>) {
    self.promise = promise
  }

  func verification(_ trusts: Bool) -> NIOSSLCustomVerificationCallback {
    { [shown] chain, verdict in
      shown.value.withLock { $0 = HubCertificate.fingerprint(of: chain) }
      verdict.succeed(trusts ? .certificateVerified : .failed)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case .handshakeCompleted(let name)? = event as? TLSUserEvent else { return }
    let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self)
    promise.succeed(
      Peer(
        shown: shown.value.withLock { $0 }, present: tls?.peerCertificate.flatMap { Fingerprint(certificate: $0) },
        version: tls?.tlsVersion, applicationProtocol: name))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    promise.fail(ChannelError.eof)
  }
}
