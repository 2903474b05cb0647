import QQHub
import Synchronization

/// Bytes that wait for peers which don't take them, on all loops together.
final class WaitingBytes: Sendable {
  let limit: Int
  private let count = Atomic<Int>(0)

  init(limit: Int) {
    self.limit = limit
  }

  var total: Int { count.load(ordering: .relaxed) }
  func add(_ bytes: Int) { count.wrappingAdd(bytes, ordering: .relaxed) }
}

/// The connections of one loop whose channels are full. Pure, but for the sum of all loops.
struct Backlogs: Sendable {
  private struct Backlog: Sendable {
    var bytes: Int
    /// Nanoseconds of a clock that doesn't jump.
    var since: UInt64
  }

  private var backlogs: [SessionID: Backlog] = [:]
  private let all: WaitingBytes
  private var lastLook: UInt64 = 0

  /// How long a peer may take nothing while memory is short, and how often that is looked at; in nanoseconds.
  private static let patience: UInt64 = 5_000_000_000
  private static let interval: UInt64 = 200_000_000

  init(_ all: WaitingBytes) {
    self.all = all
  }

  var isEmpty: Bool { backlogs.isEmpty }

  /// So many bytes wait for a peer whose channel is full.
  mutating func set(_ id: SessionID, _ bytes: Int, now: UInt64) {
    let before = backlogs[id]?.bytes ?? 0
    all.add(bytes - before)
    // Less than before: it takes something.
    let isTaking = bytes < before
    backlogs[id] = Backlog(bytes: bytes, since: isTaking ? now : backlogs[id]?.since ?? now)
  }

  /// Its channel takes more, or is gone.
  mutating func remove(_ id: SessionID) {
    guard let backlog = backlogs.removeValue(forKey: id) else { return }
    all.add(-backlog.bytes)
  }

  /// Who has to go, the ones with the most first, where all together have more than they may: of those who have taken
  /// nothing for a while.
  mutating func victims(now: UInt64) -> [SessionID] {
    var excess = all.total - all.limit
    guard excess > 0, now - min(now, lastLook) >= Self.interval else { return [] }
    lastLook = now
    var victims: [SessionID] = []
    let silent = backlogs.filter { now - min(now, $0.value.since) >= Self.patience }
    for (id, backlog) in silent.sorted(by: { ($0.value.bytes, $0.key) > ($1.value.bytes, $1.key) }) where excess > 0 {
      victims.append(id)
      excess -= backlog.bytes
    }
    return victims
  }
}
