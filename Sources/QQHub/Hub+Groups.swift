import QQJournal
import QQProtocol

extension Hub {
  static let groupsPerUser = 1_000

  mutating func receiveJoin(_ ref: Int64?, _ name: String, from id: SessionID, _ user: UserID) {
    guard let group = group(name, ref, from: id) else { return }
    guard directory[user]?.isGuest == false else {
      return answer(id, .error(.init(ref: ref, .guest, "a guest can't join a group: connect with TLS")))
    }
    guard joins.take(user, now: now, configuration.joins) else {
      return answer(
        id,
        .error(
          .init(
            ref: ref, .quota, "you joined \(configuration.joins.burst) groups just now: try again in a minute",
            to: group.description)))
    }
    propose(.join(user, group: group.text), from: id, ref: ref)
  }

  mutating func receiveLeave(_ ref: Int64?, _ name: String, from id: SessionID, _ user: UserID) {
    guard let group = group(name, ref, from: id) else { return }
    propose(.leave(user, group: group.text), from: id, ref: ref)
  }

  private mutating func group(_ name: String, _ ref: Int64?, from id: SessionID) -> GroupName? {
    do {
      let group = try GroupName(name)
      guard group.folded != "all" else {
        answer(id, .error(.init(ref: ref, .badTarget, "@all is everybody: nobody joins or leaves it", to: "@all")))
        return nil
      }
      return group
    } catch {
      answer(id, .error(.init(ref: ref, .badTarget, "\"\(name)\" can't be a group: \(error.message)", to: name)))
      return nil
    }
  }

  // MARK: Applied

  mutating func applyJoin(_ user: UserID, _ name: String, at seq: Seq, from session: SessionID?, ref: Int64?) {
    guard let group = try? GroupName(name), let stays = directory[user]?.stays, !directory.isRemoved(user) else {
      return
    }
    let isMember = directory.group(name).map { directory[user]?.isMember(of: $0.row.id) == true } ?? false
    guard isMember || stays.count(where: { $0.left == nil }) < Self.groupsPerUser else {
      if let session {
        answer(session, .error(.init(ref: ref, .badTarget, "nobody can be in more than \(Self.groupsPerUser) groups")))
      }
      return
    }
    guard directory.group(name) != nil || directory.hasNumberForGroup else {
      if let session { answer(session, .error(.init(ref: ref, .quota, "this hub has had as many groups as it can"))) }
      return
    }
    directory.join(user, group, at: seq)
    if let session { answer(session, .ok(.init(ref: ref, seq: seq))) }
  }

  mutating func applyLeave(_ user: UserID, _ name: String, at seq: Seq, from session: SessionID?, ref: Int64?) {
    guard let group = directory.group(name), directory[user]?.isMember(of: group.row.id) == true else {
      if let session {
        answer(session, .error(.init(ref: ref, .notMember, "you are not in @\(name)", to: "@" + name)))
      }
      return
    }
    directory.leave(user, group.row.id, at: seq)
    if let session { answer(session, .ok(.init(ref: ref, seq: seq))) }
  }
}
