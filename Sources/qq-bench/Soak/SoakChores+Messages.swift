import Glibc

extension SoakChore {
  /// Messages of several sizes at a steady rate to everybody, and listeners that stay and note how old each is.
  static func messages(rate: Int) -> SoakChore {
    SoakChore(name: "sent", pause: 0) { world in
      let traffic = try SoakTraffic(world, rate: rate)
      return { _ in try traffic.once() }
    }
  }
}

private final class SoakTraffic {
  private let world: SoakWorld
  private let period: UInt64
  private let users: [SelfSignedCertificate]
  /// The sender is the first.
  private var links: [SoakLink] = []
  private var lines = SoakLines()
  private var due = monotonicNanoseconds()
  private var number = 0

  private static let sizes = [64, 64, 64, 64, 1_024, 64, 64, 16_384, 64, 60_000]

  init(_ world: SoakWorld, rate: Int) throws {
    self.world = world
    period = 1_000_000_000 / UInt64(rate)
    users = try (0..<5).map { try SelfSignedCertificate.make(name: "steady\($0)") }
  }

  private func connect() throws {
    for index in links.count..<users.count {
      let link = try SoakLink(world.endpoint, nick: "steady\(index)", as: users[index])
      if index > 0 { try link.ask(#"{"type":"listen","ref":1,"after":"now"}"#) }
      links.append(link)
    }
  }

  /// Sends one, and reads until the next is due.
  func once() throws {
    do {
      try connect()
      let size = Self.sizes[number % Self.sizes.count]
      number += 1
      let text = TimeStamp.encode(monotonicNanoseconds()) + benchText(size: size - TimeStamp.length)
      try links[0].send(lines.send(to: "@all", String(decoding: text, as: UTF8.self)))
      due = max(due + period, monotonicNanoseconds())
      repeat {
        wait()
        for index in links.indices { try read(index) }
      } while monotonicNanoseconds() < due
    } catch {
      for link in links { link.close() }
      links = []
      throw error
    }
  }

  private func wait() {
    var polled = links.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    let now = monotonicNanoseconds()
    poll(&polled, nfds_t(polled.count), due > now ? Int32((due - now) / 1_000_000) : 0)
  }

  private func read(_ index: Int) throws {
    let link = links[index]
    link.take(milliseconds: 0)
    while let line = link.line() {
      if line.hasPrefix(#"{"type":"error""#) { throw BenchError(line) }
      guard line.hasPrefix(#"{"type":"message""#) else { continue }
      let bytes = Array(line.utf8)
      guard let at = bytes.firstIndex(of: TimeStamp.marker), bytes.count - at >= TimeStamp.length else { continue }
      let sent = bytes.withUnsafeBufferPointer { TimeStamp.decode($0.baseAddress! + at + 1) }
      let now = monotonicNanoseconds()
      if sent <= now { world.board.delivered(after: now - sent) }
    }
    if link.isOver { throw BenchError("the hub closed a connection that stays") }
  }
}
