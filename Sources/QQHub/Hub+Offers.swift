import QQJournal
import QQProtocol

/// Offering files, and what becomes of an offer: an offer is a message whose bytes come later.
extension Hub {
  /// An offer waits for the spool to say how much room there is. The retry of one that was accepted takes no room, and is
  /// answered as that one was. One that is on its way may come to nothing: whoever says its id again is measured, too.
  mutating func measure(_ send: ClientFrame.Send, _ info: FileInfo, _ sender: Sending) {
    if files.isKept(send.id, of: sender.user) {
      files.reserve(send.id, of: sender.user, size: 0)
      return offer(send, info, sender)
    }
    if let failure = tooMany(info, sender.user) ?? refusal(info, sender.user) {
      return answer(sender.session, .error(.init(ref: send.ref, failure.code, failure.message, id: send.id)))
    }
    let token = nextToken
    nextToken += 1
    files.measure(send, of: sender.user, sender.session, token)
    sessions[sender.session]?.outstanding += 1
    deliveries.append(.spool(.measure(token: token)))
  }

  mutating func measured(_ token: UInt64, free: Int64) {
    guard let (id, user, send) = files.measured(token) else { return }
    sessions[id]?.outstanding -= 1
    defer { closeIfDone(id) }
    guard let info = send.file, let sender = sending(id) else { return files.release(send.id, of: user) }
    let size = info.size ?? 0
    // What others bring just now may need all that is free: less than nothing is left then.
    let (room, overflow) = free.subtractingReportingOverflow(configuration.files.reserve)
    let left = overflow ? 0 : max(0, room) - min(max(0, room), files.outstanding)
    if size > left || size == 0 && room < 0 {
      files.release(send.id, of: user)
      return answer(
        id,
        .error(
          .init(
            ref: send.ref, .noSpace,
            "the hub's disk has no room for \"\(info.name)\": \(ByteCount.text(size)) are wanted, "
              + "\(ByteCount.text(left)) are left", id: send.id)))
    }
    offer(send, info, sender)
  }

  private mutating func offer(_ send: ClientFrame.Send, _ info: FileInfo, _ sender: Sending) {
    let targets = send.to.map { resolveAddress($0, lastSeen: send.lastSeen, peer: sender.peer) }
    if send.wantsReceipts {
      wantsReceipts.insert(ReceiptKey(session: sender.session, ref: send.ref, id: send.id))
    }
    propose(
      .message(
        MessageBody(
          sender: sender.user, from: sender.nick, address: sender.peer.address, id: send.id, targets: targets, text: "",
          attachment: .file(info))), from: sender.session, ref: send.ref)
  }

  /// Why a file of this size isn't taken.
  private func refusal(_ info: FileInfo, _ user: UserID) -> (code: ErrorCode, message: String)? {
    let limits = configuration.files
    let size = info.size ?? 0
    func text(_ count: Int64) -> String { ByteCount.text(count) }
    if size > limits.file {
      return (.fileTooLarge, "\"\(info.name)\" is larger than this hub takes (\(text(limits.file)) at most)")
    }
    if size > limits.user - min(limits.user, files.total(of: user).bytes) {
      return (
        .quota,
        "\"\(info.name)\" would be more than the \(text(limits.user)) that this hub keeps for one user "
          + "(\(text(files.total(of: user).bytes)) are kept: they go as they are saved, or with time)"
      )
    }
    if size > limits.total - min(limits.total, files.total.bytes) {
      return (.quota, "\"\(info.name)\" would be more than the \(text(limits.total)) that this hub keeps in all")
    }
    return nil
  }

  private func tooMany(_ info: FileInfo, _ user: UserID) -> (code: ErrorCode, message: String)? {
    let limit = configuration.files.userCount
    guard files.total(of: user).count >= limit else { return nil }
    return (
      .quota,
      "\"\(info.name)\" would be one more than the \(limit) files that this hub keeps for one user: send a folder"
    )
  }

  /// Whether a file whose size wasn't known grows beyond what is taken.
  func outgrown(_ file: Files.File, _ size: Int64) -> (code: ErrorCode, message: String)? {
    guard file.row.info.size == nil else { return nil }
    var rest = file.row.info
    rest.size = size - file.size
    if size > configuration.files.file { rest.size = size }
    return refusal(rest, file.row.offer.sender)
  }

  // MARK: Applied

  /// For the completion of a file: whom it was offered to; nil for any other message.
  func completed(_ body: MessageBody) -> Resolution? {
    guard case .complete(let seq, _, _)? = body.attachment else { return nil }
    guard let row = files[seq]?.row, row.content == nil else { return Resolution() }
    return Resolution(
      reached: body.targets.map { ($0.name, row.audience) }, failures: [], conversations: row.conversations,
      users: row.audience)
  }

  /// What an accepted message says of a file.
  mutating func attached(
    _ body: MessageBody, _ committed: Committed, _ resolution: Resolution, from session: SessionID?, ref: Int64?
  ) {
    switch body.attachment {
    case nil: break
    case .file:
      put(
        FileRow(
          seq: committed.seq, time: committed.record.time, offer: body, audience: resolution.users,
          conversations: resolution.conversations))
    case .complete(let seq, let size, let hash):
      guard var row = files[seq]?.row else { break }
      row.content = .init(size: size, hash: hash)
      put(row)
      files.update(seq) { $0.verified = size }
      if let uploader = files[seq]?.uploader { endTransfer(uploader) }
      deliveries.append(.spool(.keep(seq, hash)))
      if let session { answer(session, .ok(.init(ref: ref, seq: seq, hash: hash))) }
      for getter in files[seq]?.getters ?? [] { pumpFile(getter) }
      discardIfSaved(seq)
    }
  }

  private mutating func put(_ row: FileRow) {
    files.put(row)
    directory.changes.append(.file(row))
  }

  mutating func applySaved(_ user: UserID, _ seq: Seq, from session: SessionID?, ref: Int64?, time: Timestamp) {
    if directory.isRemoved(user) { return }
    if var row = files[seq]?.row, !row.saved.binarySearch(user) {
      row.saved.insert(user, at: row.saved.firstIndex { $0 > user } ?? row.saved.endIndex)
      put(row)
      let nick = directory[user]?.row.nick ?? ""
      for told in receipts.saved(user, seq) {
        answer(told.session, .receipt(.init(time: time, id: told.id, nick: told.formerNick ?? nick)))
      }
      discardIfSaved(seq)
    }
    if let session { answer(session, .ok(.init(ref: ref, seq: seq))) }
  }

  /// How long a file stays once everybody has it: for who is about to get it a second time.
  private static let discardDelay: Int64 = 60_000

  mutating func discardIfSaved(_ seq: Seq) {
    guard let row = files[seq]?.row, row.content != nil else { return }
    let everybody = row.audience ?? members(of: .group("all"), at: seq) ?? []
    let others = everybody == [row.offer.sender] ? everybody : everybody.filter { $0 != row.offer.sender }
    guard others.allSatisfy({ row.saved.binarySearch($0) || directory[$0]?.isRemoved != false }) else { return }
    files.discard(seq, at: now + Self.discardDelay)
  }

  mutating func expire(before time: Timestamp) {
    for file in files.all.values where file.row.time < time { files.discard(file.row.seq, at: now) }
  }

  mutating func proposeDiscards() {
    let seqs = files.takeDue(now)
    if !seqs.isEmpty { propose(.discard(seqs), from: Self.nobody, ref: nil) }
  }

  /// What is whole isn't taken back: somebody may have it already.
  mutating func receiveWithdraw(_ ref: Int64?, _ file: MessageID, from id: SessionID, _ user: UserID) {
    let found = files.offered(file).first { $0.row.offer.sender == user && $0.row.content == nil }
    guard let found else {
      return answer(
        id, .error(.init(ref: ref, .unknownFile, "there is no unfinished file \(file) of this user", id: file)))
    }
    propose(.discard([found.row.seq]), from: id, ref: ref)
  }

  mutating func applyDiscard(_ seqs: [Seq], from session: SessionID?, ref: Int64?) {
    if let session { answer(session, .ok(.init(ref: ref))) }
    for seq in seqs {
      guard let file = files.remove(seq) else { continue }
      for getter in file.getters { fail(getter, .fileGone, "\"\(file.row.info.name)\" is kept no longer") }
      if let uploader = file.uploader { fail(uploader, .fileGone, "\"\(file.row.info.name)\" is kept no longer") }
      receipts.forget(seq)
      directory.changes.append(.forgetFile(seq))
      let hash = file.row.content?.hash
      deliveries.append(.spool(.remove(seq, hash.flatMap { files.isShared($0) ? nil : $0 })))
    }
  }

  // MARK: As events

  static func event(_ body: MessageBody, _ attachment: Attachment, _ seq: Seq, _ time: Timestamp) -> HubFrame? {
    switch attachment {
    case .file(let info):
      .file(
        HubFrame.File(
          id: body.id, seq: seq, time: time, from: body.from, address: body.address.description,
          to: body.targets.map(\.name), info: info))
    case .complete(_, let size, let hash):
      .complete(
        HubFrame.Complete(
          id: body.id.ofCompletion, seq: seq, time: time, from: body.from, to: body.targets.map(\.name),
          name: body.text, size: size, hash: hash))
    }
  }
}

extension MessageBody {
  var isOffer: Bool { if case .file? = attachment { true } else { false } }
}

extension MessageID {
  /// The completion of a file is a message too, and its id is the file's with the highest bit turned over. Twice gives
  /// the id itself.
  var ofCompletion: MessageID { MessageID(high: high ^ 1 << 63, low: low) }
}
