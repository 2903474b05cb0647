import Glibc

/// A timer that ticks at a steady rate and can be watched by a `Poller`: epoll itself counts in milliseconds.
final class Timer {
  private typealias Create = @convention(c) (Int32, Int32) -> Int32
  private typealias Set =
    @convention(c) (
      Int32, Int32, UnsafePointer<itimerspec>, UnsafeMutablePointer<itimerspec>?
    ) -> Int32

  let descriptor: Int32

  /// `rate` in ticks a second, the first one a tick from now.
  init(rate: Int) throws {
    let create: Create = try cFunction("timerfd_create")
    let set: Set = try cFunction("timerfd_settime")
    descriptor = create(Int32(CLOCK_MONOTONIC), O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw BenchError.system("timerfd_create") }
    let period = 1_000_000_000 / rate
    let interval = timespec(tv_sec: period / 1_000_000_000, tv_nsec: period % 1_000_000_000)
    var setting = itimerspec(it_interval: interval, it_value: interval)
    guard set(descriptor, 0, &setting, nil) == 0 else { throw BenchError.system("timerfd_settime") }
  }

  deinit {
    close(descriptor)
  }

  /// Ticks since the last call.
  func ticks() -> Int {
    var count: UInt64 = 0
    return read(descriptor, &count, 8) == 8 ? Int(count) : 0
  }
}
