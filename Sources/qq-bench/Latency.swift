import Glibc

struct LatencySettings {
  var listeners = 100
  /// Bytes of a text.
  var size = 64
  /// Messages a second.
  var rate = 1000
  var warmup = 1.0
  var seconds = 5.0
  var server: pid_t?
}

struct LatencyResult {
  /// From the system call that sends to the moment the delivery is read, sorted, in nanoseconds.
  var samples: [UInt64]
  var expected: Int
  var generatorLoad: Double
  var serverLoad: Double?

  /// In milliseconds.
  func milliseconds(_ quantile: Double) -> Double { Double(percentile(quantile, ofSorted: samples)) / 1e6 }

  var fields: [(String, JSONLine.Value)] {
    var fields: [(String, JSONLine.Value)] = [
      ("p50_ms", .number(milliseconds(0.5))), ("p90_ms", .number(milliseconds(0.9))),
      ("p99_ms", .number(milliseconds(0.99))), ("max_ms", .number(milliseconds(1))),
      ("deliveries", .int(samples.count)), ("lost", .int(max(0, expected - samples.count))),
      ("generator_load", .number(generatorLoad)),
    ]
    if let serverLoad { fields.append(("server_load", .number(serverLoad))) }
    return fields
  }
}

/// One sender at a steady rate, listeners that note how old every delivery is. Each message is written by itself, at
/// its own time, and carries that time.
final class Latency {
  private struct Listener {
    var connection: Connection
    /// The start of a stamp whose end is still to come.
    var rest: [UInt8] = []
  }

  private let peer: any Peer
  private let settings: LatencySettings
  private let poller: Poller
  private let buffer: UnsafeMutableRawBufferPointer
  private var listeners: [Listener] = []
  /// Stamps sent within the window that counts; what is older or younger is read and forgotten.
  private var window: Range<UInt64> = 0..<0
  private var samples: [UInt64] = []
  private var expected = 0

  init(_ peer: any Peer, _ settings: LatencySettings) throws {
    guard settings.size > TimeStamp.length, settings.rate > 0 else {
      throw BenchError("latency needs texts of more than \(TimeStamp.length) bytes and a rate above 0")
    }
    self.peer = peer
    self.settings = settings
    poller = try Poller()
    buffer = .allocate(byteCount: 64 * 1024, alignment: 64)
    samples.reserveCapacity(Int(Double(settings.rate * settings.listeners) * settings.seconds * 1.1))
  }

  deinit {
    buffer.deallocate()
  }

  func run() throws -> LatencyResult {
    for index in 0..<settings.listeners {
      listeners.append(Listener(connection: try peer.openListener(index)))
      listeners[index].connection.stopBlocking()
      try poller.add(listeners[index].connection.descriptor, token: index)
    }
    let sender = try peer.openSender(0, acknowledged: false)
    sender.stopBlocking()
    try poller.add(sender.descriptor, token: settings.listeners)
    for index in listeners.indices { try readListener(index) }

    let frame = try peer.frame(
      text: TimeStamp.encode(0) + benchText(size: settings.size - TimeStamp.length), sender: 0, acknowledged: false)
    guard let stampAt = frame.bytes.firstIndex(of: TimeStamp.marker) else { throw BenchError("no stamp in a frame") }
    var outgoing = Outgoing(frame, capacity: 1, seed: UInt64.random(in: 0...UInt64.max))

    let timer = try Timer(rate: settings.rate)
    try poller.add(timer.descriptor, token: settings.listeners + 1)
    let start = monotonicNanoseconds()
    let from = start + UInt64(settings.warmup * 1e9)
    window = from..<from + UInt64(settings.seconds * 1e9)
    var load = 0.0
    var serverLoad: Double?
    var measures = false

    var now = start
    while now < window.upperBound {
      if !measures && now >= from {
        measures = true
        load = ownProcessorSeconds()
        serverLoad = settings.server.flatMap { processorSeconds(of: $0) }
      }
      try poller.poll(milliseconds: 100) { event in
        if event.token < listeners.count {
          try readListener(event.token)
        } else if event.token == listeners.count {
          try readSender(sender)
        } else {
          for _ in 0..<timer.ticks() {
            guard outgoing.isEmpty else { throw BenchError("\(peer.kind.rawValue) doesn't take messages at this rate") }
            outgoing.stamp(1)
            let time = monotonicNanoseconds()
            outgoing.overwrite(at: stampAt, with: TimeStamp.encode(time))
            guard outgoing.write(to: sender) else { throw BenchError("\(peer.kind.rawValue) closed the connection") }
            if window.contains(time) { expected += listeners.count }
          }
        }
      }
      now = monotonicNanoseconds()
    }
    load = (ownProcessorSeconds() - load) / settings.seconds
    if let before = serverLoad, let after = settings.server.flatMap({ processorSeconds(of: $0) }) {
      serverLoad = (after - before) / settings.seconds
    }

    // What is still under way, for a second at most.
    let end = now + 1_000_000_000
    while samples.count < expected && monotonicNanoseconds() < end {
      try poller.poll(milliseconds: 20) { event in
        if event.token < listeners.count { try readListener(event.token) }
        if event.token == listeners.count { try readSender(sender) }
        if event.token > listeners.count { _ = timer.ticks() }
      }
    }
    samples.sort()
    return LatencyResult(samples: samples, expected: expected, generatorLoad: load, serverLoad: serverLoad)
  }

  private func readListener(_ index: Int) throws {
    while true {
      let kept = listeners[index].rest.count
      if kept > 0 {
        buffer.copyBytes(from: listeners[index].rest)
        listeners[index].rest.removeAll(keepingCapacity: true)
      }
      switch listeners[index].connection.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[kept...])) {
      case .bytes(let count, let more):
        note(UnsafeRawBufferPointer(rebasing: buffer[..<(kept + count)]), of: index)
        if !more { return }
      case .nothing:
        if kept > 0 { listeners[index].rest = Array(buffer[..<kept]) }
        return
      case .end:
        throw BenchError("\(peer.kind.rawValue) closed a listener's connection")
      }
    }
  }

  /// Notes the age of every stamp in the bytes.
  private func note(_ bytes: UnsafeRawBufferPointer, of index: Int) {
    let now = monotonicNanoseconds()
    let base = bytes.baseAddress!
    let end = base + bytes.count
    var at = base
    while let found = memchr(at, Int32(TimeStamp.marker), end - at) {
      let stamp = UnsafeRawPointer(found)
      guard end - stamp >= TimeStamp.length else {
        listeners[index].rest = Array(UnsafeRawBufferPointer(start: stamp, count: end - stamp))
        return
      }
      let sent = TimeStamp.decode((stamp + 1).assumingMemoryBound(to: UInt8.self))
      if window.contains(sent) && sent <= now { samples.append(now - sent) }
      at = stamp + TimeStamp.length
    }
  }

  /// Acknowledgements are read and dropped; a refusal ends the run.
  private func readSender(_ sender: Connection) throws {
    while case .bytes(let count, let more) = sender.read(into: buffer) {
      if find(peer.refusal, in: UnsafeRawBufferPointer(rebasing: buffer[..<count])) != nil {
        throw BenchError("\(peer.kind.rawValue) refused: \(String(decoding: buffer[..<count], as: UTF8.self))")
      }
      if !more { return }
    }
  }
}
