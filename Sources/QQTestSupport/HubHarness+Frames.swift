import QQHub
import QQJournal
import QQProtocol

extension HubHarness {
  /// Sends a text; each number is an id of its own.
  public func post(
    _ id: SessionID, _ number: UInt64, to targets: String..., text: String? = nil, ref: Int64? = nil,
    wantsReceipts: Bool = false, lastSeen: Bool = false
  ) {
    say(
      id,
      .send(
        .init(
          ref: ref, id: MessageID(high: 0, low: number), to: targets, text: text ?? "text \(number)",
          wantsReceipts: wantsReceipts, lastSeen: lastSeen)))
  }

  /// Begins to read; gives what came at once but the `ok`.
  @discardableResult
  public func listen(
    _ id: SessionID, after: ClientFrame.Start = .unread, cursor: String? = nil, reader: String? = nil,
    holds: Bool = false
  ) -> [HubFrame] {
    say(id, .listen(.init(ref: nil, after: after, cursor: cursor, reader: reader, holds: holds)))
    return take(id).filter { if case .ok = $0 { false } else { true } }
  }

  /// The texts of the messages that the session was written since the last time.
  public func texts(_ id: SessionID) -> [String] { take(id).texts }

  /// The errors that the session was written since the last time.
  public func errors(_ id: SessionID) -> [HubFrame.Failure] {
    take(id).compactMap { if case .error(let failure) = $0 { failure } else { nil } }
  }
}

extension [HubFrame] {
  public var texts: [String] { compactMap { if case .message(let message) = $0 { message.text } else { nil } } }

  public var seqs: [Seq] { compactMap { if case .message(let message) = $0 { message.seq } else { nil } } }
}

extension HubEvent {
  /// A batch of frames alone.
  public static func frames(_ id: SessionID, _ frames: [ClientFrame]) -> HubEvent {
    .received(id, frames.map(SessionInput.frame))
  }

  /// A line that was refused.
  public static func fault(_ id: SessionID, _ fault: FrameFault, isFatal: Bool) -> HubEvent {
    .received(id, [.fault(fault, isFatal: isFatal)])
  }
}
