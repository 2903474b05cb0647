import DequeModule
import QQProtocol

/// A message that waits to be sent or answered.
public struct OutgoingMessage: Equatable, Sendable {
  public var id: MessageID
  public var to: [String]
  public var text: String
  public var replyTo: MessageID?
  /// Where it came from, in lines of input counted from 1.
  public var line: Int?
  /// What is offered; the text is empty then.
  public var file: FileInfo?

  /// A target given twice counts once.
  public init(
    id: MessageID, to: [String], text: String, replyTo: MessageID? = nil, line: Int? = nil, file: FileInfo? = nil
  ) {
    self.id = id
    self.line = line
    self.file = file
    var seen: Set<String> = []
    self.to = to.filter { seen.insert($0).inserted }
    self.text = text
    self.replyTo = replyTo
  }

  /// What it costs to keep.
  public var bytes: Int { text.utf8.count + to.reduce(64) { $0 + $1.utf8.count } }
}

/// What became of a message, for the user.
public enum OutboxResult: Equatable, Sendable {
  case sent(HubFrame.Sent)
  case failed(HubFrame.Failure)
  case receipt(HubFrame.Receipt)
}

/// Messages on their way to the hub, oldest first. Until one is answered it is kept, and after a lost connection sent
/// again under the same id, in the same order: the hub tells repeats by the id. Pure: no clock and no connection.
///
///     submitted ──written──▶ waiting ──sent/error for each target──▶ [awaiting receipts] ──▶ gone
///         ▲                     │
///         └────────lost─────────┘
public struct Outbox: Sendable {
  private struct Entry: Sendable {
    var ref: Int64
    var message: OutgoingMessage
    var isWritten = false
    /// Targets answered on this connection, and ever: the user hears of each once.
    var answered: Set<String> = []
    var reported: Set<String> = []
    var awaiting: Set<String> = []
    /// Of all names that ever were in it.
    var awaitedBytes = 0
    var isStored = false

    /// On this connection: only then it is known who is awaited.
    var isAnswered: Bool { answered.count >= message.to.count }
  }

  private var entries: Deque<Entry> = []
  private var nextRef: Int64 = 1
  private var firstUnwritten = 0
  private var bytes = 0
  /// Of the names that are awaited.
  private var awaitedBytes = 0
  private let wantsReceipts: Bool
  private let lastSeen: Bool
  private let maximumCount: Int
  private let maximumBytes: Int

  public init(
    wantsReceipts: Bool = false, lastSeen: Bool = false, maximumCount: Int = 1_000, maximumBytes: Int = 8 << 20
  ) {
    self.wantsReceipts = wantsReceipts
    self.lastSeen = lastSeen
    self.maximumCount = maximumCount
    self.maximumBytes = maximumBytes
  }

  /// Messages of which more may be heard.
  public var ids: Set<MessageID> { Set(entries.map(\.message.id)) }

  /// Nothing more should be submitted for now.
  public var isFull: Bool { entries.count >= maximumCount || bytes >= maximumBytes }
  public var isEmpty: Bool { entries.isEmpty }
  public var count: Int { entries.count }

  /// More names are awaited than a hub has users: whoever names them is none.
  public var isFlooded: Bool { awaitedBytes > Self.mostAwaited }

  /// Bytes: a million users with long names.
  private static let mostAwaited = 64 << 20

  /// What to retry with, oldest first.
  public var unanswered: [OutgoingMessage] { entries.map(\.message) }

  /// Who hasn't confirmed yet.
  public var missing: Set<String> { entries.reduce(into: []) { $0.formUnion($1.awaiting) } }

  /// All that is left has been stored and waits only for its readers.
  public var isStored: Bool { entries.allSatisfy(\.isStored) }

  /// Not every target has been answered on this connection.
  public func isUnanswered(_ id: MessageID) -> Bool {
    entries.contains { $0.message.id == id && !$0.isAnswered }
  }

  /// What hasn't been stored for all its targets, as far as is known.
  public var unstored: [OutgoingMessage] { entries.filter { !$0.isStored }.map(\.message) }

  /// Of messages that are stored and wait for their readers only the newest so many are kept, and of the bytes that may
  /// wait no more than half: a reader may stay away for ever. Gives those that are let go.
  public mutating func letGo(keeping limit: Int) -> [MessageID] {
    var (count, bytes) = entries.reduce(into: (0, 0)) { sum, entry in
      if entry.isStored { sum = (sum.0 + 1, sum.1 + entry.message.bytes) }
    }
    var gone: [MessageID] = []
    var index = 0
    while count > limit || bytes > maximumBytes / 2 {
      if entries[index].isStored {
        gone.append(entries[index].message.id)
        count -= 1
        bytes -= entries[index].message.bytes
        remove(index)
      } else {
        index += 1
      }
    }
    return gone
  }

  public mutating func submit(_ message: OutgoingMessage) {
    entries.append(Entry(ref: nextRef, message: message))
    nextRef += 1
    bytes += message.bytes
  }

  /// What hasn't been written on this connection yet; counts as written from now on.
  public mutating func takeUnwritten() -> [ClientFrame.Send] {
    var frames: [ClientFrame.Send] = []
    while firstUnwritten < entries.count {
      entries[firstUnwritten].isWritten = true
      let entry = entries[firstUnwritten]
      frames.append(
        ClientFrame.Send(
          ref: entry.ref, id: entry.message.id, to: entry.message.to, text: entry.message.text,
          replyTo: entry.message.replyTo, wantsReceipts: wantsReceipts, lastSeen: lastSeen, file: entry.message.file))
      firstUnwritten += 1
    }
    return frames
  }

  /// The connection is gone: everything left is to be sent again on the next.
  public mutating func lost() {
    for index in entries.indices {
      entries[index].isWritten = false
      entries[index].answered = []
      entries[index].awaiting = []
      entries[index].awaitedBytes = 0
    }
    awaitedBytes = 0
    firstUnwritten = 0
  }

  /// Takes an answer in; gives what the user hasn't heard yet.
  public mutating func received(_ frame: HubFrame) -> [OutboxResult] {
    switch frame {
    case .sent(let sent):
      guard !sent.more else { return awaited(sent) }
      return answered(sent.ref, target: sent.to, .sent(sent), awaiting: sent.awaiting ?? [])
    case .error(let failure): return answered(failure.ref, target: failure.to, .failed(failure), awaiting: [])
    case .receipt(let receipt): return confirmed(receipt)
    case .welcome, .ok, .message, .presence, .gap, .user, .invite, .status, .backup, .pong, .file, .complete, .chunk,
      .end, .progress:
      return []
    }
  }

  /// A part of an answer: the last part gives it.
  private mutating func awaited(_ sent: HubFrame.Sent) -> [OutboxResult] {
    if let ref = sent.ref, let index = index(ref) { wait(for: sent.awaiting ?? [], index) }
    return []
  }

  private mutating func wait(for nicks: [String], _ index: Int) {
    for nick in nicks where entries[index].awaiting.insert(nick).inserted {
      let size = 48 + nick.utf8.count
      entries[index].awaitedBytes += size
      awaitedBytes += size
    }
  }

  private mutating func answered(
    _ ref: Int64?, target: String?, _ result: OutboxResult, awaiting: [String]
  ) -> [OutboxResult] {
    // Refs ascend along the queue.
    guard let ref, let index = index(ref) else { return [] }
    if let target {
      guard entries[index].message.to.contains(target) else { return [] }
      entries[index].answered.insert(target)
      wait(for: awaiting, index)
    } else {
      // About the message as a whole.
      entries[index].answered.formUnion(entries[index].message.to)
    }
    let isNews = entries[index].reported.insert(target ?? "").inserted
    if entries[index].isAnswered { entries[index].isStored = true }
    finish(index)
    return isNews ? [result] : []
  }

  private mutating func confirmed(_ receipt: HubFrame.Receipt) -> [OutboxResult] {
    // An id may have been submitted twice; it is one message.
    var isNews = false
    for index in entries.indices.reversed() where entries[index].message.id == receipt.id {
      if entries[index].awaiting.remove(receipt.nick) != nil { isNews = true }
      finish(index)
    }
    return isNews ? [.receipt(receipt)] : []
  }

  private mutating func finish(_ index: Int) {
    guard entries[index].isAnswered, entries[index].awaiting.isEmpty else { return }
    remove(index)
  }

  private mutating func remove(_ index: Int) {
    bytes -= entries[index].message.bytes
    awaitedBytes -= entries[index].awaitedBytes
    entries.remove(at: index)
    if index < firstUnwritten { firstUnwritten -= 1 }
  }

  private func index(_ ref: Int64) -> Int? {
    if entries.first?.ref == ref { return 0 }
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].ref < ref { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].ref == ref ? low : nil
  }
}
