import QQJournal
import QQProtocol

/// What the journal has no room for never happened, and whoever asked for it hears so. A hub with a full disk goes on with
/// all that needs none.
extension Hub {
  static let diskFull = "the hub's disk is full: it takes nothing new until whoever runs it has made room"
  /// Until cursors and discards that were refused are tried again, in milliseconds.
  private static let retryDelay: Int64 = 5_000

  mutating func refused(_ records: [Record]) {
    for record in records {
      let isOurs = record.origin.hub == configuration.instance
      guard isOurs else { continue }
      uncommitted -= 1
      returned(record.body)
      let session = sessions[record.origin.session] == nil ? nil : record.origin.session
      let ref = record.origin.ref == Self.noRef ? nil : record.origin.ref
      if let session { sessions[session]?.outstanding -= 1 }
      refused(record.body, record.origin, session, ref)
      if let session {
        goOn(session)
        closeIfDone(session)
      }
    }
    guard !isFull, records.contains(where: { !$0.isEssential }) else { return }
    isFull = true
    note(.journalFull)
  }

  private mutating func refused(_ body: Record.Body, _ origin: Origin, _ session: SessionID?, _ ref: Int64?) {
    switch body {
    case .message(let message):
      let receipts = takeWanted(message.id, origin, ref)
      guard let session else { return }
      if message.attachment == nil, Self.isHeavy(message.targets, wantsReceipts: receipts) {
        sessions[session]?.heavySends -= 1
      }
      // What has come of the file stays, and its sender may go on later.
      if case .complete? = message.attachment { return fail(session, .noSpace, Self.diskFull) }
      answer(session, .error(.init(ref: ref, .noSpace, Self.diskFull, id: message.id)))
    case .admit: if let session { fail(session, .noSpace, Self.diskFull) }
    case .cursors(let list):
      for move in list {
        let key = CursorKey(user: move.user, name: move.name)
        if movesUnderWay[key] == move.seq { movesUnderWay[key] = nil }
        moves[key] = max(moves[key] ?? 0, move.seq)
      }
      movesDue = min(movesDue ?? now + Self.retryDelay, now + Self.retryDelay)
    case .discard(let seqs):
      files.refused(seqs, until: now + Self.retryDelay)
      if let session { answer(session, .error(.init(ref: ref, .noSpace, Self.diskFull))) }
    case .seen: break
    // At the next removal.
    case .prune: prunedThrough = 0
    case .rename, .join, .leave, .saved, .invite, .revoke, .remove, .restore:
      if let session { answer(session, .error(.init(ref: ref, .noSpace, Self.diskFull))) }
    }
  }

  /// Something that users say was committed.
  mutating func noticeRoom() {
    guard isFull else { return }
    isFull = false
    note(.journalHasRoom)
  }
}
