import QQJournal
import QQProtocol

/// A request whose answer grows with how much the hub knows: it is answered over several turns.
enum Job: Sendable {
  case who(ClientFrame.Who, after: NickOrder.Entry?)
  case files(ref: Int64?, after: Seq)
  case invites(ref: Int64?, [InviteRow].SubSequence)
}

extension Hub {
  /// Goes on with what a session asked for.
  mutating func work(_ id: SessionID) {
    guard let session = sessions[id], let job = session.job, let user = session.user else {
      sessions[id]?.job = nil
      return
    }
    turns.spend(2)
    switch job {
    case .who(let who, let place): list(who, after: place, for: id)
    case .files(let ref, let after): listFiles(ref, after: after, for: id, user)
    case .invites(let ref, let rows): listInvites(ref, rows, for: id)
    }
  }

  /// Whether the session's channel has to say now that it takes more: what it says waits until then.
  mutating func answered(_ id: SessionID, _ bytes: Int) -> Bool {
    guard let before = sessions[id]?.answered else { return false }
    sessions[id]?.answered = before + bytes
    guard before + bytes >= configuration.turns.answers, sessions[id]?.awaitsChannel == false else { return false }
    sessions[id]?.awaitsChannel = true
    return true
  }

  mutating func tookAnswers(_ id: SessionID) {
    guard sessions[id]?.awaitsChannel == true else { return }
    sessions[id]?.awaitsChannel = false
    sessions[id]?.answered = 0
    goOn(id)
    closeIfDone(id)
  }
}
