import Glibc

/// A TCP connection whose bytes a test writes itself.
public final class RawConnection: Sendable {
  public let descriptor: Int32
  private let pump: Pump

  /// Owns the descriptor.
  public init(descriptor: Int32) throws {
    self.descriptor = descriptor
    // One for each direction, so that each is closed once.
    let writing = dup(descriptor)
    guard writing >= 0 else { throw SystemFault("dup") }
    _ = fcntl(writing, F_SETFD, FD_CLOEXEC)
    pump = try Pump(
      reading: [descriptor], writing: writing,
      endWriting: {
        shutdown($0, Int32(SHUT_WR))
        Glibc.close($0)
      }, done: {})
  }

  /// To a port of this machine.
  public convenience init(port: Int) throws {
    try self.init(descriptor: Self.connect(port: port))
  }

  deinit {
    close()
  }

  /// A connected socket and nothing around it. `receiveBuffer`: bytes the system takes for a peer that doesn't read.
  /// `from`: an address of this machine that the peer sees.
  public static func connect(port: Int, receiveBuffer: Int32? = nil, from source: String? = nil) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemFault("socket") }
    if var size = receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    if let source {
      var own = loopback(port: 0)
      inet_pton(AF_INET, source, &own.sin_addr)
      let bound = withUnsafePointer(to: &own) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard bound == 0 else { throw SystemFault("bind to \(source)") }
    }
    var address = loopback(port: port)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      defer { Glibc.close(descriptor) }
      throw SystemFault("connect")
    }
    return descriptor
  }

  static func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  // MARK: Talking

  public func write(_ text: String) {
    pump.write(Array(text.utf8))
  }

  public func write(_ bytes: [UInt8]) {
    pump.write(bytes)
  }

  /// Nothing more will be written; what comes is still read.
  public func endWriting() {
    pump.endWriting()
  }

  /// Stops reading: the system's buffers fill.
  public func pauseReading(_ isPaused: Bool) {
    pump.pause(0, isPaused)
  }

  public func close() {
    pump.close(stream: 0)
  }

  // MARK: Waiting

  /// The next line; nil where the peer has closed, or sent nothing in time.
  public func line(within limit: Duration = ChildProcess.patience) async -> JSONLine? {
    let line = await pump.state.first(within: limit) { state -> [UInt8]?? in
      if let line = state.streams[0].takeLine() { return line }
      return state.streams[0].isEnded ? .some(nil) : nil
    }
    return (line ?? nil).map { JSONLine($0) }
  }

  /// Whether the peer closes; what it sent is there then.
  public func isClosed(within limit: Duration = ChildProcess.patience) async -> Bool {
    await pump.state.first(within: limit) { $0.streams[0].isEnded ? true : nil } ?? false
  }

  /// Returns when all that was written has been taken by the system, or can't be.
  public func isDrained(within limit: Duration = ChildProcess.patience) async -> Bool {
    await pump.state.first(within: limit) { $0.isDrained ? true : nil } ?? false
  }
}

/// A TCP server on a free port of this machine.
public final class RawServer: Sendable {
  private let descriptor: Int32
  public let port: Int
  public var address: String { "127.0.0.1:\(port)" }

  public init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemFault("socket") }
    var address = RawConnection.loopback(port: 0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = descriptor
    let status = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0 && Glibc.listen(socket, 16) == 0
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    guard status else { throw SystemFault("listen") }
  }

  deinit {
    close(descriptor)
  }

  public func accept() async throws -> RawConnection {
    let socket = descriptor
    let accepted: Int32 = await withCheckedContinuation { done in
      OwnThread.detach { done.resume(returning: Glibc.accept(socket, nil, nil)) }
    }
    guard accepted >= 0 else { throw SystemFault("accept") }
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    return try RawConnection(descriptor: accepted)
  }
}
