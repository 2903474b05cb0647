import QQProtocol

/// Where one reading process stands. It asks for what comes after the last event it has shown, so that a lost
/// connection costs nothing and shows nothing twice. Pure.
public struct Reader: Sendable {
  /// What an event means to the reader.
  public enum Verdict: Equatable, Sendable {
    case show
    /// Shown before, or not an event.
    case skip
    /// Another process moves the cursor; this one only follows.
    case following
    /// That process has gone: this one moves the cursor from here on.
    case promoted
    /// All that was there when this process began to read has been received.
    case live
  }

  private var start: ClientFrame.Start
  private let cursor: String?
  private let holds: Bool
  private let name: String
  /// The reader wants to know where what is unread ends; once.
  private var awaitsLive: Bool
  private var epoch: String?
  /// The newest event that was given to be shown; nil before the first start.
  public private(set) var last: Int64?
  private var processed: Int64 = 0
  private var acknowledged: Int64 = 0
  private var isFollowing = false

  /// `name` is of this process alone: it tells its own lost connection from another reader.
  /// `awaitsLive`: wants the verdict `live`, once.
  public init(
    start: ClientFrame.Start, cursor: String? = nil, holds: Bool, name: String, awaitsLive: Bool = false
  ) {
    self.awaitsLive = awaitsLive
    self.start = start
    self.cursor = cursor
    self.holds = holds
    self.name = name
  }

  /// A connection was welcomed: what to ask for. `isNewEpoch`: the hub's data is not the one that was read before, so
  /// its seqs mean nothing and reading begins with what is unread there.
  public mutating func connected(epoch: String) -> (frame: ClientFrame.Listen, isNewEpoch: Bool) {
    let isNewEpoch = self.epoch != nil && self.epoch != epoch
    self.epoch = epoch
    lost()
    if isNewEpoch {
      // Stays so: the connection may be lost before the hub has answered.
      start = .unread
      last = nil
      processed = 0
    }
    var after = start
    switch (last, start) {
    case (nil, _): break
    // 0 would ask for all that is kept, without a word about what is not.
    case (0, .time): break
    case (let last?, _): after = .seq(last)
    }
    return (
      ClientFrame.Listen(
        ref: 0, after: after, cursor: cursor, reader: name, holds: holds, tellsLive: awaitsLive),
      isNewEpoch
    )
  }

  public mutating func received(_ frame: HubFrame) -> Verdict {
    switch frame {
    case .ok(let ok) where ok.ref == 0 && ok.isLive:
      guard awaitsLive else { return .skip }
      awaitsLive = false
      return .live
    case .ok(let ok) where ok.ref == 0:
      if last == nil {
        last = ok.seq
        // What is read by the hub's word may rest on an acknowledgement that it loses in a crash: this one stands in.
        if start == .unread { processed = ok.seq ?? 0 }
      }
      let was = isFollowing
      isFollowing = ok.isFollowing
      return isFollowing == was ? .skip : isFollowing ? .following : .promoted
    case .message(let message): return passed(message.seq)
    case .file(let file) where file.ref == nil: return passed(file.seq)
    case .complete(let complete): return passed(complete.seq)
    case .gap(_, let through): return passed(through)
    case .ok, .welcome, .sent, .error, .presence, .receipt, .user, .invite, .status, .backup, .pong, .file, .chunk,
      .end, .progress:
      return .skip
    }
  }

  private mutating func passed(_ seq: Int64) -> Verdict {
    guard seq > last ?? 0 else { return .skip }
    last = seq
    return .show
  }

  /// The event was shown, or filtered out; everything before it too.
  public mutating func done(_ seq: Int64) {
    processed = max(processed, seq)
  }

  /// What to acknowledge now, if anything is new.
  public mutating func acknowledgement() -> Int64? {
    guard holds, !isFollowing, processed > acknowledged else { return nil }
    acknowledged = processed
    return processed
  }

  /// What was acknowledged on a lost connection may not have arrived.
  public mutating func lost() {
    acknowledged = 0
  }
}

extension HubFrame {
  /// The place of an event in the journal, for those that have one.
  public var seq: Int64? {
    switch self {
    case .message(let message): message.seq
    case .file(let file): file.seq
    case .complete(let complete): complete.seq
    case .gap(_, let through): through
    case .welcome, .ok, .sent, .error, .presence, .receipt, .user, .invite, .status, .backup, .pong, .chunk, .end,
      .progress:
      nil
    }
  }
}
