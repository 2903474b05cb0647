import Glibc

/// A connection of a soak: a user with a key under TLS, or a guest.
final class SoakLink {
  private let connection: Connection
  private var incoming: [UInt8] = []
  private var start = 0
  private var buffer = [UInt8](repeating: 0, count: 128 << 10)
  private(set) var isOver = false

  var descriptor: Int32 { connection.descriptor }

  /// Welcomed. Without a certificate it is a guest, without TLS.
  init(_ endpoint: Endpoint, nick: String, as certificate: SelfSignedCertificate? = nil) throws {
    connection = try Connection(to: endpoint)
    if let certificate { try connection.startTLS(TLSContext(applicationProtocol: "qq/1"), as: certificate) }
    try connection.send(#"{"type":"hello","protocol":1,"nick":"\#(nick)","agent":"qq-bench"}"# + "\n")
    connection.stopBlocking()
    let line = try answer(for: "hello")
    guard line.contains(#""type":"welcome""#) else { throw BenchError("no welcome: \(line)") }
  }

  /// Writes a line; waits where there is no room.
  func send(_ line: String) throws {
    let bytes = Array((line + "\n").utf8)
    var rest = bytes[...]
    let end = monotonicNanoseconds() + 20_000_000_000
    while !rest.isEmpty {
      guard let count = rest.withUnsafeBytes({ connection.write($0) }) else { throw BenchError("connection lost") }
      rest = rest.dropFirst(count)
      if count == 0 {
        guard monotonicNanoseconds() < end else { throw BenchError("the hub takes nothing for 20 s") }
        // Answers may be what holds the hub up.
        take(milliseconds: 5)
      }
    }
  }

  /// Takes what has come, or comes within this time.
  func take(milliseconds: Int32) {
    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    poll(&polled, 1, milliseconds)
    while true {
      switch buffer.withUnsafeMutableBytes({ connection.read(into: $0) }) {
      case .bytes(let count, let more):
        incoming += buffer[..<count]
        if !more { return }
      case .nothing: return
      case .end:
        isOver = true
        return
      }
    }
  }

  /// The next line that has come.
  func line() -> String? {
    guard let end = incoming[start...].firstIndex(of: 0x0A) else {
      incoming.removeFirst(start)
      start = 0
      return nil
    }
    defer { start = end + 1 }
    return String(decoding: incoming[start..<end], as: UTF8.self)
  }

  /// The next line that is no event; `ref` names what waits in the error.
  func answer(for what: String) throws -> String {
    let end = monotonicNanoseconds() + 20_000_000_000
    while true {
      while let line = line() {
        if line.contains(#""type":"error""#) { throw BenchError("\(what): \(line)") }
        let isAnswer = ["welcome", "ok", "sent", "pong", "invite"].contains { line.hasPrefix("{\"type\":\"\($0)\"") }
        if isAnswer { return line }
      }
      guard !isOver else { throw BenchError("\(what): the hub closed the connection") }
      guard monotonicNanoseconds() < end else { throw BenchError("\(what): no answer within 20 s") }
      take(milliseconds: 50)
    }
  }

  func ask(_ line: String) throws {
    try send(line)
    _ = try answer(for: line)
  }

  func close() { connection.close() }

  /// The end by a RST.
  func reset() {
    var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    connection.close()
  }
}

/// Makes lines with ids that nobody else has.
struct SoakLines {
  private var ids: ULIDSource

  init() {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    ids = ULIDSource(
      milliseconds: UInt64(now.tv_sec) * 1000 + UInt64(now.tv_nsec) / 1_000_000, seed: .random(in: 0...(.max)))
  }

  mutating func send(to target: String, _ text: String) -> String {
    #"{"type":"send","ref":1,"id":"\#(id())","to":["\#(target)"],"text":"\#(text)"}"#
  }

  private mutating func id() -> String {
    var bytes = [UInt8](repeating: 0, count: ULIDSource.length)
    bytes.withUnsafeMutableBufferPointer { ids.write(to: $0.baseAddress!) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
