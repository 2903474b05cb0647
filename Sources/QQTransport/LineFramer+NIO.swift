import NIOCore
import QQProtocol

extension LineFramer {
  /// As `feed` of a span, with what a channel has read.
  public mutating func feed(
    _ buffer: ByteBuffer, _ body: (RawSpan) throws(ErrorCode) -> Void
  ) throws(ErrorCode) {
    try feed(buffer.readableBytesSpan, body)
  }
}

extension IPAddress {
  /// The address of a socket; nil for one that has none (a Unix domain socket). IPv4-mapped addresses are IPv4.
  public init?(_ address: SocketAddress?) {
    guard let text = address?.ipAddress else { return nil }
    self.init(text)
  }
}
