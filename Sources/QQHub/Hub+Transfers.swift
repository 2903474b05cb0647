import QQJournal
import QQProtocol

/// Bytes of files on their way: from the session that uploads to the spool, from there to those that get them, also
/// while the upload runs. Neither waits for the other.
///
///     upload ──opened──▶ put … put ──▶ finish ──▶ complete, a record
///                         │ written
///                         ▼ those who get it: `Hub+Getting`
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
  mutating func open(_ seq: Seq) {
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
