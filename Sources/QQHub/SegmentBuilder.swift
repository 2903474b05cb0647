import QQJournal
import QQProtocol

/// Gathers the lines of consecutive records with one audience, each encoded once.
struct SegmentBuilder: Sendable {
  private(set) var audience: Audience?
  private var writer = JSONWriter()
  private var seqs: [Seq] = []
  private var ends: [Int] = []

  /// Bytes of lines.
  var size: Int { writer.bytes.count }

  private var address: (value: IPAddress, text: String)?

  /// Writes what `HubFrame.Message` would, from the record as it is.
  mutating func add(_ body: MessageBody, _ committed: Committed, _ audience: Audience) {
    self.audience = audience
    defer {
      seqs.append(committed.seq)
      ends.append(writer.bytes.count)
    }
    if let attachment = body.attachment {
      Hub.event(body, attachment, committed.seq, committed.record.time)?.encode(into: &writer)
      return
    }
    if address?.value != body.address { address = (body.address, body.address.description) }
    writer.begin("message")
    writer.field("id", body.id)
    writer.field("seq", committed.seq)
    writer.field("time", committed.record.time)
    writer.field("from", body.from)
    writer.field("address", address?.text)
    writer.list("to", body.targets) { writer, target in
      if case .group("all") = target { writer.raw("\"@all\"") } else { writer.string(target.name) }
    }
    writer.field("text", body.text)
    writer.field("reply_to", body.replyTo)
    writer.end()
  }

  /// What was gathered; the builder begins anew.
  mutating func take() -> (audience: Audience, bytes: [UInt8], seqs: [Seq], ends: [Int])? {
    guard let audience else { return nil }
    defer { self = SegmentBuilder() }
    return (audience, writer.bytes, seqs, ends)
  }
}

extension Hub {
  /// Makes a segment of what was gathered: kept for readers that are behind, written to those that aren't.
  mutating func flushSegment() {
    guard let gathered = builder.take() else { return }
    let (segment, dropped) = tail.append(gathered.audience, seqs: gathered.seqs, ends: gathered.ends)
    deliveries.append(.publish(segment: segment.number, gathered.bytes))
    let sessions = liveSessions(gathered.audience)
    if !sessions.isEmpty {
      deliveries.append(
        .write(
          Write(
            segment: segment.number, bytes: 0..<segment.bytes, after: segment.first - 1, sessions: sessions,
            isCatchUp: false)))
    }
    if let dropped { deliveries.append(.forget(through: dropped)) }
  }

  /// The sessions of an audience that are written to at once.
  func liveSessions(_ audience: Audience) -> [SessionID] {
    switch audience {
    case .everyone(let except):
      return except == nil ? everyoneLive : everyoneLive.filter { $0 != except }
    case .users(let users, let except):
      var sessions: [SessionID] = []
      // Of a large group few may be here, and of those who are here few in a small one.
      if live.count < users.count {
        for user in live.keys.filter(users.binarySearch).sorted() {
          for session in live[user] ?? [] where session != except { sessions.append(session) }
        }
        return sessions
      }
      for user in users {
        for session in live[user] ?? [] where session != except { sessions.append(session) }
      }
      return sessions
    }
  }
}
