import Glibc

/// One epoll instance, level-triggered. The Glibc module doesn't import `sys/epoll.h`, so the calls are looked up, and
/// events are read as bytes: `struct epoll_event` is 12 bytes, packed, on x86-64 and 16 elsewhere.
final class Poller {
  struct Event {
    /// What was given to `add`.
    var token: Int
    var isReadable: Bool
    var isWritable: Bool
  }

  private typealias Create = @convention(c) (Int32) -> Int32
  private typealias Control = @convention(c) (Int32, Int32, Int32, UnsafeMutableRawPointer?) -> Int32
  private typealias Wait = @convention(c) (Int32, UnsafeMutableRawPointer, Int32, Int32) -> Int32

  private static let input: UInt32 = 0x001
  private static let output: UInt32 = 0x004
  private static let capacity = 1024
  #if arch(x86_64)
    private static let stride = 12
    private static let dataOffset = 4
  #else
    private static let stride = 16
    private static let dataOffset = 8
  #endif

  private let file: Int32
  private let control: Control
  private let wait: Wait
  private let events: UnsafeMutableRawPointer

  init() throws {
    let create: Create = try cFunction("epoll_create1")
    control = try cFunction("epoll_ctl")
    wait = try cFunction("epoll_wait")
    file = create(O_CLOEXEC)
    guard file >= 0 else { throw BenchError.system("epoll_create1") }
    events = .allocate(byteCount: Self.capacity * Self.stride, alignment: 8)
  }

  deinit {
    close(file)
    events.deallocate()
  }

  /// Watches `descriptor` for something to read, or the end.
  func add(_ descriptor: Int32, token: Int) throws {
    try change(1, descriptor, token: token, interest: Self.input)
  }

  /// Says whether `descriptor` is also watched for room to write.
  func watch(_ descriptor: Int32, token: Int, writable: Bool) throws {
    try change(3, descriptor, token: token, interest: writable ? Self.input | Self.output : Self.input)
  }

  func remove(_ descriptor: Int32) {
    _ = control(file, 2, descriptor, nil)
  }

  /// Waits for at most `milliseconds` and calls `body` for every event.
  func poll(milliseconds: Int32, _ body: (Event) throws -> Void) throws {
    let count = wait(file, events, Int32(Self.capacity), milliseconds)
    if count < 0 {
      guard errno == EINTR else { throw BenchError.system("epoll_wait") }
      return
    }
    for index in 0..<Int(count) {
      let at = events + index * Self.stride
      let flags = at.load(as: UInt32.self)
      let token = (at + Self.dataOffset).loadUnaligned(as: UInt64.self)
      // Errors and hang-ups count as readable: reading then tells what it is.
      let event = Event(
        token: Int(token), isReadable: flags & ~Self.output != 0, isWritable: flags & Self.output != 0)
      try body(event)
    }
  }

  private func change(_ operation: Int32, _ descriptor: Int32, token: Int, interest: UInt32) throws {
    let event = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 8)
    defer { event.deallocate() }
    event.storeBytes(of: interest, as: UInt32.self)
    (event + Self.dataOffset).storeBytes(of: UInt64(token), as: UInt64.self)
    guard control(file, operation, descriptor, event) == 0 else { throw BenchError.system("epoll_ctl") }
  }
}
