import DequeModule
import NIOCore
import QQProtocol

/// Between a socket and a `Connection`: objects of the original mini QQ outside, lines inside.
///
/// Those clients take whatever one read returns for one object, and sleep for up to two seconds between reads. So every
/// object is a write of its own, none within `gap` of the one before, and what one sender says meanwhile is put
/// together.
final class ClassicHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Pending {
    case text(from: String, String)
    case object([UInt8])

    var size: Int {
      switch self {
      case .text(let from, let text): from.utf8.count + text.utf8.count
      case .object(let bytes): bytes.count
      }
    }
  }

  private let gap: TimeAmount
  private let makeID: () -> MessageID
  private var translator: ClassicTranslator
  private var framer = ClassicFramer()
  private var lines = LineFramer()
  private var decoder = FrameDecoder()
  /// A line that announced raw bytes, and those that have come.
  private var announced: (frame: HubFrame, raw: [UInt8], left: Int)?

  private var pending: Deque<Pending> = []
  private var pendingBytes = 0
  private var users: [UInt8]?
  /// Objects that were let go since this client reads too slowly.
  private var dropped = 0
  private var earliest = NIODeadline.uptimeNanoseconds(0)
  private var isScheduled = false
  private var context: ChannelHandlerContext?

  private static let mostPending = 1_000
  /// At what these clients read it is some minutes' worth.
  private static let mostPendingBytes = 256 << 10

  init(_ translator: ClassicTranslator, gap: TimeAmount, makeID: @escaping () -> MessageID) {
    self.translator = translator
    self.gap = gap
    self.makeID = makeID
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
  }

  /// Once the handlers behind it are there.
  func start() {
    perform(translator.opened())
  }

  // MARK: In

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do throws(ClassicFramer.Fault) {
      for object in try framer.feed(unwrapInboundIn(data).readableBytesView) {
        perform(translator.said(object, id: makeID()))
      }
    } catch {
      context.close(promise: nil)
    }
  }

  // MARK: Out

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let buffer = unwrapOutboundIn(data)
    // Values first: what is done with them may come back into here.
    var heard: [(frame: HubFrame, raw: [UInt8])] = []
    do throws(ErrorCode) {
      try lines.feed(
        buffer.readableBytesSpan, { line throws(ErrorCode) in self.heard(line, &heard) },
        raw: { self.heard(raw: $0, &heard) })
      promise?.succeed(())
    } catch {
      promise?.fail(ChannelError.inappropriateOperationForState)
    }
    for (frame, raw) in heard { perform(translator.heard(frame, raw: raw)) }
  }

  /// Returns how many raw bytes follow.
  private func heard(_ line: RawSpan, _ heard: inout [(frame: HubFrame, raw: [UInt8])]) -> Int {
    guard let frame = try? decoder.hubFrame(line) else { return 0 }
    if case .chunk(let chunk) = frame {
      announced = (frame, [], chunk.size)
      return chunk.size
    }
    heard.append((frame, []))
    return 0
  }

  private func heard(raw: RawSpan, _ heard: inout [(frame: HubFrame, raw: [UInt8])]) {
    raw.withUnsafeBytes { announced?.raw += $0 }
    announced?.left -= raw.byteCount
    guard let chunk = announced, chunk.left <= 0 else { return }
    announced = nil
    heard.append((chunk.frame, chunk.raw))
  }

  // MARK: Doing

  private func perform(_ actions: [ClassicTranslator.Action]) {
    guard let context else { return }
    for action in actions {
      switch action {
      case .say(let frame, let raw):
        var writer = JSONWriter(reserving: 256)
        frame.encode(into: &writer)
        var buffer = context.channel.allocator.buffer(capacity: writer.bytes.count + raw.count)
        buffer.writeBytes(writer.bytes)
        buffer.writeBytes(raw)
        // Not from within what the hub writes.
        let bound = NIOLoopBound((context, buffer), eventLoop: context.eventLoop)
        context.eventLoop.execute {
          let (context, buffer) = bound.value
          context.fireChannelRead(NIOAny(buffer))
          context.fireChannelReadComplete()
        }
      case .text(let address, let text): queue(.text(from: address, text))
      case .write(let object): queue(.object(object))
      case .users(let list):
        users = list
        writeNext()
      case .close: context.close(promise: nil)
      }
    }
  }

  private func queue(_ new: Pending) {
    if pending.count >= Self.mostPending || pendingBytes + new.size > Self.mostPendingBytes {
      dropped += 1
    } else {
      pending.append(new)
      pendingBytes += new.size
    }
    writeNext()
  }

  private func writeNext() {
    guard let context, !isScheduled, users != nil || !pending.isEmpty || dropped > 0 else { return }
    let now = NIODeadline.now()
    guard now >= earliest else {
      isScheduled = true
      let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(deadline: earliest) {
        bound.value.isScheduled = false
        bound.value.writeNext()
      }
      return
    }
    guard let object = takeNext() else { return }
    earliest = now + gap
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: object)), promise: nil)
    writeNext()
  }

  private func takeNext() -> [UInt8]? {
    if let users {
      self.users = nil
      return users
    }
    let first = pending.popFirst()
    pendingBytes -= first?.size ?? 0
    switch first {
    case .object(let object): return object
    case .text(let address, var text):
      while case .text(address, let more)? = pending.first,
        ClassicObject.fits(from: address, text + "\n" + more)
      {
        text += "\n" + more
        pendingBytes -= pending.removeFirst().size
      }
      var pieces = ClassicObject.messages(from: address, text)[...]
      let first = pieces.popFirst()
      for piece in pieces.reversed() {
        pending.prepend(.object(piece))
        pendingBytes += piece.count
      }
      return first
    case nil:
      let text = "[\(dropped) messages were left out: this client reads too slowly]"
      dropped = 0
      return ClassicObject.messages(from: translator.hub, text).first
    }
  }
}
