import NIOCore

/// What a connection's first byte says it speaks.
public enum Dialect: Equatable, Sendable {
  /// A TLS record of the type handshake (RFC 8446, section 5.1).
  case tls
  /// An object of the protocol itself.
  case plaintext
  case unknown

  public init(firstByte: UInt8) {
    switch firstByte {
    case 0x16: self = .tls
    case UInt8(ascii: "{"): self = .plaintext
    default: self = .unknown
    }
  }
}

/// Looks at a connection's first byte, has the pipeline for it built, and leaves.
public final class DialectHandler: ChannelInboundHandler, RemovableChannelHandler {
  public typealias InboundIn = ByteBuffer
  public typealias InboundOut = ByteBuffer

  private let build: (Dialect, any Channel) throws -> Void
  private var isDone = false

  /// `build` adds handlers at the end of the pipeline, on the channel's event loop.
  public init(_ build: @escaping (Dialect, any Channel) throws -> Void) {
    self.build = build
  }

  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    guard !isDone, let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else {
      context.fireChannelRead(data)
      return
    }
    isDone = true
    do {
      try build(Dialect(firstByte: first), context.channel)
    } catch {
      context.close(promise: nil)
      return
    }
    context.fireChannelRead(data)
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }
}
