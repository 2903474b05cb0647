import QQIdentity
import QQProtocol

/// How a client convinces itself that a hub is the right one.
public enum Trust: Sendable {
  case pin(Fingerprint, file: String)
  /// The system's certificate authorities and this name decide.
  case authority(hostname: String)
  /// Nothing is known yet: `decide` is asked before a byte is sent, and remembers.
  case firstUse(decide: @Sendable (Fingerprint) async throws -> Bool)
}

public enum Security: Sendable {
  case plaintext
  /// Without an identity only the hub's can be seen.
  case tls(Identity?, Trust)
}

/// Where to connect, and as whom.
public struct LinkConfiguration: Sendable {
  public var endpoint: Endpoint
  public var security: Security
  public var hello: ClientFrame.Hello
  /// From the first packet to the welcome, in milliseconds.
  public var timeout: Int64
  /// Where else the hub may be when it isn't there, which the function is told; asked once for each attempt.
  public var relocate: (@Sendable (Endpoint) async -> Endpoint?)?

  public init(
    endpoint: Endpoint, security: Security, hello: ClientFrame.Hello, timeout: Int64 = 10_000,
    relocate: (@Sendable (Endpoint) async -> Endpoint?)? = nil
  ) {
    self.relocate = relocate
    self.endpoint = endpoint
    self.security = security
    self.hello = hello
    self.timeout = timeout
  }
}

extension LinkConfiguration {
  /// A refusal, with which hub it is from and who isn't let in: what its owner has to be told.
  func explain(_ failure: HubFrame.Failure) -> HubFrame.Failure {
    var failure = failure
    failure.message += " (hub \(endpoint)"
    if case .tls(let identity?, _) = security,
      [ErrorCode.notAdmitted, .removed].map(\.rawValue).contains(failure.code)
    {
      failure.message += "; you are \(hello.nick ?? "nameless") with the key \(identity.fingerprint)"
    }
    failure.message += ")"
    return failure
  }
}
