import Glibc
import NIOCore
import NIOPosix

/// Calls back on an event loop once the network has had its turn. A task that a loop is given within a task runs before the
/// loop looks at its sockets again, so a loop that goes on by tasks alone hears nobody; what comes over a pipe comes among
/// the sockets.
///
/// `@unchecked Sendable`: belongs to the loop.
final class Bell: @unchecked Sendable {
  private let writing: Int32
  private let channel: any Channel

  private final class Ear: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let heard: () -> Void

    init(_ heard: @escaping () -> Void) {
      self.heard = heard
    }

    func channelReadComplete(context: ChannelHandlerContext) { heard() }
  }

  /// `heard` is called on the loop, once for each time it was rung.
  static func make(on loop: any EventLoop, _ heard: @escaping @Sendable () -> Void) async throws -> Bell {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw IOError(errnoCode: errno, reason: "cannot make a pipe") }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    let channel = try await NIOPipeBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Ear(heard)) }
      }
      .takingOwnershipOfDescriptor(input: ends[0]).get()
    return Bell(ends[1], channel)
  }

  private init(_ writing: Int32, _ channel: any Channel) {
    self.writing = writing
    self.channel = channel
  }

  deinit { Glibc.close(writing) }

  /// Not again before it was heard.
  func ring() {
    var byte: UInt8 = 0
    _ = Glibc.write(writing, &byte, 1)
  }
}
