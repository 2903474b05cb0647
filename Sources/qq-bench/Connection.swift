import Glibc

/// One connection to a server: blocking while it introduces itself, non-blocking once traffic flows.
final class Connection {
  enum Read: Equatable {
    /// So many bytes, and whether another read may find more at once.
    case bytes(Int, more: Bool)
    case nothing
    /// Closed by the other side, or lost.
    case end
  }

  let descriptor: Int32
  private var tls: TLSSession?
  private var received: [UInt8] = []
  private var isOpen = true

  /// Connects over TCP. Whatever blocks afterwards gives up after `timeout` seconds.
  init(to endpoint: Endpoint, timeout: Int = 10) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    guard descriptor >= 0 else { throw BenchError.system("socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = endpoint.port.bigEndian
    guard inet_pton(AF_INET, endpoint.host, &address.sin_addr) == 1 else {
      throw BenchError("not an IPv4 address: \(endpoint.host)")
    }
    var limit = timeval(tv_sec: timeout, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw BenchError.system("connect \(endpoint.host):\(endpoint.port)") }
  }

  deinit {
    close()
  }

  /// Goes over to TLS.
  func startTLS(_ context: TLSContext, as certificate: SelfSignedCertificate?) throws {
    received.removeAll()
    tls = try context.open(on: descriptor, as: certificate)
  }

  func close() {
    guard isOpen else { return }
    isOpen = false
    tls?.close()
    Glibc.close(descriptor)
  }

  // MARK: While it blocks

  /// Sends all of it.
  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let count = rest.withUnsafeBytes({ write($0) }), count > 0 else { throw BenchError.system("send") }
      rest = rest.dropFirst(count)
    }
  }

  func send(_ text: String) throws {
    try send(Array(text.utf8))
  }

  /// The next line, without its end.
  func receiveLine() throws -> String {
    while true {
      if let end = received.firstIndex(of: 0x0A) {
        let line = String(decoding: received[..<end], as: UTF8.self)
        received.removeSubrange(...end)
        return line.last == "\r" ? String(line.dropLast()) : line
      }
      try receiveMore()
    }
  }

  /// The next `count` bytes.
  func receive(_ count: Int) throws -> [UInt8] {
    while received.count < count { try receiveMore() }
    defer { received.removeSubrange(..<count) }
    return Array(received[..<count])
  }

  private func receiveMore() throws {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    let read = buffer.withUnsafeMutableBytes { bytes in
      if let tls { return tls.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<1])) }
      let count = recv(descriptor, bytes.baseAddress, bytes.count, 0)
      return count > 0 ? .bytes(count, more: false) : count == 0 ? .end : .nothing
    }
    switch read {
    case .bytes(let count, _): received.append(contentsOf: buffer[..<count])
    case .nothing: throw BenchError("no answer in time")
    case .end: throw BenchError("the server closed the connection")
    }
  }

  // MARK: Once traffic flows

  func stopBlocking() {
    received.removeAll()
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
  }

  /// Takes what has arrived. On plaintext one system call, and `more` is false even where the buffer is full: epoll
  /// tells again, after the other connections had their turn.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Read {
    if let tls { return tls.read(into: buffer) }
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    if count > 0 { return .bytes(count, more: false) }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .end
  }

  /// How many bytes were taken; 0 where there is no room, nil where the connection is lost.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count > 0 else { return 0 }
    if let tls { return tls.write(bytes) }
    let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    if count >= 0 { return count }
    return errno == EAGAIN || errno == EINTR ? 0 : nil
  }
}

/// Where a server is.
struct Endpoint {
  var host = "127.0.0.1"
  var port: UInt16
  var usesTLS = false
}
