import QQJournal
import QQProtocol

/// Who is let in no more. A removed user stays known, so that the key is refused under any rule of admission and the
/// nick is nobody else's; but is no target, in no group, and hears nothing.
extension Hub {
  mutating func receiveRemove(_ ref: Int64?, _ name: String, from id: SessionID) {
    guard let user = subject(name, ref, from: id) else { return }
    guard let row = directory[user]?.row else { return }
    // A guest has no key to refuse: it is sent away, and nobody remembers it.
    guard let key = row.key else {
      note(.removed(nick: row.nick, by: nick(of: id)))
      for session in present.sessions(of: user) { fail(session, .removed, Self.guestRemoved) }
      return answer(id, .ok(.init(ref: ref, nick: row.nick)))
    }
    guard !configuration.ownerKeys.contains(key) else {
      return answer(
        id,
        .error(
          .init(
            ref: ref, .badTarget,
            "\"\(name)\" is an owner of this hub, by --owner or as who starts it: only who is none is removed")))
    }
    propose(.remove(user), from: id, ref: ref)
  }

  private static let guestRemoved = "an owner of this hub sent this guest away"

  mutating func receiveRestore(_ ref: Int64?, _ name: String, from id: SessionID) {
    guard let user = subject(name, ref, from: id) else { return }
    propose(.restore(user), from: id, ref: ref)
  }

  /// The user that an owner means, by nick or by key, removed or not.
  private mutating func subject(_ name: String, _ ref: Int64?, from id: SessionID) -> UserID? {
    guard isOwner(id) else {
      answer(
        id,
        .error(.init(ref: ref, .notOwner, "only an owner of this hub\(owners) removes users and lets them in again")))
      return nil
    }
    let key = Base64.standard.bytes(name.hasPrefix("SHA256:") ? name.dropFirst(7) : "")
    if let user = key.flatMap(directory.user(key:)) ?? directory.user(nick: name) { return user }
    answer(
      id,
      .error(
        .init(
          ref: ref, .unknownTarget, "there is no user \"\(name)\", by nick or key (qq admin members lists them)",
          to: name)))
    return nil
  }

  // MARK: Applied

  mutating func applyRemove(
    _ user: UserID, at seq: Seq, time: Timestamp, from session: SessionID?, ref: Int64?
  ) {
    guard let before = directory[user] else { return }
    if !before.isRemoved {
      // What the tail has was heard before.
      flushSegment()
      directory.update(user) { $0.leave(at: seq, time: time) }
      for stay in before.stays where stay.left == nil { directory.leave(user, stay.group, at: seq) }
      for var invite in directory.invites.made(by: user) where invite.end == nil {
        invite.end = .revoked(at: time)
        directory.put(invite)
      }
      for file in files.all.keys.sorted() { discardIfSaved(file) }
      if let session { note(.removed(nick: before.row.nick, by: nick(of: session))) }
    }
    if let session { answer(session, .ok(.init(ref: ref, nick: before.row.nick))) }
    for id in present.sessions(of: user) {
      fail(id, .removed, Self.removedMessage)
    }
  }

  mutating func applyRestore(_ user: UserID, at seq: Seq, from session: SessionID?, ref: Int64?) {
    guard let row = directory[user]?.row else { return }
    if row.removed != nil {
      flushSegment()
      directory.update(user) { $0.comeBack(at: seq) }
      for file in files.all.values where isMeant(user, by: file.row) && !file.row.saved.binarySearch(user) {
        files.keep(file.row.seq)
      }
      if let session { note(.restored(nick: row.nick, by: nick(of: session))) }
    }
    if let session { answer(session, .ok(.init(ref: ref, nick: row.nick))) }
  }
}
