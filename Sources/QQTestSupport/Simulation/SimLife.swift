import QQJournal
import QQProtocol

/// One process that reads, from its start to its end or to a new epoch, and what it must and must not be shown. Checked
/// event by event: what comes next is the next message for this user, or a gap.
final class SimLife {
  private unowned let world: World
  let client: Int
  let epoch: String
  let key: [UInt8]
  let cursor: String
  let reading: ReadingPlan
  private let name: String
  /// After which seq events come; nil until the hub has said so.
  private(set) var start: Seq?
  /// How far it has been shown everything.
  private(set) var last: Seq = 0

  init(_ world: World, client: Int, epoch: String, key: [UInt8], reading: ReadingPlan, name: String) {
    self.world = world
    self.client = client
    self.epoch = epoch
    self.key = key
    self.reading = reading
    self.name = name
    cursor = reading.cursor
  }

  private func fail(_ kind: Violation.Kind, _ text: String) { world.violation(kind, "\(name): \(text)") }

  private var directory: SimDirectory? { world.oracle[epoch] }

  /// The hub's first answer to `listen`.
  func started(after seq: Seq) {
    start = seq
    last = seq
    world.note("\(name) reads \(reading.cursor) from \(reading.start) after \(seq)")
    guard reading.start == .unread else { return checkTime(seq) }
    let floor = world.oracle.processed(key, cursor, epoch)
    if seq > floor {
      fail(.missing, "reading begins after \(seq), but only what is up to \(floor) has been processed")
    }
  }

  private func checkTime(_ seq: Seq) {
    guard case .time(let time) = reading.start, epoch == world.journal.epoch, let directory else { return }
    let log = world.journal.log
    guard let first = log.firstIndex(where: { $0.time >= time }), seq > first else { return }
    // Times don't go back within the journal, so everything from `first` on is as new as was asked for.
    if let missed = (Seq(first) + 1...seq).first(where: { directory.messages[$0] != nil }) {
      fail(.missing, "reading from a time begins after \(seq), and \(missed) is as new")
    }
  }

  func shown(_ message: HubFrame.Message) {
    world.note("\(name) is shown \(message.seq)")
    guard let directory, let user = directory.user(key: key) else {
      return fail(.notTheirs, "nobody is shown \(message.id)")
    }
    guard start != nil else { return fail(.shownTwice, "\(message.seq) comes before the answer to listen") }
    guard message.seq > last else { return fail(.shownTwice, "\(message.seq) comes after \(last)") }
    guard let stored = directory.messages[message.seq] else {
      return fail(.lostAcknowledged, "\(message.seq) is shown, which the journal doesn't have as a message")
    }
    guard stored.audience.contains(user.id) else {
      return fail(.notTheirs, "\(message.seq) to \(message.to) is shown to \(user.nick)")
    }
    let body = stored.body
    guard body.id == message.id, body.text == message.text, body.from == message.from,
      body.targets.map(\.text) == message.to
    else { return fail(.wrongContent, "\(message.seq) is shown as \(message.id) \(message.text.prefix(40))") }
    if let missed = expected(before: message.seq) {
      return fail(.missing, "\(missed) is missing before \(message.seq)")
    }
    last = message.seq
  }

  func shownGap(from: Seq, through: Seq) {
    world.happenings[.gap] += 1
    world.note("\(name) is shown the gap \(from) to \(through)")
    if through <= last { return fail(.shownTwice, "a gap through \(through) comes after \(last)") }
    if through >= world.oracle.floor(epoch) {
      return fail(.missing, "a gap through \(through) is told, but \(world.oracle.floor(epoch)) is still kept")
    }
    if let missed = expected(before: from) { return fail(.missing, "\(missed) is missing before a gap from \(from)") }
    last = through
  }

  /// The first message after the last shown one that should have been shown before `seq`.
  func expected(before seq: Seq) -> Seq? {
    guard let directory, let user = directory.user(key: key) else { return nil }
    var index = user.inbox.index(above: max(last, user.start))
    while index < user.inbox.count, user.inbox[index] < seq {
      let next = user.inbox[index]
      index += 1
      // A session isn't sent what it has sent.
      if let message = directory.messages[next], message.body.sender == user.id,
        world.oracle.wasSubmitted(message.body.id, by: client)
      {
        continue
      }
      // Whoever asks for all that is kept isn't told what is not.
      if reading.start == .seq(0), next < world.oracle.floor(epoch) { continue }
      return next
    }
    return nil
  }
}
