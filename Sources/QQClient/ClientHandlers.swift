import NIOCore
import NIOSSL
import NIOTLS
import QQIdentity
import QQProtocol
import QQTransport
import Synchronization

/// What a connection showed, and the end of the TLS handshake, for whoever waits for it.
final class SeenKey: Sendable {
  private struct State {
    var fingerprint: Fingerprint?
    var failure: ClientError?
    var fault: FrameFault?
    var timedOut = false
    var wasWelcomed = false
    var outcome: Result<Void, any Error>?
    var waiter: CheckedContinuation<Void, any Error>?
  }

  private let state = Mutex(State())

  var fingerprint: Fingerprint? { state.withLock(\.fingerprint) }

  func saw(_ key: Fingerprint) { state.withLock { $0.fingerprint = key } }
  func failed(_ error: ClientError) { state.withLock { $0.failure = error } }
  func failed(_ fault: FrameFault) { state.withLock { $0.fault = fault } }
  var wasWelcomed: Bool { state.withLock(\.wasWelcomed) }
  func welcomed() { state.withLock { $0.wasWelcomed = true } }
  func timedOut() { state.withLock { $0.timedOut = true } }

  func explain(_ endpoint: Endpoint) -> ClientError? {
    state.withLock { state in
      state.failure ?? state.fault.map { .notAHub(endpoint, reason: $0.message) }
        ?? (state.timedOut ? .timedOut(endpoint) : nil)
    }
  }

  func finished(_ outcome: Result<Void, any Error>) {
    let waiter = state.withLock { state in
      if state.outcome == nil { state.outcome = outcome }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(with: outcome)
  }

  /// Returns once the handshake is through, on this side.
  func handshake() async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiter in
        let outcome = state.withLock { state in
          if state.outcome == nil { state.waiter = waiter }
          return state.outcome
        }
        if let outcome { waiter.resume(with: outcome) }
      }
    } onCancel: {
      finished(.failure(CancellationError()))
    }
  }
}

/// Tells how the TLS handshake ended.
final class HandshakeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let seen: SeenKey

  init(_ seen: SeenKey) {
    self.seen = seen
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case TLSUserEvent.handshakeCompleted(let negotiated) = event {
      // Where an authority decided, nobody has looked at the key yet.
      if seen.fingerprint == nil, let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate(),
        let key = HubCertificate.fingerprint(of: [certificate])
      {
        seen.saw(key)
      }
      seen.finished(
        negotiated == ProtocolLimits.alpn
          ? .success(()) : .failure(FrameFault(.unsupportedProtocol, "it speaks TLS and another protocol within")))
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    seen.finished(.failure(error))
    context.fireErrorCaught(error)
  }

  func channelInactive(context: ChannelHandlerContext) {
    seen.finished(.failure(ChannelError.eof))
    context.fireChannelInactive()
  }
}

/// Cuts what the hub sends into lines, a batch a read.
final class HubLineHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = [HubLine]

  private var framer = LineFramer()
  private var decoder = FrameDecoder()
  /// A piece of a file whose bytes are coming in.
  private var piece: (chunk: Chunk, line: HubLine)?
  /// Nothing that comes behind a wrong line is looked at.
  private var isDone = false
  private let seen: SeenKey

  init(_ seen: SeenKey) {
    self.seen = seen
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isDone else { return }
    var lines: [HubLine] = []
    var fault: FrameFault?
    let buffer = unwrapInboundIn(data)
    do throws(ErrorCode) {
      try framer.feed(
        buffer.readableBytesSpan,
        { line throws(ErrorCode) in
          do throws(FrameFault) {
            let frame = try decoder.hubFrame(line)
            let read = HubLine(frame: frame, bytes: line.withUnsafeBytes { Array($0) })
            guard case .chunk(let chunk)? = frame else {
              lines.append(read)
              return 0
            }
            piece = (chunk, read)
            piece?.line.raw.reserveCapacity(chunk.size)
            return chunk.size
          } catch {
            fault = error
            throw error.code
          }
        },
        raw: { bytes in
          bytes.withUnsafeBytes { piece?.line.raw.append(contentsOf: $0) }
          guard let whole = piece, whole.line.raw.count == whole.chunk.size else { return }
          piece = nil
          var line = whole.line
          line.digest = Digest(of: line.raw)
          lines.append(line)
        })
    } catch {
      isDone = true
      if fault == nil { fault = FrameFault(error, "a line is longer than any hub would send") }
    }
    // Values first: whoever is told may come back into here.
    if !lines.isEmpty { context.fireChannelRead(wrapInboundOut(lines)) }
    if let fault {
      // Whoever writes at this moment learns only that the connection is closed.
      seen.failed(fault)
      context.fireErrorCaught(fault)
      context.close(promise: nil)
    }
  }
}
