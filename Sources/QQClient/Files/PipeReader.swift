import Glibc
import NIOPosix
import QQProtocol
import Synchronization

/// Reads a pipe a chunk ahead, on a thread that may block: whoever writes to it may be silent for long, and the hub is
/// heard meanwhile.
final class PipeReader: Sendable {
  private struct State {
    var result: Result<[UInt8], FileError>?
    var isReading = false
    var isAtEnd = false
    var notify: (@Sendable () -> Void)?
  }

  private let descriptor: Int32
  private let state = Mutex(State())

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Called on another thread whenever `isReady` has come true.
  func whenReady(_ notify: @escaping @Sendable () -> Void) {
    state.withLock { $0.notify = notify }
  }

  /// Whether `next` needn't wait. Where it would, reading begins.
  var isReady: Bool {
    let (isReady, begins) = state.withLock { state in
      if state.result != nil || state.isAtEnd { return (true, false) }
      defer { state.isReading = true }
      return (false, !state.isReading)
    }
    if begins { NIOThreadPool.singleton.submit { [self] _ in fill() } }
    return isReady
  }

  private func fill() {
    let result = Result { () throws(FileError) in try read() }
    let notify = state.withLock { state in
      state.result = result
      state.isReading = false
      return state.notify
    }
    notify?()
  }

  /// A whole chunk, unless the end comes before; nothing at the end. Waits where nothing is ready.
  func next() throws(FileError) -> [UInt8] {
    let (result, isAtEnd) = state.withLock { state in
      defer { state.result = nil }
      return (state.result, state.isAtEnd)
    }
    if isAtEnd { return [] }
    let bytes: [UInt8]
    if let result { bytes = try result.get() } else { bytes = try read() }
    if bytes.count < Chunk.size { state.withLock { $0.isAtEnd = true } }
    return bytes
  }

  private func read() throws(FileError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Chunk.size) { buffer, filled in
      while filled < Chunk.size, let base = buffer.baseAddress {
        let result = Glibc.read(descriptor, base + filled, Chunk.size - filled)
        if result > 0 {
          filled += result
        } else if result < 0, errno == EAGAIN {
          var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
          poll(&state, 1, -1)
        } else if result == 0 || errno != EINTR {
          code = result == 0 ? 0 : errno
          break
        }
      }
    }
    guard code == 0 else { throw .system(.input, "cannot read standard input", code) }
    return bytes
  }
}
