import NIOCore
import QQProtocol

/// Reads the PROXY header that a connection from a trusted proxy begins with, has the rest of the pipeline built, and
/// leaves. There is always one: who would guess whether there is could be made to guess wrong.
public final class ProxyHandler: ChannelInboundHandler, RemovableChannelHandler {
  public typealias InboundIn = ByteBuffer
  public typealias InboundOut = ByteBuffer

  private let build: (IPAddress?, any Channel) throws -> Void
  private let refuse: (ProxyHeader.Fault) -> Void
  private var held = ByteBuffer()
  private var isDone = false
  /// The handlers behind it have all that came before.
  private var isPassing = false

  /// `build` gets the client's address, nil for the proxy itself, and adds handlers at the end of the pipeline;
  /// `refuse` hears why a connection is closed.
  public init(
    build: @escaping (IPAddress?, any Channel) throws -> Void, refuse: @escaping (ProxyHeader.Fault) -> Void
  ) {
    self.build = build
    self.refuse = refuse
  }

  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isPassing else { return context.fireChannelRead(data) }
    var buffer = unwrapInboundIn(data)
    held.writeBuffer(&buffer)
    guard !isDone else { return }
    do throws(ProxyHeader.Fault) {
      guard let header = try ProxyHeader.parse(Array(held.readableBytesView)) else { return }
      isDone = true
      held.moveReaderIndex(forwardBy: header.length)
      pass(header, context)
    } catch {
      isDone = true
      refuse(error)
      context.close(promise: nil)
    }
  }

  private func pass(_ header: ProxyHeader, _ context: ChannelHandlerContext) {
    do {
      try build(header.source, context.channel)
    } catch {
      context.close(promise: nil)
      return
    }
    // More may come while what came is passed on: behind it.
    while held.readableBytes > 0 {
      let bytes = held
      held = ByteBuffer()
      context.fireChannelRead(wrapInboundOut(bytes))
    }
    isPassing = true
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }
}
