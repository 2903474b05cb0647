import QQJournal
import QQProtocol

/// What has become durable is decided here, in the journal's order. Applying the same records to the same snapshot
/// gives the same state on every hub.
extension Hub {
  mutating func apply(_ batch: CommittedBatch) {
    recent.forget(through: batch.projected)
    var admitted: [SessionID] = []
    var run = Run()
    for committed in batch.records {
      let origin = committed.record.origin
      let isOurs = origin.hub == configuration.instance
      if isOurs, run.session != origin.session { begin(&run, origin.session) }
      let session = isOurs && run.isThere ? origin.session : nil
      let ref = origin.ref == Self.noRef ? nil : origin.ref
      if isOurs {
        uncommitted -= 1
        returned(committed.record.body)
      }
      now = max(now, committed.record.time)
      applied = committed.seq
      switch committed.record.body {
      case .message(let body): apply(body, committed, from: session, ref: ref, &run)
      case .admit(let body): apply(body, at: committed.seq, time: committed.record.time, from: session)
      case .rename(let user, let nick):
        applyRename(user, nick, time: committed.record.time, from: session, ref: ref)
      case .join(let user, let group): applyJoin(user, group, at: committed.seq, from: session, ref: ref)
      case .leave(let user, let group): applyLeave(user, group, at: committed.seq, from: session, ref: ref)
      case .saved(let user, let file): applySaved(user, file, from: session, ref: ref, time: committed.record.time)
      case .discard(let seqs): applyDiscard(seqs, from: session, ref: ref)
      case .invite(let body): applyInvite(body, time: committed.record.time, from: session, ref: ref)
      case .revoke(let hash): applyRevoke(hash, time: committed.record.time, from: session, ref: ref)
      case .remove(let user):
        applyRemove(user, at: committed.seq, time: committed.record.time, from: session, ref: ref)
      case .restore(let user): applyRestore(user, at: committed.seq, from: session, ref: ref)
      case .prune(let seq, let users):
        hasPruned = true
        directory.prune(users, through: seq)
      case .cursors(let moves): for move in moves { apply(move, time: committed.record.time) }
      case .seen(let user, let address):
        let time = committed.record.time
        directory.update(user) { row in
          row.address = address
          row.seen = time
        }
      }
      if session != nil { run.answered += 1 }
      // Anything but a message may change who is here.
      if case .message = committed.record.body { continue }
      if let session, case .admit = committed.record.body { admitted.append(session) }
      end(&run)
    }
    end(&run)
    if isFull, batch.records.contains(where: { !$0.record.isEssential }) { noticeRoom() }
    if !batch.records.isEmpty {
      deliveries.append(.project(Projection(changes: directory.changes, through: applied)))
      directory.changes.removeAll(keepingCapacity: true)
    }
    for session in admitted { goOn(session) }
  }

  /// A proposal of this hub's own has come back.
  @inline(__always)
  mutating func returned(_ body: Record.Body) {
    if case .message(let message) = body {
      guard let attachment = message.attachment else { return }
      // An offer counted while it was on its way; one that is accepted counts as itself.
      if case .file = attachment { files.release(message.id, of: message.sender) }
    }
    uncommittedChanges -= 1
  }

  /// Consecutive records of one session, which is looked up once for all of them.
  private struct Run {
    var session: SessionID?
    var isThere = false
    var isReading = false
    var answered = 0
    /// The newest message that was sent while the session didn't listen.
    var sentBefore: Seq = 0
  }

  private mutating func begin(_ run: inout Run, _ id: SessionID) {
    end(&run)
    let session = sessions[id]
    run = Run(session: id, isThere: session != nil, isReading: session?.reading != nil)
  }

  private mutating func end(_ run: inout Run) {
    guard let id = run.session else { return }
    if run.sentBefore > 0 { sessions[id]?.sentBefore = run.sentBefore }
    if run.answered > 0 {
      sessions[id]?.outstanding -= run.answered
      goOn(id)
      closeIfDone(id)
    }
    run = Run()
  }

  private mutating func apply(
    _ body: MessageBody, _ committed: Committed, from session: SessionID?, ref: Int64?, _ run: inout Run
  ) {
    let receipts = takeWanted(body.id, committed.record.origin, ref)
    if let session, Self.isHeavy(body.targets, wantsReceipts: receipts), body.attachment == nil {
      sessions[session]?.heavySends -= 1
    }
    // Said before the removal was known, and ordered behind it.
    if directory.isRemoved(body.sender) { return }
    let digest = ContentDigest.of(body)
    if let earlier = recent[body.sender, body.id] ?? committed.earlier {
      guard let session else { return }
      return answerAgain(body, earlier, digest, to: session, ref: ref, receipts: receipts)
    }
    let hasAttachment = body.attachment != nil
    let resolution = hasAttachment ? completed(body) ?? resolve(body) : resolve(body)
    for failure in resolution.failures {
      guard let session else { break }
      answer(
        session,
        .error(.init(ref: ref, code: failure.code, message: failure.message, to: failure.target, id: body.id)))
    }
    // Reached nobody: nothing is kept, and the id is free for another try.
    guard !resolution.reached.isEmpty else { return }
    recent.insert(
      Earlier(seq: committed.seq, digest: digest, failures: resolution.failures, targets: body.targets),
      sender: body.sender, id: body.id)
    directory.changes.append(
      .message(
        MessageIndex(
          seq: committed.seq, sender: body.sender, id: body.id, digest: digest, failures: resolution.failures,
          conversations: resolution.conversations)))
    for case .group(let group) in resolution.conversations { directory.use(group) }
    if hasAttachment { attached(body, committed, resolution, from: session, ref: ref) }
    if let session, !hasAttachment || body.isOffer {
      answerSent(
        body, resolution, seq: committed.seq, isDuplicate: false, to: session, ref: ref, receipts: receipts)
    }
    var except: SessionID?
    if let session {
      if run.isReading { except = session } else { run.sentBefore = committed.seq }
    }
    let audience: Audience = resolution.users.map { .users($0, except: except) } ?? .everyone(except: except)
    // A segment is written whole: without a limit one big commit would be all at once for a reader that is behind.
    if builder.audience != audience || builder.size >= configuration.catchUpBytes { flushSegment() }
    builder.add(body, committed, audience)
  }

  /// Whether the sender asked for receipts. Asked for every record of ours, also where its session is gone: what isn't
  /// taken out here would stay.
  mutating func takeWanted(_ id: MessageID, _ origin: Origin, _ ref: Int64?) -> Bool {
    guard !wantsReceipts.isEmpty, origin.hub == configuration.instance else { return false }
    return wantsReceipts.remove(ReceiptKey(session: origin.session, ref: ref, id: id)) != nil
  }

  private mutating func answerAgain(
    _ body: MessageBody, _ earlier: Earlier, _ digest: UInt64, to session: SessionID, ref: Int64?, receipts: Bool
  ) {
    guard earlier.digest == digest else {
      return answer(
        session,
        .error(
          .init(
            ref: ref, .idConflict, "another message was sent under the id \(body.id) (seq \(earlier.seq))", id: body.id)
        ))
    }
    var failed: Set<String> = []
    for failure in earlier.failures {
      failed.insert(failure.target)
      answer(
        session,
        .error(.init(ref: ref, code: failure.code, message: failure.message, to: failure.target, id: body.id)))
    }
    if case .complete(let file, _, let hash)? = body.attachment {
      return answer(session, .ok(.init(ref: ref, seq: file, hash: hash)))
    }
    // Whom an address stood for is not known any more once the record was removed: not who is there now.
    let targets = earlier.targets.isEmpty ? body.targets.map(\.withoutUsers) : earlier.targets
    var resolution = Resolution()
    for target in targets.uniqued where !failed.contains(target.name) {
      resolution.reached.append((target.name, members(of: target, at: earlier.seq)))
    }
    answerSent(
      body, resolution, seq: earlier.seq, isDuplicate: true, to: session, ref: ref, receipts: receipts)
  }

  /// One `sent` a target; with `receipts` each names who hasn't got it yet, and the session is told as they do.
  private mutating func answerSent(
    _ body: MessageBody, _ resolution: Resolution, seq: Seq, isDuplicate: Bool, to session: SessionID, ref: Int64?,
    receipts wanted: Bool
  ) {
    var remaining: Set<UserID> = []
    // The bytes of a file may be still to come.
    let status = body.isOffer && files[seq]?.row.content == nil ? "offered" : "stored"
    for (name, users) in resolution.reached {
      var awaiting: [UserID]?
      if wanted {
        let everybody = users ?? members(of: .group("all"), at: seq) ?? []
        // A group is everybody in it but the sender; who writes to nobody else waits for the own reader, unless that is
        // the session that sent it, which isn't written to.
        let isOwnReader = everybody == [body.sender] && sessions[session]?.reading == nil
        let others = isOwnReader ? everybody : everybody.filter { $0 != body.sender }
        let file = body.isOffer ? files[seq] : nil
        awaiting = others.filter { user in
          body.isOffer ? file?.row.saved.binarySearch(user) == false : (directory[user]?.delivered ?? .max) < seq
        }
        remaining.formUnion(awaiting ?? [])
      }
      var rest = awaiting?[...]
      repeat {
        let some = rest?.prefix(ProtocolLimits.awaiting)
        rest = rest?.dropFirst(ProtocolLimits.awaiting)
        answer(
          session,
          .sent(
            .init(
              ref: ref, id: body.id, seq: seq, to: name, status: status, isDuplicate: isDuplicate,
              awaiting: some.map { $0.compactMap { directory[$0]?.row.nick } }, more: rest?.isEmpty == false)))
      } while rest?.isEmpty == false
    }
    guard wanted else { return }
    // Of a file that isn't kept any more nobody will have anything.
    guard !body.isOffer || files[seq] != nil else { return }
    receipts.wait(
      Receipts.Waiting(
        seq: seq, id: body.id, session: session, sender: body.sender, isOffer: body.isOffer,
        remaining: remaining.sorted()))
  }

  mutating func apply(_ move: CursorMove, time: Timestamp) {
    let key = CursorKey(user: move.user, name: move.name)
    if let seq = movesUnderWay[key], seq <= move.seq { movesUnderWay[key] = nil }
    guard let before = directory.move(.init(user: move.user, name: move.name, seq: min(move.seq, applied))),
      let user = directory[move.user], user.delivered > before
    else { return }
    for told in receipts.delivered(move.user, from: before, through: user.delivered) {
      answer(told.session, .receipt(.init(time: time, id: told.id, nick: told.formerNick ?? user.row.nick)))
    }
  }
}
