import QQJournal
import QQProtocol

/// Those who get a file, from the spool, also while its upload still runs.
///
///     get ──checked──▶ chunk … chunk ──▶ end ──▶ saved, a record
extension Hub {
  /// Requests to the spool that one session may have under way.
  private static let readsAtOnce = 4

  /// The file that a user may get by this key; nil where there is none.
  private func file(_ key: ClientFrame.FileKey, for user: UserID) -> Files.File? {
    let found: [Files.File]
    switch key {
    case .id(let id): found = files.offered(id)
    case .seq(let seq): found = files[seq].map { [$0] } ?? []
    }
    return found.first { isMeant(user, by: $0.row) }
  }

  func isMeant(_ user: UserID, by row: FileRow) -> Bool {
    row.audience.map { $0.binarySearch(user) } ?? (directory[user]?.row.hears(at: row.seq) == true)
  }

  mutating func receive(_ get: ClientFrame.Get, from id: SessionID, _ user: UserID) {
    guard let file = file(get.file, for: user) else {
      return answer(
        id,
        .error(
          .init(ref: get.ref, .unknownFile, "no such file was offered to this user, or it is kept no longer")))
    }
    // A client asks a second time once it knows what it has; who goes on asking fills the spool's queue.
    guard sessions[id]?.reads ?? 0 < Self.readsAtOnce else {
      return fail(id, .quota, "too many pieces are asked for at once")
    }
    endTransfer(id)
    let seq = file.row.seq
    answer(id, .file(shown(file.row, ref: get.ref)))
    var getting = Transfer.Getting(file: seq, ref: get.ref, next: get.offset, hash: get.hash)
    getting.isOpening = true
    sessions[id]?.transfer = .getting(getting)
    files.update(seq) { $0.getters.append(id) }
    pumpFile(id)
  }

  func shown(_ row: FileRow, ref: Int64?) -> HubFrame.File {
    HubFrame.File(
      ref: ref, id: row.offer.id, seq: row.seq, time: row.time, from: row.offer.from,
      address: row.offer.address.description, to: row.offer.targets.map(\.name), info: row.info)
  }

  /// Goes on with what a session gets: one piece at a time, as its channel takes them.
  mutating func pumpFile(_ id: SessionID) {
    guard case .getting(var getting)? = sessions[id]?.transfer, let file = files[getting.file] else { return }
    guard let verified = file.row.content?.size ?? file.verified else {
      if !file.isOpening { open(getting.file) }
      return
    }
    defer { if case .getting? = sessions[id]?.transfer { sessions[id]?.transfer = .getting(getting) } }
    guard !getting.isReading, !getting.isDone else { return }
    if getting.isOpening {
      // What the session has may be more than is known here, after the hub was restarted: it waits.
      if getting.next > verified, file.row.content == nil { return }
      if getting.next > 0, let hash = getting.hash, getting.next <= verified {
        getting.isReading = true
        sessions[id]?.reads += 1
        deliveries.append(.spool(.check(file.kept, session: id, offset: getting.next, hash)))
        return
      }
      getting.next = 0
      begin(id, &getting)
    }
    guard getting.isWritable else { return }
    if getting.next < verified {
      getting.isReading = true
      sessions[id]?.reads += 1
      let size = Int(min(Int64(Chunk.size), verified - getting.next))
      deliveries.append(.spool(.read(file.kept, session: id, offset: getting.next, size: size)))
    } else if let content = file.row.content {
      getting.isDone = true
      answer(id, .end(size: content.size, hash: content.hash))
    }
  }

  private mutating func begin(_ id: SessionID, _ getting: inout Transfer.Getting) {
    getting.isOpening = false
    answer(id, .ok(.init(ref: getting.ref, seq: getting.file, offset: getting.next)))
  }

  mutating func checked(_ seq: Seq, for id: SessionID, offset: Int64, isSame: Bool) {
    guard case .getting(var getting)? = sessions[id]?.transfer, getting.file == seq, getting.isOpening else { return }
    getting.isReading = false
    if !isSame { getting.next = 0 }
    begin(id, &getting)
    sessions[id]?.transfer = .getting(getting)
    pumpFile(id)
  }

  mutating func read(_ seq: Seq, for id: SessionID, _ chunk: Chunk, _ bytes: [UInt8]) {
    // What an earlier question of the same session asked for is of no use.
    guard case .getting(var getting)? = sessions[id]?.transfer, getting.file == seq, !getting.isOpening,
      getting.next == chunk.offset
    else { return }
    var writer = JSONWriter(reserving: 160)
    HubFrame.chunk(chunk).encode(into: &writer)
    deliveries.append(.bulk(id, writer.bytes, raw: bytes))
    getting.next = chunk.end
    getting.isReading = false
    getting.isWritable = false
    sessions[id]?.transfer = .getting(getting)
  }

  /// The session's channel takes more.
  mutating func writableFile(_ id: SessionID) {
    guard case .getting(var getting)? = sessions[id]?.transfer, !getting.isWritable else { return }
    getting.isWritable = true
    sessions[id]?.transfer = .getting(getting)
    pumpFile(id)
  }

  /// How often a sender is told of somebody's progress, in milliseconds.
  private static let progressInterval: Int64 = 200

  mutating func receiveGot(_ offset: Int64, from id: SessionID, _ user: UserID) {
    guard case .getting(var getting)? = sessions[id]?.transfer, now - getting.told >= Self.progressInterval,
      let nick = directory[user]?.row.nick
    else { return }
    getting.told = now
    sessions[id]?.transfer = .getting(getting)
    for waiting in receipts.waiting(at: getting.file, for: user) {
      answer(
        waiting.session,
        .progress(id: waiting.id, nick: waiting.formerNick ?? nick, bytes: min(offset, getting.next)))
    }
  }

  mutating func receiveSaved(_ ref: Int64?, _ seq: Seq, from id: SessionID, _ user: UserID) {
    guard let file = files[seq], isMeant(user, by: file.row) else {
      return answer(id, .error(.init(ref: ref, .unknownFile, "no such file was offered to this user")))
    }
    propose(.saved(user, file: seq), from: id, ref: ref)
  }

  mutating func receiveFiles(_ ref: Int64?, after: Seq, from id: SessionID, _ user: UserID) {
    sessions[id]?.job = .files(ref: ref, after: after)
  }

  /// Goes on with listing the files that a user hasn't saved yet; a part of them is an answer.
  mutating func listFiles(_ ref: Int64?, after: Seq, for id: SessionID, _ user: UserID) {
    let start = files.order.partitioningIndex { $0 > after }
    let before = answers.pending(id)
    var last = after
    for seq in files.order[start...].prefix(8 * configuration.turns.lines) {
      turns.spend(1)
      last = seq
      guard let row = files[seq]?.row, isMeant(user, by: row), !row.saved.binarySearch(user) else { continue }
      turns.spend(8)
      answer(id, .file(shown(row, ref: ref)))
      guard answers.pending(id) - before > configuration.catchUpBytes / 2, seq != files.order.last else { continue }
      sessions[id]?.job = nil
      return answer(id, .ok(.init(ref: ref, seq: seq, more: true)))
    }
    let isDone = files.order.last.map { $0 <= last } ?? true
    sessions[id]?.job = isDone ? nil : .files(ref: ref, after: last)
    if isDone { answer(id, .ok(.init(ref: ref))) }
  }
}
