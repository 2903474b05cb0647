import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Answers `GET /metrics` and `GET /health` over HTTP/1.1, to whoever may connect: it tells counts, never texts or names.
final class MetricsServer: Sendable {
  private let channel: any Channel
  var address: SocketAddress? { channel.localAddress }

  /// Connections at once: each takes a descriptor that a user's could need. One more is closed.
  private static let mostConnections = 64

  init(_ group: any EventLoopGroup, host: String, port: Int, runner: HubRunner) async throws {
    let address = try SocketAddress(ipAddress: host, port: port)
    let open = Counter()
    channel = try await ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let isTooMany = open.add(1) > Self.mostConnections
          channel.closeFuture.whenComplete { _ in open.add(-1) }
          if isTooMany { throw ChannelError.inappropriateOperationForState }
          // Who says nothing is not waited for.
          let timer = channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(10)) { channel.close(promise: nil) }
          channel.closeFuture.whenComplete { _ in timer.cancel() }
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true)
          try channel.pipeline.syncOperations.addHandler(MetricsAnswer(runner))
        }
      }
      .bind(to: address).get()
  }

  func close() async { try? await channel.close() }

  private final class Counter: Sendable {
    private let count = Atomic(0)

    /// The count after it.
    @discardableResult func add(_ number: Int) -> Int { count.add(number, ordering: .relaxed).newValue }
  }
}

/// One answer a connection.
final class MetricsAnswer: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let runner: HubRunner
  private var request: HTTPRequestHead?

  init(_ runner: HubRunner) {
    self.runner = runner
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): request = head
    case .body: break
    case .end:
      guard let request else { return }
      self.request = nil
      answer(request, context)
    }
  }

  /// What can't be understood has been answered by then, with 400.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard request.method == .GET || request.method == .HEAD else {
      return write(.methodNotAllowed, "only GET and HEAD\n", context)
    }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let loop = context.eventLoop
    func report(_ body: @escaping @Sendable (String?) -> (HTTPResponseStatus, String)) {
      runner.report { text in
        loop.execute {
          let (handler, context) = bound.value
          let (status, text) = body(text)
          handler.write(status, text, context)
        }
      }
    }
    switch request.uri.split(separator: "?").first {
    case "/metrics": report { ($0 == nil ? .serviceUnavailable : .ok, $0 ?? "the journal has failed\n") }
    // That it is answered at all says that the hub's loop goes round.
    case "/health": report { $0 == nil ? (.serviceUnavailable, "the journal has failed\n") : (.ok, "ok\n") }
    default: write(.notFound, "there are /metrics and /health\n", context)
    }
  }

  private func write(_ status: HTTPResponseStatus, _ text: String, _ context: ChannelHandlerContext) {
    var headers = HTTPHeaders()
    headers.add(name: "Content-Type", value: "text/plain; version=0.0.4; charset=utf-8")
    headers.add(name: "Content-Length", value: "\(text.utf8.count)")
    headers.add(name: "Connection", value: "close")
    context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
      channel.close(promise: nil)
    }
  }
}

enum ProcessMemory {
  /// Bytes in use: proc(5).
  static var resident: Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 128)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return 0 }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
