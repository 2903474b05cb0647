import QQJournal
import QQProtocol

extension Record {
  /// Milliseconds after the first sample's time.
  public static func time(_ milliseconds: Int64) -> Timestamp {
    Timestamp(milliseconds: 1_790_000_000_000 + milliseconds)
  }

  public static func message(
    _ number: Int, from sender: UInt32 = 1, at time: Int64? = nil, to targets: [RecordTarget] = [.group("all")],
    text: String? = nil
  ) -> Record {
    Record(
      time: Self.time(time ?? Int64(number)), origin: Origin(hub: 7, session: 1, ref: Int64(number)),
      body: .message(
        MessageBody(
          sender: UserID(sender), from: "user\(sender)", address: IPAddress(v4: 0xc0a8_0001),
          id: MessageID(high: 9, low: UInt64(number)), targets: targets, text: text ?? "text \(number)")))
  }

  public static func join(_ user: UInt32, _ group: String, at time: Int64) -> Record {
    Record(
      time: Self.time(time), origin: Origin(hub: 7, session: 2, ref: 1), body: .join(UserID(user), group: group))
  }
}

extension Change {
  /// The message was accepted, with a digest made of its seq; nil for other records.
  public static func message(
    _ committed: Committed, _ conversations: [Conversation] = [.everyone], failures: [TargetFailure] = []
  ) -> Change? {
    guard case .message(let message) = committed.record.body else { return nil }
    return .message(
      MessageIndex(
        seq: committed.seq, sender: message.sender, id: message.id, digest: ~UInt64(committed.seq), failures: failures,
        conversations: conversations))
  }
}

extension PageQuery {
  public static func all(
    _ conversation: Conversation, after: Seq = 0, limit: Int = PageQuery.maximumLimit, newest: Bool = false
  ) -> PageQuery {
    PageQuery(spans: [ConversationSpan(conversation, after: after)], limit: limit, newest: newest)
  }
}
