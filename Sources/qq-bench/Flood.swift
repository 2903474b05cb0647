import Glibc

/// Senders that pipeline as much as their windows allow, and listeners that count, on one thread.
///
/// A sender's window closes with what isn't acknowledged and with what hasn't reached the listeners yet, on average:
/// so no server is driven into dropping its listeners for being slow, and none can look fast by acknowledging what it
/// has still to deliver. A window is refilled once a quarter of it is free, since everybody works in batches.
final class Flood {
  private struct Listener {
    var connection: Connection
    var newlines = 0
    var isOpen = true
  }

  private struct Sender {
    var connection: Connection
    var outgoing: Outgoing
    var sent = 0
    /// Newlines or bytes, whichever the protocol counts acknowledgements by.
    var answered = 0
    var wantsRoom = false
  }

  private let peer: any Peer
  private let settings: FloodSettings
  private let poller: Poller
  private let buffer: UnsafeMutableRawBufferPointer
  private var listeners: [Listener] = []
  private var senders: [Sender] = []
  private var newlines = 0
  private var bytes = 0
  private var reads = 0
  private var answers = 0
  private var sent = 0
  private var cutOff = 0

  private let newlinesPerDelivery: Int
  /// Units of `answered` a message; 0 where nothing is acknowledged.
  private let answersPerMessage: Int
  private let countsAnswerLines: Bool
  private let refusal: [UInt8]

  init(_ peer: any Peer, _ settings: FloodSettings) throws {
    self.peer = peer
    self.settings = settings
    poller = try Poller()
    buffer = .allocate(byteCount: 512 * 1024, alignment: 64)
    newlinesPerDelivery = peer.newlinesPerDelivery
    refusal = peer.refusal
    // The hub always answers; of the others only where it was asked for.
    switch settings.acknowledged || peer.kind == .qq ? peer.acknowledgement : .none {
    case .none: (answersPerMessage, countsAnswerLines) = (0, false)
    case .lines(let count): (answersPerMessage, countsAnswerLines) = (count, true)
    case .bytes(let count): (answersPerMessage, countsAnswerLines) = (count, false)
    }
    guard answersPerMessage > 0 || settings.listeners > 0 else {
      throw BenchError("without listeners there is nothing to count: this peer acknowledges nothing")
    }
  }

  deinit {
    buffer.deallocate()
  }

  func run() throws -> FloodResult {
    try connect()
    try settle()

    var result = FloodResult()
    try drive(seconds: settings.warmup)
    let before = (deliveries, acknowledged, bytes, reads, monotonicNanoseconds(), ownProcessorSeconds())
    let serverBefore = settings.server.flatMap { processorSeconds(of: $0) }
    try drive(seconds: settings.seconds)
    let elapsed = Double(monotonicNanoseconds() - before.4) / 1e9
    result.seconds = elapsed
    result.deliveries = deliveries - before.0
    result.acknowledged = acknowledged - before.1
    result.bytes = bytes - before.2
    result.reads = reads - before.3
    result.generatorLoad = (ownProcessorSeconds() - before.5) / elapsed
    if let serverBefore, let after = settings.server.flatMap({ processorSeconds(of: $0) }) {
      result.serverLoad = (after - serverBefore) / elapsed
    }

    try drain()
    for listener in listeners {
      let got = listener.newlines / newlinesPerDelivery
      result.lost += max(0, sent - got)
      result.surplus += max(0, got - sent)
    }
    result.cutOff = cutOff
    return result
  }

  private var deliveries: Int { newlines / newlinesPerDelivery }
  private var acknowledged: Int { answersPerMessage > 0 ? answers / answersPerMessage : 0 }

  // MARK: Steps

  private func connect() throws {
    for index in 0..<settings.listeners {
      listeners.append(Listener(connection: try peer.openListener(index)))
    }
    var random = SystemRandomNumberGenerator()
    let text = benchText(size: settings.size)
    for index in 0..<settings.senders {
      let connection = try peer.openSender(index, acknowledged: settings.acknowledged)
      let frame = try peer.frame(text: text, sender: index, acknowledged: settings.acknowledged)
      senders.append(
        Sender(
          connection: connection,
          outgoing: Outgoing(frame, capacity: settings.window, seed: random.next())))
    }
    for (token, connection) in (listeners.map(\.connection) + senders.map(\.connection)).enumerated() {
      connection.stopBlocking()
      try poller.add(connection.descriptor, token: token)
    }
  }

  /// Reads what servers say after a connection is made, until they are silent, and forgets it.
  private func settle() throws {
    for index in listeners.indices { try readListener(index) }
    for index in senders.indices { try readSender(index) }
    let end = monotonicNanoseconds() + 200_000_000
    while monotonicNanoseconds() < end { try turn(milliseconds: 20) }
    for index in listeners.indices { listeners[index].newlines = 0 }
    for index in senders.indices { senders[index].answered = 0 }
    (newlines, bytes, reads, answers) = (0, 0, 0, 0)
  }

  private func drive(seconds: Double) throws {
    let end = monotonicNanoseconds() + UInt64(seconds * 1e9)
    var (progress, progressed) = (0, monotonicNanoseconds())
    while true {
      try fill()
      try turn(milliseconds: 20)
      let now = monotonicNanoseconds()
      if now >= end { return }
      if progress != newlines + answers {
        (progress, progressed) = (newlines + answers, now)
      } else if now - progressed > 10_000_000_000 {
        throw BenchError(
          "\(peer.kind.rawValue) stands still: \(sent) messages sent, \(acknowledged) acknowledged, "
            + "\(deliveries) deliveries, \(cutOff) listeners cut off")
      }
    }
  }

  /// Waits for what is still under way, up to 5 s without anything coming.
  private func drain() throws {
    var (progress, progressed) = (newlines + answers, monotonicNanoseconds())
    // Listener by listener: a PING of nats-server looks like half a delivery in the sum of all.
    while listeners.contains(where: { $0.isOpen && $0.newlines / newlinesPerDelivery < sent })
      || (answersPerMessage > 0 && acknowledged < sent)
    {
      for index in senders.indices where !senders[index].outgoing.isEmpty { try write(index) }
      try turn(milliseconds: 20)
      let now = monotonicNanoseconds()
      if progress != newlines + answers {
        (progress, progressed) = (newlines + answers, now)
      } else if now - progressed > 5_000_000_000 {
        return
      }
    }
  }

  /// Reads whatever has arrived, and writes where there is room again.
  private func turn(milliseconds: Int32) throws {
    try poller.poll(milliseconds: milliseconds) { event in
      if event.token < listeners.count {
        try readListener(event.token)
      } else {
        let index = event.token - listeners.count
        if event.isWritable { try write(index) }
        if event.isReadable { try readSender(index) }
      }
    }
  }

  // MARK: Sending

  /// Refills the windows.
  private func fill() throws {
    let underWay = listeners.isEmpty ? 0 : sent - deliveries / listeners.count
    let room = settings.window * senders.count - underWay
    let least = max(1, settings.window / 4)
    guard room >= least else { return }
    let share = max(least, room / senders.count)
    for index in senders.indices {
      let unanswered = answersPerMessage > 0 ? senders[index].sent - senders[index].answered / answersPerMessage : 0
      let count = min(settings.window - unanswered, share)
      guard senders[index].outgoing.isEmpty, count >= least else { continue }
      senders[index].outgoing.stamp(count)
      senders[index].sent += count
      sent += count
      try write(index)
    }
  }

  private func write(_ index: Int) throws {
    guard senders[index].outgoing.write(to: senders[index].connection) else {
      throw BenchError("\(peer.kind.rawValue) closed a sender's connection")
    }
    let wantsRoom = !senders[index].outgoing.isEmpty
    guard wantsRoom != senders[index].wantsRoom else { return }
    senders[index].wantsRoom = wantsRoom
    try poller.watch(
      senders[index].connection.descriptor, token: listeners.count + index, writable: wantsRoom)
  }

  // MARK: Counting

  private func readListener(_ index: Int) throws {
    guard listeners[index].isOpen else { return }
    while true {
      switch listeners[index].connection.read(into: buffer) {
      case .bytes(let count, let more):
        let found = countNewlines(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        listeners[index].newlines += found
        newlines += found
        bytes += count
        reads += 1
        if count < 256 { try refuse(count) }
        if !more { return }
      case .nothing:
        return
      case .end:
        listeners[index].isOpen = false
        poller.remove(listeners[index].connection.descriptor)
        cutOff += 1
        return
      }
    }
  }

  private func readSender(_ index: Int) throws {
    while true {
      switch senders[index].connection.read(into: buffer) {
      case .bytes(let count, let more):
        let answers =
          countsAnswerLines ? countNewlines(UnsafeRawBufferPointer(rebasing: buffer[..<count])) : count
        senders[index].answered += answers
        self.answers += answers
        try refuse(count)
        if !more { return }
      case .nothing:
        return
      case .end:
        throw BenchError("\(peer.kind.rawValue) closed a sender's connection")
      }
    }
  }

  /// Ends the run where the server says that it refuses something. Looks at the start of a piece only: whoever refuses
  /// one message refuses the next as well.
  private func refuse(_ count: Int) throws {
    let start = find(refusal, in: UnsafeRawBufferPointer(rebasing: buffer[..<min(count, 512)]))
    guard let start else { return }
    let text = String(decoding: buffer[..<min(count, start + 300)], as: UTF8.self)
    throw BenchError("\(peer.kind.rawValue) refused: \(text.split(separator: "\n").first ?? "")")
  }
}
