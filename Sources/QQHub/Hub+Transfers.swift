import QQJournal
import QQProtocol

/// Bytes of files on their way: from the session that uploads to the spool, from there to those that get them, also
/// while the upload runs. Neither waits for the other.
///
///     upload ──opened──▶ put … put ──▶ finish ──▶ complete, a record
///                         │ written
///     get ──checked──▶ chunk … chunk ──▶ end ──▶ saved, a record
extension Hub {
  // MARK: Uploading

  mutating func receiveUpload(_ ref: Int64?, _ file: MessageID, from id: SessionID, _ user: UserID) {
    guard let found = files.offered(file).first(where: { $0.row.offer.sender == user }) else {
      return answer(
        id,
        .error(
          .init(ref: ref, .unknownFile, "no file was offered under the id \(file), or it is kept no longer", id: file)))
    }
    let seq = found.row.seq
    if case .uploading(let upload)? = sessions[id]?.transfer, upload.isOpening || upload.isFinishing {
      return fail(id, .badField, "an upload of this session waits for its answer still")
    }
    endTransfer(id)
    if let content = found.row.content {
      return answer(id, .ok(.init(ref: ref, seq: seq, offset: content.size, hash: content.hash)))
    }
    if let other = found.uploader, other != id {
      // Its own lost connection, or the same command once more: the newer one goes on.
      fail(other, .replaced, "this file is being sent by another connection now")
    }
    sessions[id]?.transfer = .uploading(.init(file: seq, ref: ref))
    sessions[id]?.outstanding += 1
    files.update(seq) { $0.uploader = id }
    open(seq)
  }

  /// What the spool has of a file is looked at again whenever an upload begins: what was written is one thing, what is
  /// there another.
  private mutating func open(_ seq: Seq) {
    files.update(seq) { $0.isOpening = true }
    deliveries.append(.spool(.open(seq)))
  }

  mutating func opened(_ seq: Seq, size: Int64, hash: TreeHash) {
    files.update(seq) { file in
      file.isOpening = false
      file.verified = size
    }
    if let id = files[seq]?.uploader, case .uploading(var upload)? = sessions[id]?.transfer, upload.isOpening {
      upload.isOpening = false
      upload.received = size
      sessions[id]?.transfer = .uploading(upload)
      sessions[id]?.outstanding -= 1
      answer(id, .ok(.init(ref: upload.ref, seq: seq, more: true, offset: size, hash: hash)))
      closeIfDone(id)
    }
    for getter in files[seq]?.getters ?? [] { pumpFile(getter) }
  }

  mutating func receive(_ chunk: Chunk, _ bytes: [UInt8], from id: SessionID) {
    guard let session = sessions[id], !session.isClosing else { return }
    guard case .uploading(var upload)? = session.transfer, !upload.isOpening, !upload.isFinishing,
      let file = files[upload.file]
    else { return fail(id, .badField, "a piece of a file came, and no upload was begun") }
    guard chunk.offset == upload.received, chunk.offset % Int64(Chunk.size) == 0,
      chunk.end <= file.row.info.size ?? .max, chunk.size == Chunk.size || chunk.end == file.row.info.size ?? chunk.end
    else { return fail(id, .badField, "the piece at \(chunk.offset) doesn't follow what came before") }
    if let refusal = outgrown(file, chunk.end) {
      return fail(id, refusal.code, refusal.message)
    }
    upload.received = chunk.end
    sessions[id]?.transfer = .uploading(upload)
    deliveries.append(.spool(.write(upload.file, session: id, chunk, bytes)))
  }

  private mutating func written(_ seq: Seq, by id: SessionID, end: Int64) {
    if sessions[id] != nil { deliveries.append(.taken(id)) }
    guard files[seq]?.uploader == id else { return }
    answer(id, .ok(.init(ref: nil, offset: end)))
    files.update(seq) { $0.verified = end }
    for getter in files[seq]?.getters ?? [] { pumpFile(getter) }
  }

  mutating func receiveFinish(_ ref: Int64?, _ size: Int64, _ hash: TreeHash, from id: SessionID) {
    guard case .uploading(var upload)? = sessions[id]?.transfer, !upload.isOpening, !upload.isFinishing,
      let file = files[upload.file], upload.received == size, file.row.info.size ?? size == size
    else {
      return answer(id, .error(.init(ref: ref, .badField, "that isn't all of the file")))
    }
    upload.isFinishing = true
    sessions[id]?.transfer = .uploading(upload)
    sessions[id]?.outstanding += 1
    deliveries.append(.spool(.finish(upload.file, session: id, ref: ref, size: size, hash)))
  }

  private mutating func finished(_ seq: Seq, by id: SessionID, ref: Int64?, size: Int64, _ hash: TreeHash) {
    sessions[id]?.outstanding -= 1
    guard let row = files[seq]?.row, sessions[id] != nil else { return }
    let offer = row.offer
    propose(
      .message(
        MessageBody(
          sender: offer.sender, from: offer.from, address: offer.address, id: offer.id.ofCompletion,
          targets: offer.targets, text: row.info.name, attachment: .complete(file: seq, size: size, hash: hash))),
      from: id, ref: ref)
  }

  // MARK: Getting

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

  private func isMeant(_ user: UserID, by row: FileRow) -> Bool {
    row.audience.map { $0.binarySearch(user) } ?? ((directory[user]?.row.start ?? .max) < row.seq)
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

  private mutating func checked(_ seq: Seq, for id: SessionID, offset: Int64, isSame: Bool) {
    guard case .getting(var getting)? = sessions[id]?.transfer, getting.file == seq, getting.isOpening else { return }
    getting.isReading = false
    if !isSame { getting.next = 0 }
    begin(id, &getting)
    sessions[id]?.transfer = .getting(getting)
    pumpFile(id)
  }

  private mutating func read(_ seq: Seq, for id: SessionID, _ chunk: Chunk, _ bytes: [UInt8]) {
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
      let file = files[getting.file], let nick = directory[user]?.row.nick
    else { return }
    getting.told = now
    sessions[id]?.transfer = .getting(getting)
    for waiting in file.waiting where waiting.remaining.binarySearch(user) {
      let told = waiting.formerNicks[user] ?? nick
      answer(waiting.session, .progress(id: waiting.id, nick: told, bytes: min(offset, getting.next)))
    }
  }

  mutating func receiveSaved(_ ref: Int64?, _ seq: Seq, from id: SessionID, _ user: UserID) {
    guard let file = files[seq], isMeant(user, by: file.row) else {
      return answer(id, .error(.init(ref: ref, .unknownFile, "no such file was offered to this user")))
    }
    propose(.saved(user, file: seq), from: id, ref: ref)
  }

  /// A part at a time, and no more than one part for what came at once: a short question can have a long answer.
  mutating func receiveFiles(_ ref: Int64?, after: Seq, from id: SessionID, _ user: UserID) {
    if isOverfed(id, ref) { return }
    let pending = files.all.values.filter {
      $0.row.seq > after && isMeant(user, by: $0.row) && !$0.row.saved.binarySearch(user)
    }
    let seqs = pending.map(\.row.seq).sorted()
    for (index, seq) in seqs.enumerated() {
      if let row = files[seq]?.row { answer(id, .file(shown(row, ref: ref))) }
      if answers.writer.bytes.count > configuration.catchUpBytes / 2, index + 1 < seqs.count {
        return answer(id, .ok(.init(ref: ref, seq: seq, more: true)))
      }
    }
    answer(id, .ok(.init(ref: ref)))
  }

  // MARK: The spool's answers, and the end

  mutating func spooled(_ answer: SpoolAnswer) {
    switch answer {
    case .measured(let token, let free): measured(token, free: free)
    case .opened(let seq, let size, let hash): opened(seq, size: size, hash: hash)
    case .written(let seq, let id, let end): written(seq, by: id, end: end)
    case .finished(let seq, let id, let ref, let size, let hash): finished(seq, by: id, ref: ref, size: size, hash)
    case .checked(let seq, let id, let offset, let isSame):
      sessions[id]?.reads -= 1
      checked(seq, for: id, offset: offset, isSame: isSame)
    case .read(let seq, let id, let chunk, let bytes):
      sessions[id]?.reads -= 1
      read(seq, for: id, chunk, bytes)
    case .failed(let seq, let id, let ref, let failure): spoolFailed(seq, id, ref, failure)
    }
  }

  /// What was kept of the file stays, and the session may go on with it later.
  private mutating func spoolFailed(_ seq: Seq, _ id: SessionID, _ ref: Int64?, _ failure: SpoolFailure) {
    let name = files[seq]?.row.info.name ?? ""
    files.update(seq) { $0.isOpening = false }
    let sessions = id == 0 ? [files[seq]?.uploader].compactMap(\.self) + (files[seq]?.getters ?? []) : [id]
    for id in sessions where self.sessions[id] != nil {
      switch failure {
      case .mismatch:
        fail(id, .hashMismatch, "a piece of \"\(name)\" is not what was sent")
      case .noSpace:
        fail(id, .noSpace, "the hub's disk is full: what came of \"\(name)\" is kept, and can be gone on from")
      case .broken:
        fail(id, .spoolFailed, "the hub can't keep or read \"\(name)\": its log says why")
      }
    }
  }

  mutating func endTransfer(_ id: SessionID) {
    guard let transfer = sessions[id]?.transfer else { return }
    sessions[id]?.transfer = nil
    switch transfer {
    case .uploading(let upload):
      if upload.isOpening { sessions[id]?.outstanding -= 1 }
      files.update(upload.file) { if $0.uploader == id { $0.uploader = nil } }
    case .getting(let getting):
      files.update(getting.file) { $0.getters.removeAll { $0 == id } }
    }
  }
}
