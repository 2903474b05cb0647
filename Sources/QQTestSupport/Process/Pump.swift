import Glibc

/// Moves bytes between descriptors and memory on a thread of its own, so that no task blocks on them.
final class Pump: Sendable {
  /// What was read from one descriptor.
  struct Stream: Sendable {
    var bytes: [UInt8] = []
    /// Bytes before this one have been taken.
    var start = 0
    /// The other side has closed it, or this side did.
    var isEnded = false
    var isPaused = false
    fileprivate var wantsClose = false

    var rest: ArraySlice<UInt8> { bytes[start...] }

    /// The next whole line, without its newline.
    mutating func takeLine() -> [UInt8]? {
      guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      defer { start = end + 1 }
      return Array(bytes[start..<end])
    }
  }

  struct State: Sendable {
    var streams: [Stream]
    /// Not written yet.
    fileprivate var pending: [UInt8] = []
    fileprivate var wantsEnd = false
    /// Nothing can be written any more.
    var isWritingOver = false

    var isDrained: Bool { pending.isEmpty || isWritingOver }
    fileprivate var isDone: Bool { streams.allSatisfy(\.isEnded) }
  }

  let state: Watched<State>
  private let wake: (read: Int32, write: Int32)

  /// Owns the descriptors. `endWriting` is called when everything was written and nothing more will be; `done` on the
  /// thread, when all streams have ended.
  init(
    reading: [Int32], writing: Int32?, endWriting: @escaping @Sendable (Int32) -> Void,
    done: @escaping @Sendable () -> Void
  ) throws {
    // Who writes to a reader that has gone is told by the call.
    Glibc.signal(SIGPIPE, SIG_IGN)
    state = Watched(State(streams: reading.map { _ in Stream() }))
    wake = try Descriptors.pipe()
    for descriptor in reading + (writing.map { [$0] } ?? []) + [wake.read] { Descriptors.setNonblocking(descriptor) }
    OwnThread.detach { [self] in
      run(reading, writing, endWriting)
      done()
      Glibc.close(wake.read)
    }
  }

  deinit {
    Glibc.close(wake.write)
  }

  // MARK: Any thread

  func write(_ bytes: [UInt8]) {
    state.update { if !$0.isWritingOver { $0.pending += bytes } }
    rouse()
  }

  func endWriting() {
    state.update { $0.wantsEnd = true }
    rouse()
  }

  func pause(_ stream: Int, _ isPaused: Bool) {
    state.update { $0.streams[stream].isPaused = isPaused }
    rouse()
  }

  /// Whoever writes there gets EPIPE.
  func close(stream: Int) {
    state.update { $0.streams[stream].wantsClose = true }
    rouse()
  }

  private func rouse() {
    var byte: UInt8 = 0
    _ = Glibc.write(wake.write, &byte, 1)
  }

  // MARK: The thread

  private func run(_ reading: [Int32], _ writing: Int32?, _ endWriting: (Int32) -> Void) {
    var reading: [Int32?] = reading
    var writing = writing
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      for index in reading.indices where state.read({ $0.streams[index].wantsClose }) {
        guard let descriptor = reading[index] else { continue }
        Glibc.close(descriptor)
        reading[index] = nil
        state.update { $0.streams[index].isEnded = true }
      }
      if state.read({ $0.isDone }) { break }
      var polled = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
      for (index, descriptor) in reading.enumerated() {
        let isPaused = state.read { $0.streams[index].isPaused }
        polled.append(pollfd(fd: isPaused ? -1 : descriptor ?? -1, events: Int16(POLLIN), revents: 0))
      }
      let wantsToWrite = state.read { !$0.pending.isEmpty || $0.wantsEnd }
      polled.append(pollfd(fd: wantsToWrite ? writing ?? -1 : -1, events: Int16(POLLOUT), revents: 0))
      poll(&polled, nfds_t(polled.count), -1)
      if polled[0].revents != 0 { _ = read(wake.read, &buffer, buffer.count) }
      for index in reading.indices where polled[index + 1].revents != 0 {
        guard let descriptor = reading[index], !take(descriptor, index, &buffer) else { continue }
        Glibc.close(descriptor)
        reading[index] = nil
      }
      if let descriptor = writing, polled[polled.count - 1].revents != 0, !give(descriptor) {
        endWriting(descriptor)
        writing = nil
      }
    }
    if let writing { endWriting(writing) }
    state.update { $0.isWritingOver = true }
  }

  /// False at the end.
  private func take(_ descriptor: Int32, _ index: Int, _ buffer: inout [UInt8]) -> Bool {
    let count = read(descriptor, &buffer, buffer.count)
    if count > 0 {
      state.update { $0.streams[index].bytes += buffer[..<count] }
      return true
    }
    if count < 0, errno == EAGAIN || errno == EINTR { return true }
    state.update { $0.streams[index].isEnded = true }
    return false
  }

  /// False where nothing more will be written.
  private func give(_ descriptor: Int32) -> Bool {
    let pending = state.read { Array($0.pending.prefix(64 << 10)) }
    if !pending.isEmpty {
      let count = Glibc.write(descriptor, pending, pending.count)
      if count < 0, errno == EAGAIN || errno == EINTR { return true }
      guard count > 0 else {
        state.update { $0.isWritingOver = true }
        return false
      }
      state.update { $0.pending.removeFirst(count) }
    }
    return state.update { state in
      if state.wantsEnd, state.pending.isEmpty { state.isWritingOver = true }
      return !state.isWritingOver
    }
  }
}

enum Descriptors {
  static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw SystemFault("pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  static func setNonblocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }
}

/// A thread that nobody waits for.
public enum OwnThread {
  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  public static func detach(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body)).toOpaque()
    let status = pthread_create(
      &thread, nil,
      { raw in
        if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
        return nil
      }, box)
    precondition(status == 0, "no more threads")
    pthread_detach(thread)
  }
}

/// A call of the system that failed.
public struct SystemFault: Error, CustomStringConvertible {
  public let description: String

  public init(_ call: String) {
    description = "\(call): \(String(cString: strerror(errno)))"
  }
}
