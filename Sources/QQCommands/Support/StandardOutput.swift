import Glibc

/// The reader of our standard output has gone: a quiet, clean end.
struct OutputClosed: Error {}

/// Writes that tell what happened. `print` would carry on in silence after a closed pipe, since NIO ignores SIGPIPE
/// for the whole process.
enum Descriptor {
  static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress.map { $0 + offset }, bytes.count - offset)
      }
      if count >= 0 {
        offset += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&state, 1, -1)
      case EPIPE: throw OutputClosed()
      default:
        throw CommandFailure(.ioError, "cannot write: \(String(cString: strerror(errno)).lowercased())")
      }
    }
  }

  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Blocks until nobody reads the pipe or the terminal any more; for ever where it is a file.
  static func waitForClosedPipe(_ descriptor: Int32) {
    while true {
      var state = pollfd(fd: descriptor, events: 0, revents: 0)
      if poll(&state, 1, -1) > 0, state.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { return }
    }
  }
}
