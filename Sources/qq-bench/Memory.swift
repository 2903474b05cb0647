import Glibc

struct MemoryResult {
  /// KiB resident before and after the listeners came.
  var before: Int
  var after: Int
  var listeners: Int

  var kibPerListener: Double { Double(after - before) / Double(listeners) }

  var fields: [(String, JSONLine.Value)] {
    [
      ("listeners", .int(listeners)), ("resident_before_kib", .int(before)), ("resident_after_kib", .int(after)),
      ("kib_per_listener", .number(kibPerListener)),
    ]
  }
}

/// What a server's resident memory grows by for each listener that sits idle. Fifty listeners and a few
/// messages come first, so that threads and caches which are there once aren't counted. The listeners stay and the
/// messages are few, or memory that they left free in the server's heap would hide what the listeners take.
func measureMemory(of server: pid_t, _ peer: any Peer, listeners count: Int) throws -> MemoryResult {
  let warmup = 50
  _ = try Flood(peer, FloodSettings(listeners: 2, window: 1, warmup: 0, seconds: 0.05)).run()
  var kept: [Connection] = []
  for index in 0..<warmup { kept.append(try peer.openListener(index)) }
  let before = try settledMemory(of: server)
  for index in 0..<count { kept.append(try peer.openListener(warmup + index)) }
  let after = try settledMemory(of: server)
  for connection in kept { connection.close() }
  return MemoryResult(before: before, after: after, listeners: count)
}

/// Resident KiB, once three readings half a second apart agree within 64 KiB, or after five seconds.
private func settledMemory(of server: pid_t) throws -> Int {
  var readings: [Int] = []
  for _ in 0..<10 {
    usleep(500_000)
    readings.append(try residentMemory(of: server))
    let last = readings.suffix(3)
    if last.count == 3, last.max()! - last.min()! <= 64 { break }
  }
  return readings[readings.count - 1]
}

/// VmRSS in KiB.
func residentMemory(of process: pid_t) throws -> Int {
  guard let status = readFile("/proc/\(process)/status"),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
    let size = Int(line.filter { $0.isNumber })
  else { throw BenchError("process \(process) has no resident memory: is it gone?") }
  return size
}
