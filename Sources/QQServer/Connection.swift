import DequeModule
import NIOCore
import NIOSSL
import NIOTLS
import QQHub
import QQIdentity
import QQProtocol
import QQTransport

/// One connection: lines in, buffers out. It frames, decodes and obeys its channel's backpressure; what anything means
/// is the hub's to say.
///
/// `@unchecked Sendable`: its state is touched on its channel's event loop alone; others hold it only to hand it to
/// that loop.
final class Connection: ChannelDuplexHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Something the hub wants written.
  enum Output {
    /// Lines that come after a seq, unless the channel is behind.
    case live(ByteBuffer, after: Int64)
    /// Lines of a catch-up; the channel is then asked for more.
    case catchUp(ByteBuffer)
    case reply(ByteBuffer)
    /// Say when the channel takes more.
    case confirm
    case welcomed
    /// The hub is done with so many batches.
    case consumed(Int)
    /// The hub has stored a piece.
    case stored
    case close
  }

  private enum Happening {
    case bytes(ByteBuffer)
    case readComplete
    case halfClosed
    case ended
  }

  /// Batches that may wait for the hub: what a peer says faster than it is looked at stays in its socket.
  private static let batchesAtOnce = 2

  let id: SessionID
  let port: LoopPort
  private let runner: HubRunner
  private let security: Security
  private let address: IPAddress
  private var context: ChannelHandlerContext?

  private var intake = LineIntake()
  /// What happened to the channel and wasn't acted on yet: a write that fails delivers reads, and the end, within itself.
  private var happened: Deque<Happening> = []
  private var isActing = false
  /// Batches that the hub isn't done with.
  private var batches = 0
  private var isOpen = false
  /// Live lines are dropped until the hub has noticed and catches up.
  private var isStalled = false
  private var wantsMore = false
  private var needsFlush = false
  private var isClosing = false
  private var holdsRead = false
  private var deadline: Scheduled<Void>?

  /// Bytes that may wait for a peer which asks and doesn't read, and for one whose presence events pile up.
  private static let replyLimit = 4 << 20

  /// What proves who is at the other end.
  enum Security {
    case tls
    case plaintext
    /// A client of the original mini QQ, which a translator speaks for.
    case classic
  }

  /// Called once its peer is no stranger any more.
  private let onWelcome: () -> Void

  init(
    id: SessionID, runner: HubRunner, port: LoopPort, address: IPAddress, security: Security,
    onWelcome: @escaping () -> Void
  ) {
    self.onWelcome = onWelcome
    self.id = id
    self.runner = runner
    self.port = port
    self.address = address
    self.security = security
  }

  // MARK: Coming and going

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if security != .tls { open(key: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  /// Closes the channel unless the hub has welcomed somebody by then. Neither NIOSSL nor the protocol has a time limit
  /// of its own for a peer that stays silent.
  func expectWelcome(until time: NIODeadline, on channel: any Channel) {
    deadline = channel.eventLoop.assumeIsolated().scheduleTask(deadline: time) { channel.close(promise: nil) }
  }

  private func endDeadline() {
    deadline?.cancel()
    deadline = nil
  }

  private func open(key: [UInt8]?) {
    isOpen = true
    runner.opened(self, Peer(address: address, key: key, isClassic: security == .classic))
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case TLSUserEvent.handshakeCompleted(let negotiated):
      let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
      guard negotiated == ProtocolLimits.alpn, let certificate, let key = Fingerprint(userCertificate: certificate)
      else {
        context.close(promise: nil)
        return
      }
      open(key: key.bytes)
    case ChannelEvent.inputClosed:
      happens(.halfClosed)
    default:
      break
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    happens(.ended)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    runner.logPeerError(address, error)
    context.close(promise: nil)
  }

  // MARK: Reading

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { happens(.bytes(unwrapInboundIn(data))) }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = true
    happens(.readComplete)
    isReading = false
    context.fireChannelReadComplete()
  }

  /// One thing after the other, also where acting on one brings about the next.
  private func happens(_ happening: Happening) {
    happened.append(happening)
    guard !isActing else { return }
    isActing = true
    while let next = happened.popFirst() { act(on: next) }
    isActing = false
  }

  private func act(on happening: Happening) {
    switch happening {
    case .bytes(let buffer): if isOpen { intake.feed(buffer.readableBytesSpan) }
    case .readComplete: submit()
    case .halfClosed:
      // Everything read is answered first.
      submit()
      if isOpen { runner.submit(.finished(id)) } else { context?.close(promise: nil) }
    case .ended:
      endDeadline()
      port.isFree(self)
      submit()
      if isOpen { runner.closed(self) }
      isOpen = false
    }
  }

  private func submit() {
    let batch = intake.take()
    guard !batch.isEmpty, isOpen else { return }
    batches += 1
    runner.submit(.received(id, batch))
  }

  /// A sender that doesn't read its answers, or is faster than the journal, is read more slowly.
  func read(context: ChannelHandlerContext) {
    if mustWait(context) {
      holdsRead = true
    } else if runner.isCongested {
      holdsRead = true
      port.held.append(self)
    } else {
      context.read()
    }
  }

  private func mustWait(_ context: ChannelHandlerContext) -> Bool {
    !context.channel.isWritable || intake.holdsRead || batches >= Self.batchesAtOnce
  }

  func resumeReading() {
    guard holdsRead, let context, !mustWait(context) else { return }
    // What waited for something else waits for the journal now.
    guard !runner.isCongested else { return port.held.append(self) }
    holdsRead = false
    context.read()
  }

  // MARK: Writing

  func put(_ output: Output) {
    guard let context, !isClosing else { return }
    switch output {
    case .live(let buffer, let after):
      if isStalled { return }
      guard context.channel.isWritable else {
        isStalled = true
        runner.submit(.stalled(id, after: after))
        return
      }
      write(buffer, context)
    case .catchUp(let buffer):
      isStalled = false
      wantsMore = true
      if buffer.readableBytes > 0 { write(buffer, context) }
    case .reply(let buffer):
      write(buffer, context)
      if !context.channel.isWritable { checkReplies(context) }
    case .confirm: wantsMore = true
    case .welcomed:
      intake.welcomed()
      endDeadline()
      onWelcome()
      return
    case .consumed(let count):
      batches -= count
      return resumeReading()
    case .stored:
      intake.stored()
      return resumeReading()
    case .close:
      close(context)
    }
    port.touch(self)
  }

  var isTouched = false

  private func write(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
    needsFlush = true
    context.write(wrapOutboundOut(buffer), promise: nil)
  }

  /// Within its channel's read. What may close the channel is put off until that is over, which goes on with a channel that
  /// it takes to be open: NIO asserts that it is where the peer has half-closed.
  private var isReading = false

  private func afterReading(_ act: @escaping (Connection) -> Void) {
    guard isReading else { return act(self) }
    let act = NIOLoopBound(act, eventLoop: port.loop)
    port.loop.execute { act.value(self) }
  }

  /// Writes what was put, and asks for more where a catch-up goes on.
  func flush() {
    guard !isReading else { return afterReading { $0.flush() } }
    isTouched = false
    guard let context else { return }
    if needsFlush {
      needsFlush = false
      context.flush()
      if !context.channel.isWritable { port.isFull(self, bytes: waitingBytes(context)) }
    }
    askForMore(context)
  }

  private func waitingBytes(_ context: ChannelHandlerContext) -> Int {
    (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  /// The hub has no memory for a peer that doesn't read.
  func abandon() {
    runner.submit(.turnedAway(.quota, address))
    afterReading { $0.context?.close(promise: nil) }
  }

  private func askForMore(_ context: ChannelHandlerContext) {
    guard wantsMore || isStalled, context.channel.isWritable else { return }
    wantsMore = false
    runner.submit(.writable(id))
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      port.isFree(self)
      askForMore(context)
      resumeReading()
    }
    context.fireChannelWritabilityChanged()
  }

  private func checkReplies(_ context: ChannelHandlerContext) {
    if waitingBytes(context) > Self.replyLimit { afterReading { $0.context?.close(promise: nil) } }
  }

  /// What was written before goes out first; a peer that doesn't take it is not waited for long.
  private func close(_ context: ChannelHandlerContext) {
    isClosing = true
    intake.stopListening()
    endDeadline()
    needsFlush = false
    let channel = context.channel
    let timer = channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(3)) { channel.close(promise: nil) }
    afterReading { connection in
      guard let context = connection.context else { return timer.cancel() }
      context.writeAndFlush(connection.wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
        timer.cancel()
        channel.close(promise: nil)
      }
    }
  }
}
