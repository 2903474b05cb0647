import QQClient
import QQJournal
import QQProtocol

/// Knows from the journal what is true, and hears from the clients what they were told.
final class Oracle {
  private unowned let world: World
  private var directories: [String: SimDirectory] = [:]
  private var floors: [String: Seq] = [:]
  private var current = ""
  /// By user, cursor and epoch: how far some process has shown everything.
  private var processed: [CursorKey: Seq] = [:]
  private var submissions: [Submission] = []
  private var submitted: Set<Submission.Key> = []

  private struct CursorKey: Hashable {
    var key: [UInt8]
    var cursor: String
    var epoch: String
  }

  private struct Submission {
    struct Key: Hashable {
      var id: MessageID
      var client: Int
    }

    var client: Int
    var key: [UInt8]
    var message: OutgoingMessage
  }

  init(_ world: World) { self.world = world }

  subscript(epoch: String) -> SimDirectory? { directories[epoch] }
  var directory: SimDirectory { directories[current] ?? SimDirectory() }

  // MARK: The journal

  func begin(_ epoch: String) {
    current = epoch
    directories[epoch] = SimDirectory()
  }

  /// The first seq that is kept.
  func floor(_ epoch: String) -> Seq { floors[epoch] ?? 1 }

  func removed(before seq: Seq) { floors[current] = max(floor(current), seq) }

  func committed(_ records: [Record]) {
    for record in records {
      if case .cursors(let moves) = record.body { check(moves) }
      directories[current]?.apply(record)
    }
  }

  private func check(_ moves: [CursorMove]) {
    for move in moves {
      guard Int(move.user.rawValue) <= directory.users.count else { continue }
      let user = directory[move.user]
      // Who means no good acknowledges what it likes.
      if user.key.first ?? 0 >= SimHostile.firstKey { continue }
      let most = processed(user.key, move.name, current)
      if move.seq > most {
        world.violation(.cursorAhead, "\(user.nick)'s cursor moves to \(move.seq), processed is \(most)")
      }
    }
  }

  // MARK: Readers

  /// Where nothing was processed, reading begins where the user began.
  func processed(_ key: [UInt8], _ cursor: String, _ epoch: String) -> Seq {
    processed[CursorKey(key: key, cursor: cursor, epoch: epoch)] ?? directories[epoch]?.user(key: key)?.start ?? 0
  }

  func processed(_ life: SimLife, through seq: Seq) {
    let key = CursorKey(key: life.key, cursor: life.cursor, epoch: life.epoch)
    processed[key] = max(processed[key] ?? 0, seq)
  }

  // MARK: Senders

  func submitted(_ message: OutgoingMessage, client: Int, key: [UInt8]) {
    if submitted.insert(.init(id: message.id, client: client)).inserted {
      submissions.append(Submission(client: client, key: key, message: message))
    }
  }

  func wasSubmitted(_ id: MessageID, by client: Int) -> Bool { submitted.contains(.init(id: id, client: client)) }

  func told(_ result: OutboxResult, of message: OutgoingMessage, isRepeated: Bool, to key: [UInt8], epoch: String) {
    guard let directory = directories[epoch], let sender = directory.user(key: key) else { return }
    let stored = directory.message(sender.id, message.id)
    let isSame = stored.map { $0.body.text == message.text && $0.body.targets.map(\.text) == message.to } ?? false
    switch result {
    case .sent(let sent):
      if sent.isDuplicate { world.happenings[.duplicate] += 1 }
      guard isSame, let stored, stored.seq == sent.seq else {
        return world.violation(
          .lostAcknowledged, "\(sent.id) is acknowledged as \(sent.seq), stored is \(stored?.seq ?? 0)")
      }
      check(awaiting: sent, stored, directory)
    case .failed(let failure):
      world.happenings[failure.code == ErrorCode.idConflict.rawValue ? .idConflict : .failure] += 1
      // Where a message is given twice, the first may fail and the second be stored before that is heard.
      guard isSame, let stored, !isRepeated else { return }
      if failure.to.map({ !stored.failed.contains($0) }) ?? true {
        world.violation(
          .falseFailure,
          "\(message.id) to \(failure.to ?? "-") is stored as \(stored.seq), told is \(failure.code): \(failure.message)"
        )
      }
    case .receipt(let receipt):
      world.happenings[.receipt] += 1
      guard let stored, let user = directory.user(nick: receipt.nick) else { return }
      if user.delivered < stored.seq {
        world.violation(.falseReceipt, "\(receipt.nick) has \(stored.seq), but only up to \(user.delivered) is sure")
      }
    }
  }

  /// Whoever isn't named as missing has the message.
  private func check(awaiting sent: HubFrame.Sent, _ stored: SimDirectory.Message, _ directory: SimDirectory) {
    guard sent.awaiting?.isEmpty == true, let target = stored.body.targets.first(where: { $0.text == sent.to }),
      case .nick(let nick) = target, let user = directory.user(nick: nick), user.id != stored.body.sender
    else { return }
    if user.delivered < stored.seq {
      world.violation(.falseReceipt, "\(sent.id) awaits nobody, but \(nick) has only \(user.delivered)")
    }
  }

  /// A sender that waits for receipts believes that everybody has a message.
  func believed(_ message: OutgoingMessage, key: [UInt8], epoch: String) {
    guard let directory = directories[epoch], let sender = directory.user(key: key),
      let stored = directory.message(sender.id, message.id), stored.body.text == message.text,
      // Nobody can wait for what is kept no longer.
      stored.seq >= floor(epoch)
    else { return }
    for id in stored.audience where id != sender.id && directory[id].delivered < stored.seq {
      let user = directory[id]
      world.violation(.falseReceipt, "\(message.id) counts as delivered, \(user.nick) has only \(user.delivered)")
    }
  }

  // MARK: The end

  /// A sender's messages that nothing can refuse are stored in the order in which they were given.
  func checkOrder() {
    var last: [Int: Seq] = [:]
    for submission in submissions where submission.message.to.contains("@all") {
      guard let sender = directory.user(key: submission.key),
        let stored = directory.message(sender.id, submission.message.id), stored.body.text == submission.message.text
      else { continue }
      if stored.seq < last[submission.client] ?? 0 {
        world.violation(.outOfOrder, "\(submission.message.id) is stored as \(stored.seq), the one before later")
      }
      last[submission.client] = stored.seq
    }
  }

  /// What the store has is what the journal says.
  func checkProjection(_ view: SimProjection) {
    let directory = directory
    var findings: [String] = []
    let messages = directory.messages.values.sorted { $0.seq < $1.seq }
    if view.messages.map(\.seq) != messages.map(\.seq) {
      findings.append("messages \(view.messages.map(\.seq)) for \(messages.map(\.seq))")
    }
    if view.users.map(\.nick) != directory.users.map(\.nick) { findings.append("nicks") }
    if view.users.map(\.start) != directory.users.map(\.start) { findings.append("starts") }
    for user in directory.users {
      let groups = view.memberships.filter { $0.user == user.id && $0.left == nil }
        .compactMap { row in view.groups.first { $0.id == row.group }?.name.lowercased() }
      if groups.sorted() != user.groups.sorted() { findings.append("\(user.nick)'s groups") }
      for move in view.cursors where move.user == user.id && move.seq != user.cursors[move.name] {
        findings.append("\(user.nick)'s cursor \(move.name)")
      }
    }
    for (index, message) in zip(view.messages, messages) where Set(index.failures.map(\.target)) != message.failed {
      findings.append("the failures of \(message.seq)")
    }
    if !findings.isEmpty { world.violation(.divergence, findings.joined(separator: ", ")) }
  }
}
