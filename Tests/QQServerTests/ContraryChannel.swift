import NIOCore

/// What a channel may do within a write or a flush of ours: a write that fails delivers what the socket still holds, and
/// the end, in the same call stack.
final class ContraryChannel: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer

  enum Deed: CaseIterable {
    case reads, readsAndEnds, ends, closes, halfCloses, stopsTaking
  }

  private let deed: Deed
  private let bytes: [UInt8]
  private let atWrite: Bool
  private var times = 0

  init(_ deed: Deed, _ bytes: [UInt8], atWrite: Bool) {
    self.deed = deed
    self.bytes = bytes
    self.atWrite = atWrite
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    context.write(data, promise: promise)
    if atWrite { act(context) }
  }

  func flush(context: ChannelHandlerContext) {
    context.flush()
    if !atWrite { act(context) }
  }

  private func act(_ context: ChannelHandlerContext) {
    guard times < 20 else { return }
    times += 1
    switch deed {
    case .reads: read(context)
    case .readsAndEnds:
      read(context)
      context.fireChannelInactive()
    case .ends: context.fireChannelInactive()
    case .closes: context.close(promise: nil)
    case .halfCloses: context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    case .stopsTaking: context.fireChannelWritabilityChanged()
    }
  }

  private func read(_ context: ChannelHandlerContext) {
    context.fireChannelRead(NIOAny(ByteBuffer(bytes: bytes)))
    context.fireChannelReadComplete()
  }
}

enum ReaderDeed: CaseIterable {
  case nothing, reads, readsAndEnds, ends, closes, fails
}

/// What whoever is handed something may do within that: more comes in, or the end, through the whole pipeline.
final class ContraryReader<InboundIn>: ChannelInboundHandler {
  private let deed: ReaderDeed
  private let bytes: [UInt8]
  private var times: Int
  /// What it was handed, and what it was told besides.
  private(set) var heard: [InboundIn] = []
  private(set) var errors = 0

  /// Does it `times` times.
  init(_ deed: ReaderDeed, _ bytes: [UInt8], times: Int = 3) {
    self.deed = deed
    self.bytes = bytes
    self.times = times
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    heard.append(unwrapInboundIn(data))
    act(context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    errors += 1
    act(context)
  }

  private func act(_ context: ChannelHandlerContext) {
    guard times > 0 else { return }
    times -= 1
    let pipeline = context.pipeline.syncOperations
    switch deed {
    case .nothing: break
    case .reads: pipeline.fireChannelRead(NIOAny(ByteBuffer(bytes: bytes)))
    case .readsAndEnds:
      pipeline.fireChannelRead(NIOAny(ByteBuffer(bytes: bytes)))
      pipeline.fireChannelInactive()
    case .ends: pipeline.fireChannelInactive()
    case .closes: context.close(promise: nil)
    case .fails: pipeline.fireErrorCaught(ChannelError.alreadyClosed)
    }
  }
}
