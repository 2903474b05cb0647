import CLinux
import Glibc

/// What systemd, where it has started this, is told and has given: sd_notify(3) and sd_listen_fds(3).
struct ServiceManager: Sendable {
  private let socket: String?
  /// How often it wants to hear that all is well, in milliseconds.
  let watchdog: Int64?
  /// Listening sockets that were handed over.
  let listeners: [Int32]

  init(_ environment: Environment, process: pid_t = getpid()) {
    socket = environment["NOTIFY_SOCKET"]
    let isForUs = environment["WATCHDOG_PID"].map { $0 == String(process) } ?? true
    let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
    watchdog = isForUs && microseconds >= 2_000 ? microseconds / 1_000 : nil
    let count = environment["LISTEN_PID"] == String(process) ? environment["LISTEN_FDS"].flatMap { Int32($0) } ?? 0 : 0
    // They begin at SD_LISTEN_FDS_START.
    listeners = 1...1_000 ~= count ? (3..<(3 + count)).map { $0 } : []
  }

  func ready(_ status: String) { tell("READY=1\nSTATUS=\(status)") }
  func isWell() { tell("WATCHDOG=1") }
  func stopping() { tell("STOPPING=1") }

  /// Followed by `ready`.
  func reloading() {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    tell("RELOADING=1\nMONOTONIC_USEC=\(Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)")
  }

  /// Who isn't listening misses nothing.
  private func tell(_ state: String) {
    if let socket { _ = qq_notify(socket, state) }
  }
}
