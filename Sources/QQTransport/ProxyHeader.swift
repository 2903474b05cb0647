import QQProtocol

/// What a load balancer says about a connection it passes on: version 2 of the PROXY protocol
/// (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, section 2.2).
public struct ProxyHeader: Equatable, Sendable {
  /// Whose connection it is; nil where it is the proxy's own, such as a check of health.
  public var source: IPAddress?
  /// Bytes of the header.
  public var length: Int

  public init(source: IPAddress?, length: Int) {
    self.source = source
    self.length = length
  }

  public enum Fault: Error, Equatable, Sendable {
    /// Something else than a header.
    case absent
    /// A version or a command that isn't of version 2.
    case unknownCommand
    /// It doesn't say whose connection it is, or not by an address of IPv4 or IPv6 over TCP.
    case noAddress
    case tooLong

    public var message: String {
      switch self {
      case .absent: "it began without a header of the PROXY protocol, version 2"
      case .unknownCommand: "its PROXY header is not of version 2"
      case .noAddress: "its PROXY header names no TCP address of a client"
      case .tooLong: "its PROXY header is longer than \(ProxyHeader.limit) bytes"
      }
    }
  }

  private static let signature: [UInt8] = [
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
  ]
  /// The longest that is waited for: addresses and what a proxy may say besides.
  private static let limit = 4_096

  /// Of the bytes that a connection begins with; nil while there are too few.
  public static func parse(_ bytes: [UInt8]) throws(Fault) -> ProxyHeader? {
    guard bytes.starts(with: signature.prefix(bytes.count)) else { throw .absent }
    guard bytes.count >= 16 else { return nil }
    let (command, family) = (bytes[12], bytes[13])
    let rest = Int(bytes[14]) << 8 | Int(bytes[15])
    guard 16 + rest <= limit else { throw .tooLong }
    guard bytes.count >= 16 + rest else { return nil }
    switch command {
    case 0x20: return ProxyHeader(source: nil, length: 16 + rest)
    case 0x21: break
    default: throw .unknownCommand
    }
    // Both addresses and both ports stand there; the first is the client's.
    let size: Int
    switch family {
    case 0x11: size = 4
    case 0x21: size = 16
    default: throw .noAddress
    }
    guard rest >= 2 * size + 4, let source = IPAddress(bytes: Array(bytes[16..<(16 + size)])) else { throw .noAddress }
    return ProxyHeader(source: source, length: 16 + rest)
  }
}
