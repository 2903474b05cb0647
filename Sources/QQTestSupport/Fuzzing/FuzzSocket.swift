import Glibc

/// A connection that is driven step by step on one thread, and whose end is the driver's to choose. A `RawConnection`
/// has a thread of its own, which reads what nobody shall.
final class FuzzSocket {
  let descriptor: Int32
  private let wire: any FuzzWire
  private var hasStarted = false
  private var outgoing: [UInt8] = []
  private var written = 0
  /// Bytes that may still be written; nil is all.
  var allowance: Int?
  private var isDeaf = false
  private(set) var isOver = false
  private var isClosed = false
  /// What came, without the lines that were taken.
  private var incoming: [UInt8] = []
  private var start = 0
  private(set) var bytesWritten = 0
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  init(port: Int, source: String, wire: any FuzzWire) throws {
    descriptor = try RawConnection.connect(port: port, from: source)
    self.wire = wire
    Descriptors.setNonblocking(descriptor)
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close() }

  // MARK: Writing

  func send(_ bytes: [UInt8]) throws {
    if !hasStarted {
      hasStarted = true
      outgoing += try wire.start()
    }
    outgoing += try wire.seal(bytes)
  }

  func raw(_ bytes: [UInt8]) { outgoing += bytes }

  /// False where a hub has taken nothing for so long, or has closed.
  func flush(milliseconds: Int) -> Bool {
    var end = Self.now + milliseconds
    while written < outgoing.count, !isOver {
      let wanted = min(outgoing.count - written, allowance ?? .max)
      guard wanted > 0 else { break }
      let count = outgoing.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + written, wanted, Int32(MSG_NOSIGNAL))
      }
      if count > 0 {
        written += count
        bytesWritten += count
        if let left = allowance { allowance = left - count }
        end = Self.now + milliseconds
      } else if errno != EAGAIN, errno != EINTR {
        isOver = true
      } else if Self.now >= end {
        return false
      } else {
        wait(10, writing: true)
      }
    }
    outgoing.removeAll(keepingCapacity: true)
    written = 0
    return !isOver
  }

  // MARK: Reading

  func stopReading() {
    isDeaf = true
    var size: Int32 = 4_096
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Waits for something to read, and takes it.
  func wait(_ milliseconds: Int, writing: Bool = false) {
    var polled = pollfd(
      fd: descriptor, events: (isDeaf ? 0 : Int16(POLLIN)) | (writing ? Int16(POLLOUT) : 0), revents: 0)
    poll(&polled, 1, Int32(milliseconds))
    if polled.revents & Int16(POLLERR | POLLHUP) != 0, isDeaf { isOver = true }
    if polled.revents & Int16(POLLIN | POLLERR | POLLHUP) != 0, !isDeaf { take() }
  }

  private func take() {
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count < 0, errno == EAGAIN || errno == EINTR { return }
    guard count > 0, let opened = try? wire.open(Array(buffer[..<count])) else { return isOver = true }
    incoming += opened.plain
    outgoing += opened.answer
  }

  /// The next line that has come.
  func takeLine() -> ArraySlice<UInt8>? {
    guard let end = incoming[start...].firstIndex(of: 0x0a) else {
      if start > 0 {
        incoming.removeFirst(start)
        start = 0
      }
      return nil
    }
    defer { start = end + 1 }
    return incoming[start..<end]
  }

  // MARK: The end

  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  func reset() {
    var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  func close() {
    if !isClosed { Glibc.close(descriptor) }
    isClosed = true
    isOver = true
  }

  /// Milliseconds of a clock that only goes on.
  static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
  }
}

extension HostileSession {
  /// What became of it.
  public struct Result: Sendable {
    public var bytesWritten = 0
    /// Types of the lines that the hub has answered with.
    public var answers: [String: Int] = [:]
  }

  /// Does all of it to the hub at this port of this machine.
  @discardableResult
  public func run(port: Int, _ makeWire: MakeWire) throws -> Result {
    let socket = try FuzzSocket(port: port, source: source, wire: try makeWire(user))
    defer { socket.close() }
    var result = Result()
    for step in steps {
      perform(step, on: socket, &result)
      if socket.isOver { break }
    }
    while let line = socket.takeLine() { result.note(line) }
    result.bytesWritten = socket.bytesWritten
    return result
  }

  /// How long a hub may take nothing before this goes on with the next step, in milliseconds.
  private static let patience = 300

  private func perform(_ step: Step, on socket: FuzzSocket, _ result: inout Result) {
    switch step {
    case .send(let bytes, let times):
      // In one go, as far as the system takes it.
      var all: [UInt8] = []
      all.reserveCapacity(bytes.count * times)
      for _ in 0..<times { all += bytes }
      guard (try? socket.send(all)) != nil else { return socket.close() }
      _ = socket.flush(milliseconds: Self.patience)
    case .raw(let bytes):
      socket.raw(bytes)
      _ = socket.flush(milliseconds: Self.patience)
    case .cut(let count): socket.allowance = count
    case .deaf: socket.stopReading()
    case .pause(let time): usleep(UInt32(time) * 1_000)
    case .finish: socket.finish()
    case .reset: socket.reset()
    case .answers(var count, let time):
      read(socket, milliseconds: time, &result) { _ in
        count -= 1
        return count > 0
      }
    case .until(let type, let time): read(socket, milliseconds: time, &result) { $0 != type }
    }
  }

  /// Reads while `goesOn` says so, given the type of each line.
  private func read(
    _ socket: FuzzSocket, milliseconds: Int, _ result: inout Result, _ goesOn: (String?) -> Bool
  ) {
    let end = FuzzSocket.now + milliseconds
    while true {
      while let line = socket.takeLine() {
        if !goesOn(result.note(line)) { return }
      }
      guard !socket.isOver, FuzzSocket.now < end else { return }
      socket.wait(max(1, end - FuzzSocket.now))
      // The end of a handshake, and what it held back.
      _ = socket.flush(milliseconds: Self.patience)
    }
  }
}

extension HostileSession.Result {
  private static let prefix = Array("{\"type\":\"".utf8)

  /// Gives the type of the line.
  @discardableResult
  fileprivate mutating func note(_ line: ArraySlice<UInt8>) -> String? {
    guard line.starts(with: Self.prefix) else { return nil }
    let name = line.dropFirst(Self.prefix.count).prefix(16).prefix { $0 != UInt8(ascii: "\"") }
    let type = String(decoding: name, as: UTF8.self)
    answers[type, default: 0] += 1
    return type
  }
}
