import QQJournal
import QQProtocol

extension Database {
  func page(_ query: PageQuery) throws(SQLiteJournalError) -> Page {
    let limit = min(max(query.limit, 0), PageQuery.maximumLimit)
    // Spans are read in portions: a user of a hundred groups doesn't need a whole page from each.
    let portion = max(8, 2 * (limit + 1) / max(query.spans.count, 1))
    var readers = query.spans.map { span in
      SpanReader(span, floor: floor, newest: query.newest, portion: min(portion, limit + 1))
    }
    var seqs: [Seq] = []
    var more = false
    while true {
      var next: Seq?
      for index in readers.indices {
        guard let seq = try readers[index].next(statements) else { continue }
        if next.map({ query.newest ? seq > $0 : seq < $0 }) ?? true { next = seq }
      }
      guard let next else { break }
      guard seqs.count < limit else {
        more = true
        break
      }
      seqs.append(next)
      // A record that is in several spans is passed in each.
      for index in readers.indices { readers[index].pass(next) }
      readers.removeAll(where: \.isFinished)
    }
    if query.newest { seqs.reverse() }
    var records: [Committed] = []
    records.reserveCapacity(seqs.count)
    for seq in seqs { records.append(Committed(seq: seq, record: try record(seq))) }
    return Page(records: records, more: more, applied: applied, floor: floor)
  }

  /// See `Store`. Times never decrease with seq, and every record from the floor on is there.
  func seq(before time: Timestamp) throws(SQLiteJournalError) -> Seq {
    if let removedTime, removedTime >= time { return 0 }
    var low = floor
    var high = last + 1
    while low < high {
      let middle = low + (high - low) / 2
      if try self.time(of: middle) < time { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }

  func time(of seq: Seq) throws(SQLiteJournalError) -> Timestamp {
    let find = statements.findTime.bind(1, seq)
    defer { find.reset() }
    guard try find.step() else { throw damaged("record \(seq) is missing") }
    return Timestamp(milliseconds: find.number(0))
  }
}

/// Reads one span's seqs in the page's direction, a portion at a time.
private struct SpanReader {
  private let conversation: Int64
  private let newest: Bool
  private let portion: Int
  private var after: Seq
  private var through: Seq
  /// The next one is at `position`.
  private var seqs: [Seq] = []
  private var position = 0
  private var isExhausted = false

  init(_ span: ConversationSpan, floor: Seq, newest: Bool, portion: Int) {
    conversation = span.conversation.key
    after = max(span.after, floor - 1)
    through = span.through
    self.newest = newest
    self.portion = portion
  }

  var isFinished: Bool { isExhausted && position == seqs.count }

  mutating func next(_ statements: Statements) throws(SQLiteJournalError) -> Seq? {
    if position == seqs.count, !isExhausted { try fill(newest ? statements.entriesDown : statements.entriesUp) }
    return position < seqs.count ? seqs[position] : nil
  }

  mutating func pass(_ seq: Seq) {
    if position < seqs.count, seqs[position] == seq { position += 1 }
  }

  private mutating func fill(_ statement: Statement) throws(SQLiteJournalError) {
    seqs.removeAll(keepingCapacity: true)
    position = 0
    statement.bind(1, conversation).bind(2, after).bind(3, through).bind(4, Int64(portion))
    defer { statement.reset() }
    while try statement.step() { seqs.append(statement.number(0)) }
    isExhausted = seqs.count < portion
    guard let last = seqs.last else { return }
    if newest { through = last - 1 } else { after = last }
  }
}
