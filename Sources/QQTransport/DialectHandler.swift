import NIOCore

/// What a connection's first bytes say it speaks.
public enum Dialect: Equatable, Sendable {
  /// A TLS record of the type handshake (RFC 8446, section 5.1).
  case tls
  /// An object of the protocol itself.
  case plaintext
  /// The original mini QQ: its objects, or silence, since its clients wait to be told who is there.
  case classic
  case unknown
}

/// Looks at what a connection says first, has the pipeline for it built, and leaves.
public final class DialectHandler: ChannelInboundHandler, RemovableChannelHandler {
  public typealias InboundIn = ByteBuffer
  public typealias InboundOut = ByteBuffer

  /// How classic clients are told from others.
  public struct Classic {
    /// Whoever has said nothing for so long is one.
    public var silence: TimeAmount
    /// Makes a judge of one connection, which is given what comes, piece by piece; nil where it can't say yet.
    public var makeJudge: () -> (ByteBufferView) -> Dialect?

    public init(silence: TimeAmount, makeJudge: @escaping () -> (ByteBufferView) -> Dialect?) {
      self.silence = silence
      self.makeJudge = makeJudge
    }
  }

  private let classic: Classic?
  private let judge: ((ByteBufferView) -> Dialect?)?
  private let build: (Dialect, any Channel) throws -> Void
  private var isDone = false
  /// The handlers behind it have all that came before.
  private var isPassing = false
  private var held = ByteBuffer()
  private var timer: Scheduled<Void>?

  /// `build` adds handlers at the end of the pipeline, on the channel's event loop. `classic`: nil where such clients
  /// aren't let in.
  public init(classic: Classic? = nil, _ build: @escaping (Dialect, any Channel) throws -> Void) {
    self.classic = classic
    judge = classic?.makeJudge()
    self.build = build
  }

  public func handlerAdded(context: ChannelHandlerContext) {
    guard let classic else { return }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: classic.silence) {
      let (handler, context) = bound.value
      if handler.held.readableBytes == 0 { handler.decide(.classic, context) }
    }
  }

  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    guard !isPassing else { return context.fireChannelRead(data) }
    guard !isDone else {
      held.writeBuffer(&buffer)
      return
    }
    let new = buffer.readableBytesView
    held.writeBuffer(&buffer)
    if let dialect = dialect(new) { decide(dialect, context) }
  }

  /// nil where it can't be said yet.
  private func dialect(_ new: ByteBufferView) -> Dialect? {
    guard let first = held.getInteger(at: held.readerIndex, as: UInt8.self) else { return nil }
    switch first {
    case 0x16: return .tls
    case UInt8(ascii: "{"):
      guard let judge else { return .plaintext }
      return judge(new)
    default: return .unknown
    }
  }

  private func decide(_ dialect: Dialect, _ context: ChannelHandlerContext) {
    guard !isDone else { return }
    isDone = true
    timer?.cancel()
    do {
      try build(dialect, context.channel)
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

  public func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }
}
