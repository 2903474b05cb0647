import DequeModule
import QQJournal
import QQProtocol

/// Whom the lines of a segment are for, as it was when they were committed.
enum Audience: Equatable, Sendable {
  /// Everybody who is a user. `except`: the session that sent it, where that one listens.
  case everyone(except: SessionID?)
  /// These users, in the order of their numbers.
  case users([UserID], except: SessionID?)

  var isEveryone: Bool {
    if case .everyone = self { true } else { false }
  }

  func includes(_ user: UserID, _ session: SessionID) -> Bool {
    switch self {
    case .everyone(let except): session != except
    case .users(let users, let except): session != except && users.binarySearch(user)
    }
  }
}

extension [UserID] {
  func binarySearch(_ user: UserID) -> Bool {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < user { low = middle + 1 } else { high = middle }
    }
    return low < count && self[low] == user
  }
}

/// Consecutive records of one audience, whose lines are one buffer that every reader is written.
struct Segment: Sendable {
  var number: UInt64
  var audience: Audience
  var seqs: [Seq]
  /// Where each record's line ends.
  var ends: [Int]

  var first: Seq { seqs.first ?? 0 }
  var last: Seq { seqs.last ?? 0 }
  var bytes: Int { ends.last ?? 0 }

  /// The bytes of the lines after `seq`.
  func range(after seq: Seq) -> Range<Int> {
    guard seq >= first else { return 0..<bytes }
    guard let index = seqs.firstIndex(where: { $0 > seq }) else { return bytes..<bytes }
    return (index == 0 ? 0 : ends[index - 1])..<bytes
  }
}

/// The newest segments, for readers that are a little behind. Everything after `coveredAfter` is in here.
struct Tail: Sendable {
  private(set) var segments: Deque<Segment> = []
  private(set) var coveredAfter: Seq
  private(set) var bytes = 0
  private var nextNumber: UInt64 = 1
  private let capacity: Int

  init(coveredAfter: Seq, capacity: Int) {
    self.coveredAfter = coveredAfter
    self.capacity = capacity
  }

  /// Keeps a segment; gives its number and the newest one that was dropped for it.
  mutating func append(_ audience: Audience, seqs: [Seq], ends: [Int]) -> (segment: Segment, dropped: UInt64?) {
    let segment = Segment(number: nextNumber, audience: audience, seqs: seqs, ends: ends)
    nextNumber += 1
    segments.append(segment)
    bytes += segment.bytes
    var dropped: UInt64?
    while bytes > capacity, segments.count > 1, let first = segments.popFirst() {
      bytes -= first.bytes
      coveredAfter = first.last
      dropped = first.number
    }
    return (segment, dropped)
  }

  /// The index of the first segment with a record after `seq`.
  func index(after seq: Seq) -> Int {
    var low = 0
    var high = segments.count
    while low < high {
      let middle = (low + high) / 2
      if segments[middle].last <= seq { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
