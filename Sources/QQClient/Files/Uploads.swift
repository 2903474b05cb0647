import QQProtocol

/// Where the bytes of a file that is sent come from.
public protocol UploadSource {
  var info: FileInfo { get }
  /// Of the chunks that were read.
  var hasher: TreeHasher { get }

  /// Whether `next` needn't wait for whoever gives the bytes.
  var isReady: Bool { get }

  /// The chunk behind those that were hashed, now hashed too; nil at the end.
  mutating func next() throws(FileError) -> (chunk: Chunk, bytes: [UInt8])?

  /// Goes to where the hub is: `offset` bytes of this file, it says, have this hash. Throws where they haven't.
  mutating func resume(at offset: Int64, _ hash: TreeHash) throws(FileError)

  /// The hub has this much: it need not be given again.
  mutating func release(before offset: Int64)
}

/// What happens while files are sent.
public enum UploadEvent: Equatable, Sendable {
  /// This id stands for the file from now on.
  case started(MessageID, FileInfo)
  /// The hub has this much of it.
  case uploaded(MessageID, Int64)
  case progress(MessageID, nick: String, Int64)
  /// The hub has all of it, durably: one for each target.
  case stored(HubFrame.Sent, FileInfo, TreeHash, size: Int64)
  case failed(HubFrame.Failure)
  case receipt(HubFrame.Receipt)
}

/// Files on their way to the hub, one after the other. Pure, but for where the bytes come from: it says what to write,
/// and is told what the hub says.
///
///     waiting ──▶ offered ──sent──▶ asking ──ok──▶ sending ──end──▶ finishing ──ok──▶ done
///                    ▲                                │                │
///                    └──────────────lost──────────────┴────────────────┘
public struct Uploads<Source: UploadSource> {
  public enum Output: Equatable, Sendable {
    case frames([ClientFrame])
    case chunk(Chunk, [UInt8])
  }

  /// What the hub's answer means to the connection.
  public enum Verdict: Equatable, Sendable {
    case goOn
    /// What came is of no use: begin again on another connection.
    case reconnect
  }

  private enum Stage: Equatable {
    /// Behind others: not offered yet, so that nobody waits for what may never come.
    case waiting
    case offered
    case asking(ref: Int64)
    case sending
    case finishing(ref: Int64)
    case done
  }

  private struct Item {
    var id: MessageID
    var source: Source
    var to: [String]
    var stage = Stage.waiting
    var sent: [HubFrame.Sent] = []
    /// How much was ever given to be written.
    var furthest: Int64 = 0
  }

  private struct ProgressKey: Hashable {
    var id: MessageID
    var nick: String
  }

  private var outbox: Outbox
  private var items: [Item] = []
  private var nextRef: Int64 = -1
  /// What the hub has of the file that is being sent.
  private var acknowledged: Int64 = 0
  /// One after the other, without a piece that was right between them.
  private var mismatches = 0

  /// Counts what brings it nearer to its end: a hub that has it begin again and again, or says the same for ever, doesn't.
  public private(set) var advances = 0
  private var told: [ProgressKey: Int64] = [:]
  private static var mostTold: Int { 10_000 }
  private static var shown: Int64 { 64 << 10 }

  /// Bytes that may be under way.
  private let window: Int64
  private static var tries: Int { 3 }

  public init(wantsReceipts: Bool, lastSeen: Bool = false, window: Int64 = 8 << 20) {
    outbox = Outbox(wantsReceipts: wantsReceipts, lastSeen: lastSeen, maximumCount: .max, maximumBytes: .max)
    self.window = window
  }

  public mutating func add(_ id: MessageID, _ source: Source, to: [String]) {
    items.append(Item(id: id, source: source, to: to))
  }

  public var isStored: Bool { items.allSatisfy { $0.stage == .done } }
  public var isDone: Bool { isStored && outbox.isEmpty }
  /// Who hasn't saved a file yet.
  public var missing: Set<String> { outbox.missing }
  /// What was begun and isn't stored yet, to go on with.
  public var unfinished: [(id: MessageID, info: FileInfo)] {
    items.filter { $0.stage != .done && !$0.sent.isEmpty }.map { ($0.id, $0.source.info) }
  }

  /// A connection was welcomed.
  public mutating func connected() {
    outbox.lost()
    acknowledged = 0
    for index in items.indices where items[index].stage != .done && items[index].stage != .waiting {
      items[index].stage = .offered
    }
  }

  private var current: Int? { items.firstIndex { $0.stage != .done } }

  /// What to write next; nil until the hub has said something.
  public mutating func next() throws(FileError) -> Output? {
    while true {
      let offers = outbox.takeUnwritten()
      if !offers.isEmpty { return .frames(offers.map(ClientFrame.send)) }
      guard let index = current else { return nil }
      switch items[index].stage {
      case .waiting:
        let item = items[index]
        outbox.submit(OutgoingMessage(id: item.id, to: item.to, text: "", file: item.source.info))
        items[index].stage = .offered
      case .offered:
        guard !outbox.isUnanswered(items[index].id) else { return nil }
        guard !items[index].sent.isEmpty else {
          // Nobody is to get it.
          items[index].stage = .done
          continue
        }
        let ref = takeRef()
        items[index].stage = .asking(ref: ref)
        return .frames([.upload(ref: ref, id: items[index].id)])
      case .sending:
        // A chunk that doesn't fit into the window waits before it is read.
        guard items[index].source.hasher.length - acknowledged < window, items[index].source.isReady else { return nil }
        items[index].source.release(before: acknowledged)
        if let (chunk, bytes) = try items[index].source.next() {
          if chunk.end > items[index].furthest {
            items[index].furthest = chunk.end
            advances += 1
          }
          return .chunk(chunk, bytes)
        }
        let ref = takeRef()
        items[index].stage = .finishing(ref: ref)
        let hasher = items[index].source.hasher
        return .frames([.finish(ref: ref, size: hasher.length, hash: hasher.hash)])
      case .asking, .finishing, .done: return nil
      }
    }
  }

  /// Nothing comes of the file that is being sent, and the hub has all that has come.
  public var isWaitingForSource: Bool {
    guard let index = current, items[index].stage == .sending else { return false }
    return acknowledged == items[index].source.hasher.length && !items[index].source.isReady
  }

  private mutating func takeRef() -> Int64 {
    defer { nextRef -= 1 }
    return nextRef
  }

  /// Takes what the hub said; gives what is news to the user. Throws `FileError` where the file isn't what it was, and
  /// `HubFrame.Failure` where the hub won't have it.
  public mutating func received(_ frame: HubFrame) throws -> (events: [UploadEvent], verdict: Verdict) {
    let (events, verdict) = try events(of: frame)
    for event in events where isAdvance(event) { advances += 1 }
    return (events, verdict)
  }

  private mutating func events(of frame: HubFrame) throws -> (events: [UploadEvent], verdict: Verdict) {
    switch frame {
    case .ok(let ok): return (try answered(ok), .goOn)
    case .error(let failure) where failure.ref.map { $0 < 0 } ?? true: return ([], try refused(failure))
    case .progress(let id, let nick, let bytes): return ([.progress(id, nick: nick, bytes)], .goOn)
    default: break
    }
    var events: [UploadEvent] = []
    for result in outbox.received(frame) {
      switch result {
      case .sent(let sent):
        if let index = items.firstIndex(where: { $0.id == sent.id }) { items[index].sent.append(sent) }
      case .failed(let failure): events.append(.failed(failure))
      case .receipt(let receipt): events.append(.receipt(receipt))
      }
    }
    return (events, .goOn)
  }

  /// Whether something that the hub said is news.
  private mutating func isAdvance(_ event: UploadEvent) -> Bool {
    func isFurther(_ id: MessageID, _ nick: String, _ bytes: Int64) -> Bool {
      let key = ProgressKey(id: id, nick: nick)
      // By as much as shows: a hub might count single bytes for ever.
      guard bytes / Self.shown > (told[key] ?? 0) / Self.shown, told[key] != nil || told.count < Self.mostTold else {
        return false
      }
      told[key] = bytes
      return true
    }
    switch event {
    case .started: return false
    case .uploaded(let id, let bytes): return isFurther(id, "", bytes)
    case .progress(let id, let nick, let bytes): return isFurther(id, nick, bytes)
    case .stored, .failed, .receipt: return true
    }
  }

  private mutating func answered(_ ok: HubFrame.Ok) throws(FileError) -> [UploadEvent] {
    guard let index = current else { return [] }
    let item = items[index]
    guard let ref = ok.ref else {
      guard item.stage == .sending || isFinishing(item), let offset = ok.offset else { return [] }
      acknowledged = min(max(acknowledged, offset), item.source.hasher.length)
      mismatches = 0
      return [.uploaded(item.id, acknowledged)]
    }
    switch item.stage {
    case .asking(ref):
      guard let offset = ok.offset, let hash = ok.hash else { return [] }
      if !ok.more { return stored(index, hash, size: offset) }
      try items[index].source.resume(at: offset, hash)
      items[index].stage = .sending
      acknowledged = offset
      return [.started(item.id, item.source.info), .uploaded(item.id, offset)]
    case .finishing(ref):
      return stored(index, ok.hash ?? item.source.hasher.hash, size: item.source.hasher.length)
    case .waiting, .offered, .asking, .sending, .finishing, .done: return []
    }
  }

  private func isFinishing(_ item: Item) -> Bool {
    if case .finishing = item.stage { return true }
    return false
  }

  private mutating func stored(_ index: Int, _ hash: TreeHash, size: Int64) -> [UploadEvent] {
    items[index].stage = .done
    return items[index].sent.map { sent in
      var sent = sent
      sent.status = "stored"
      return .stored(sent, items[index].source.info, hash, size: size)
    }
  }

  /// A piece that was damaged on its way is sent again, on another connection.
  private mutating func refused(_ failure: HubFrame.Failure) throws -> Verdict {
    switch ErrorCode(rawValue: failure.code) {
    case .hashMismatch where mismatches + 1 < Self.tries:
      mismatches += 1
      return .reconnect
    case .stopping, .timeout: return .reconnect
    case .replaced: throw FileError(.busy, failure.message)
    default: throw failure
    }
  }
}
