import DequeModule
import QQJournal
import QQProtocol

/// Senders that wait to hear who has a message.
struct Receipts: Sendable {
  struct Waiting: Sendable {
    var seq: Seq
    var id: MessageID
    var session: SessionID
    /// In the order of their numbers.
    var remaining: [UserID]
    /// Of those who have another nick since, the one that the sender was told.
    var formerNicks: [UserID: String] = [:]
  }

  /// In the order of seq.
  private var waiting: Deque<Waiting> = []
  /// Messages that may wait for receipts; the oldest waits no longer beyond that.
  private static let limit = 100_000

  var count: Int { waiting.count }

  mutating func wait(_ entry: Waiting) {
    guard !entry.remaining.isEmpty else { return }
    let place = index(after: entry.seq)
    waiting.insert(entry, at: place)
    if waiting.count > Self.limit { waiting.removeFirst() }
  }

  /// A user has processed the records after `from` up to `through`: whom to tell.
  mutating func delivered(_ user: UserID, from: Seq, through: Seq) -> [Waiting] {
    guard !waiting.isEmpty else { return [] }
    var told: [Waiting] = []
    var finished = false
    for place in index(after: from)..<max(index(after: from), index(after: through)) {
      guard waiting[place].remaining.binarySearch(user) else { continue }
      told.append(waiting[place])
      waiting[place].remaining.removeAll { $0 == user }
      finished = finished || waiting[place].remaining.isEmpty
    }
    if finished { waiting.removeAll { $0.remaining.isEmpty } }
    return told
  }

  /// Senders wait for the nicks that they were told.
  mutating func renamed(_ user: UserID, from nick: String) {
    for place in waiting.indices where waiting[place].remaining.binarySearch(user) {
      if waiting[place].formerNicks[user] == nil { waiting[place].formerNicks[user] = nick }
    }
  }

  mutating func closed(_ session: SessionID) {
    if waiting.contains(where: { $0.session == session }) { waiting.removeAll { $0.session == session } }
  }

  private func index(after seq: Seq) -> Int {
    var low = 0
    var high = waiting.count
    while low < high {
      let middle = (low + high) / 2
      if waiting[middle].seq <= seq { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
