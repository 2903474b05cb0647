import DequeModule
import QQProtocol

/// The newest messages in memory, found by seq, by sender and id, and by conversation. The indexes hold a message's
/// ordinal, its number among all that were ever kept, and are trimmed with it.
struct MessageRing: Sendable {
  struct Slot: Sendable {
    var seq: Seq
    var record: Record
    var digest: UInt64
    var failures: [TargetFailure]
    var conversations: [Conversation]
    /// Of its sender and id.
    var hash: Int
    /// What it takes, estimated.
    var size: Int
  }

  /// The first seq that is kept: those below were dropped.
  private(set) var floor: Seq = 1

  private var slots: Deque<Slot> = []
  private var firstOrdinal = 0
  private var bytes = 0
  private var ids = OrdinalTable()
  /// By `Conversation.key`, ascending.
  private var ordinals: [Int64: Deque<Int>] = [:]
  /// The time of the newest message that was dropped.
  private var droppedTime: Timestamp?

  // MARK: Keeping and dropping

  /// `index.seq` is above all before; `hash` is of its sender and id.
  mutating func append(_ record: Record, _ index: MessageIndex, hash: Int) {
    let ordinal = firstOrdinal + slots.count
    let size = Self.size(of: record, index)
    bytes += size
    slots.append(
      Slot(
        seq: index.seq, record: record, digest: index.digest, failures: index.failures,
        conversations: index.conversations, hash: hash, size: size))
    ids.insert(hash, ordinal)
    for conversation in index.conversations { Self.add(ordinal, to: &ordinals[conversation.key, default: []]) }
  }

  /// Once, however often the conversation was named.
  private static func add(_ ordinal: Int, to lane: inout Deque<Int>) {
    if lane.last != ordinal { lane.append(ordinal) }
  }

  /// Drops the oldest until what is left fits. Gives what was dropped.
  mutating func shrink(to capacity: Int) -> [Slot] {
    var count = 0
    var left = bytes
    while left > capacity, count < slots.count {
      left -= slots[count].size
      count += 1
    }
    return drop(count)
  }

  /// Drops the messages older than `time`. Gives them.
  mutating func remove(before time: Timestamp) -> [Slot] {
    drop(partition { $0.record.time < time })
  }

  private mutating func drop(_ count: Int) -> [Slot] {
    guard count > 0 else { return [] }
    // Moved one by one, which counts no references.
    var dropped: [Slot] = []
    dropped.reserveCapacity(count)
    for _ in 0..<count { dropped.append(slots.removeFirst()) }
    ids.remove(dropped.map(\.hash), from: firstOrdinal)
    for slot in dropped {
      for conversation in slot.conversations { trim(conversation.key, at: firstOrdinal) }
      firstOrdinal += 1
      bytes -= slot.size
    }
    floor = dropped[count - 1].seq + 1
    droppedTime = dropped[count - 1].record.time
    return dropped
  }

  private mutating func trim(_ key: Int64, at ordinal: Int) {
    // One lookup: the deque is changed in its place.
    let isEmpty = { (lane: inout Deque<Int>?) -> Bool in
      if lane?.first == ordinal { lane?.removeFirst() }
      return lane?.isEmpty ?? false
    }(&ordinals[key])
    if isEmpty { ordinals[key] = nil }
  }

  /// What a message's object takes: its fields, and the heap's header and rounding.
  private static let bodySize = 176

  /// What a message takes with its places in the indexes: the heap's header and rounding are 32 bytes a piece.
  private static func size(of record: Record, _ index: MessageIndex) -> Int {
    // Arrays and the table double when they grow: half of their space may be unused.
    var size = 2 * MemoryLayout<Slot>.stride + 32
    size += 32 + index.conversations.count * (MemoryLayout<Conversation>.stride + 2 * MemoryLayout<Int>.stride)
    for failure in index.failures {
      size += MemoryLayout<TargetFailure>.stride + 96
      size += failure.target.utf8.count + failure.code.utf8.count + failure.message.utf8.count
    }
    guard case .message(let message) = record.body else { return size }
    size += bodySize + 32 + message.text.utf8.count
    size += 32 + message.targets.count * MemoryLayout<RecordTarget>.stride
    for target in message.targets {
      switch target {
      case .nick(let text), .group(let text): size += text.utf8.count
      case .address(let text, let users): size += 32 + text.utf8.count + users.count * MemoryLayout<UserID>.stride
      }
    }
    return size
  }

  // MARK: Finding

  /// Of a message's sender and id, 0 for other records. Seeded anew in every process, so that nobody can choose ids
  /// that collide.
  static func hash(_ record: Record) -> Int {
    guard case .message(let message) = record.body else { return 0 }
    var hasher = Hasher()
    hasher.combine(message.id.high)
    hasher.combine(message.id.low)
    hasher.combine(message.sender.rawValue)
    return hasher.finalize()
  }

  /// What is known of a message's sender and id, for each of the records; 0 stands for the hash of those that are none.
  func earlier(_ records: [Record], hashes: [Int]) -> [Earlier?] {
    let occupied = ids.occupied(hashes)
    return records.indices.map { index in
      guard occupied[index], case .message(let message) = records[index].body else { return nil }
      return earlier(message, hash: hashes[index])
    }
  }

  private func earlier(_ message: MessageBody, hash: Int) -> Earlier? {
    var earlier: Earlier?
    _ = ids.find(hash) { ordinal in
      let slot = slots[Int(ordinal &- UInt32(truncatingIfNeeded: firstOrdinal))]
      guard case .message(let other) = slot.record.body, other.sender == message.sender, other.id == message.id else {
        return false
      }
      earlier = Earlier(seq: slot.seq, digest: slot.digest, failures: slot.failures, targets: other.targets)
      return true
    }
    return earlier
  }

  /// A seq that parts the messages older than `time` from the rest, nil where all that are kept are older. 0 where
  /// messages of that time were dropped.
  func first(notBefore time: Timestamp) -> Seq? {
    if let droppedTime, droppedTime >= time { return 0 }
    let index = partition { $0.record.time < time }
    return index < slots.count ? slots[index].seq - 1 : nil
  }

  func page(_ query: PageQuery) -> (records: [Committed], more: Bool) {
    var lanes: [Lane] = []
    for span in query.spans {
      guard span.after < span.through, let all = ordinals[span.conversation.key] else { continue }
      let first = firstOrdinal + partition { $0.seq <= span.after }
      let end = firstOrdinal + partition { $0.seq <= span.through }
      let range = all.partitioningIndex(first)..<all.partitioningIndex(end)
      if !range.isEmpty { lanes.append(Lane(ordinals: all, rest: range)) }
    }
    let limit = min(max(query.limit, 0), PageQuery.maximumLimit)
    var found: [Int] = []
    while let next = query.newest ? lanes.lazy.map(\.last).max() : lanes.lazy.map(\.first).min() {
      if found.count == limit { return (records(found, reversed: query.newest), true) }
      found.append(next)
      // A message that is in several spans is passed in each.
      for index in lanes.indices.reversed() {
        if query.newest { lanes[index].passLast(next) } else { lanes[index].passFirst(next) }
        if lanes[index].rest.isEmpty { lanes.remove(at: index) }
      }
    }
    return (records(found, reversed: query.newest), false)
  }

  private func records(_ found: [Int], reversed: Bool) -> [Committed] {
    let records = found.map { ordinal in
      let slot = slots[ordinal - firstOrdinal]
      return Committed(seq: slot.seq, record: slot.record)
    }
    return reversed ? records.reversed() : records
  }

  /// How many slots from the first on `belongs` holds for; it holds for none after one it doesn't hold for.
  private func partition(_ belongs: (Slot) -> Bool) -> Int {
    var low = 0
    var high = slots.count
    while low < high {
      let middle = (low + high) / 2
      if belongs(slots[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// The part of a conversation that a page hasn't come to; never empty.
private struct Lane {
  var ordinals: Deque<Int>
  var rest: Range<Int>

  var first: Int { ordinals[rest.lowerBound] }
  var last: Int { ordinals[rest.upperBound - 1] }

  mutating func passFirst(_ ordinal: Int) {
    if first == ordinal { rest = (rest.lowerBound + 1)..<rest.upperBound }
  }

  mutating func passLast(_ ordinal: Int) {
    if last == ordinal { rest = rest.lowerBound..<(rest.upperBound - 1) }
  }
}

extension Deque<Int> {
  /// The index of the first element that is `value` or above.
  fileprivate func partitioningIndex(_ value: Int) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
