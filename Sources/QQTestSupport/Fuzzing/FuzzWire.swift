/// What stands between a socket and the lines: nothing, or TLS, which a test brings along. Used on one thread.
public protocol FuzzWire: AnyObject {
  /// Bytes that come before all others.
  func start() throws -> [UInt8]
  /// What these bytes are on the socket; nothing as long as there is a handshake, which holds them back.
  func seal(_ bytes: [UInt8]) throws -> [UInt8]
  /// What bytes of the socket say, and what has to be written because of them.
  func open(_ bytes: [UInt8]) throws -> (plain: [UInt8], answer: [UInt8])
}

/// No TLS.
public final class PlainWire: FuzzWire {
  public init() {}

  public func start() -> [UInt8] { [] }
  public func seal(_ bytes: [UInt8]) -> [UInt8] { bytes }
  public func open(_ bytes: [UInt8]) -> (plain: [UInt8], answer: [UInt8]) { (bytes, []) }
}

/// Makes the wire of a connection: TLS with the key of this user, the same at each call, or none.
public typealias MakeWire = @Sendable (_ user: Int?) throws -> any FuzzWire
