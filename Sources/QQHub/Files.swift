import HeapModule
import QQJournal
import QQProtocol

/// The files that the hub keeps.
struct Files: Sendable {
  struct File: Sendable {
    var row: FileRow
    var uploader: SessionID?
    /// Sessions that get it.
    var getters: [SessionID] = []
    /// How much is there, verified; nil until the spool was asked.
    var verified: Int64?
    var isOpening = false

    /// Bytes that its upload, if one is under way, has yet to bring.
    var toCome: Int64 { uploader == nil ? 0 : max(0, size - (verified ?? 0)) }

    /// Bytes it takes, or will.
    var size: Int64 { row.content?.size ?? max(row.info.size ?? 0, verified ?? 0) }
    var kept: KeptFile { KeptFile(seq: row.seq, hash: row.content?.hash) }
  }

  private(set) var all: [Seq: File] = [:]
  /// In ascending order.
  private(set) var order: [Seq] = []
  /// How many files have a content.
  private var shared: [TreeHash: Int] = [:]
  private var toCome: Int128 = 0
  private var byID: [MessageID: [Seq]] = [:]
  /// Offers whose room is being measured.
  private var measuring: [UInt64: (session: SessionID, user: UserID, send: ClientFrame.Send)] = [:]
  /// Of which sessions.
  private var measuringOf: [SessionID: Set<UInt64>] = [:]
  /// When each file is to be discarded that everybody has.
  private var due: [Seq: Timestamp] = [:]
  /// The same by time, with some that hold no longer.
  private var dueOrder = Heap<Due>()
  /// Handed to the journal to be discarded.
  private var discarding: Set<Seq> = []

  init(_ snapshot: Snapshot) {
    for row in snapshot.files.sorted(by: { $0.seq < $1.seq }) { put(row) }
  }

  subscript(seq: Seq) -> File? { all[seq] }

  /// Those that were offered under an id, the first one first: an id is its sender's alone, and another may use it too.
  func offered(_ id: MessageID) -> [File] { (byID[id] ?? []).compactMap { all[$0] } }

  var kept: [KeptFile] { all.values.map(\.kept) }

  mutating func put(_ row: FileRow) {
    if all[row.seq] == nil {
      byID[row.offer.id, default: []].append(row.seq)
      let file = File(row: row)
      add(file.size, of: row.offer.sender)
      all[row.seq] = file
      order.append(row.seq)
      if let hash = row.content?.hash { shared[hash, default: 0] += 1 }
    } else {
      update(row.seq) { $0.row = row }
    }
  }

  mutating func update(_ seq: Seq, _ body: (inout File) -> Void) {
    guard var file = all[seq] else { return }
    let before = file
    body(&file)
    if file.size != before.size {
      remove(before.size, of: file.row.offer.sender)
      add(file.size, of: file.row.offer.sender)
    }
    toCome += Int128(file.toCome) - Int128(before.toCome)
    if let hash = file.row.content?.hash, before.row.content == nil { shared[hash, default: 0] += 1 }
    all[seq] = file
  }

  mutating func remove(_ seq: Seq) -> File? {
    guard let file = all.removeValue(forKey: seq) else { return nil }
    remove(file.size, of: file.row.offer.sender)
    toCome -= Int128(file.toCome)
    let place = order.partitioningIndex { $0 >= seq }
    if place < order.count, order[place] == seq { order.remove(at: place) }
    if let hash = file.row.content?.hash, let others = shared[hash] { shared[hash] = others > 1 ? others - 1 : nil }
    byID[file.row.offer.id]?.removeAll { $0 == seq }
    if byID[file.row.offer.id]?.isEmpty == true { byID[file.row.offer.id] = nil }
    due[seq] = nil
    discarding.remove(seq)
    return file
  }

  /// Whether another file has the same content.
  func isShared(_ hash: TreeHash) -> Bool { shared[hash] != nil }

  /// Files and bytes, kept and on their way through the journal.
  struct Total: Equatable, Sendable {
    private(set) var count = 0
    /// Wide enough for as many files of 53 bits as there may ever be: what was added can be taken away again.
    private var sum: Int128 = 0

    /// At most what an `Int64` holds.
    var bytes: Int64 { Int64(clamping: sum) }

    mutating func add(_ size: Int64) {
      count += 1
      sum += Int128(size)
    }

    mutating func remove(_ size: Int64) {
      count -= 1
      sum -= Int128(size)
    }
  }

  private(set) var total = Total()
  private var totals: [UserID: Total] = [:]

  func total(of user: UserID) -> Total { totals[user] ?? Total() }

  private mutating func add(_ size: Int64, of user: UserID) {
    total.add(size)
    totals[user, default: Total()].add(size)
  }

  private mutating func remove(_ size: Int64, of user: UserID) {
    total.remove(size)
    totals[user, default: Total()].remove(size)
    if totals[user] == Total() { totals[user] = nil }
  }

  // MARK: Offers on their way

  /// An offer that isn't applied yet. Several may be on their way under one id, and nobody knows which will be accepted.
  private struct Reservation {
    /// What it counts, the largest of them; nil for the retry of an offer that is kept.
    var counted: Int64?
    var uses = 0
  }

  private struct OfferKey: Hashable {
    var user: UserID
    var id: MessageID
  }

  private var reservations: [OfferKey: Reservation] = [:]

  /// The user has offered this before: another such offer is a retry, and answered as that one was.
  func isKept(_ id: MessageID, of user: UserID) -> Bool {
    (byID[id] ?? []).contains { all[$0]?.row.offer.sender == user }
  }

  /// What a user wants to offer counts before it is decided, so that a hundred offers at once are no way around a
  /// limit. A retry counts nothing, whatever size it names.
  mutating func reserve(_ id: MessageID, of user: UserID, size: Int64) {
    let key = OfferKey(user: user, id: id)
    var reservation = reservations[key] ?? Reservation()
    reservation.uses += 1
    if !isKept(id, of: user), reservation.counted.map({ $0 < size }) ?? true {
      if let counted = reservation.counted { remove(counted, of: user) }
      add(size, of: user)
      reservation.counted = size
    }
    reservations[key] = reservation
  }

  /// It was decided, or will not be. An offer that was accepted counts as itself from now on.
  mutating func release(_ id: MessageID, of user: UserID) {
    let key = OfferKey(user: user, id: id)
    guard var reservation = reservations[key] else { return }
    reservation.uses -= 1
    reservations[key] = reservation.uses > 0 ? reservation : nil
    if reservation.uses == 0, let counted = reservation.counted { remove(counted, of: user) }
  }

  /// Bytes that are still to come of uploads that are under way. What nobody sends just now is promised no room: it would
  /// be everybody's that is kept free for whoever never comes back.
  var outstanding: Int64 { Int64(clamping: toCome) }

  // MARK: Room

  mutating func measure(_ send: ClientFrame.Send, of user: UserID, _ session: SessionID, _ token: UInt64) {
    reserve(send.id, of: user, size: send.file?.size ?? 0)
    measuring[token] = (session, user, send)
    measuringOf[session, default: []].insert(token)
  }

  /// The offer whose room was measured; it stays reserved.
  mutating func measured(_ token: UInt64) -> (session: SessionID, user: UserID, send: ClientFrame.Send)? {
    guard let offer = measuring.removeValue(forKey: token) else { return nil }
    measuringOf[offer.session]?.remove(token)
    if measuringOf[offer.session]?.isEmpty == true { measuringOf[offer.session] = nil }
    return offer
  }

  mutating func closed(_ session: SessionID) {
    for token in measuringOf.removeValue(forKey: session) ?? [] {
      guard let offer = measuring.removeValue(forKey: token) else { continue }
      release(offer.send.id, of: offer.user)
    }
  }

  // MARK: Discarding

  private struct Due: Comparable {
    var time: Timestamp
    var seq: Seq

    static func < (a: Due, b: Due) -> Bool { (a.time, a.seq) < (b.time, b.seq) }
  }

  /// When the first file is to be discarded, or what was to be at that time is found to stay.
  var discardDue: Timestamp? { due.isEmpty ? nil : dueOrder.min?.time }

  mutating func discard(_ seq: Seq, at time: Timestamp) {
    guard !discarding.contains(seq), all[seq] != nil, due[seq] != time else { return }
    due[seq] = time
    dueOrder.insert(Due(time: time, seq: seq))
  }

  /// The journal had no room to discard them.
  mutating func refused(_ seqs: [Seq], until time: Timestamp) {
    for seq in seqs where discarding.remove(seq) != nil { discard(seq, at: time) }
  }

  /// Somebody wants it after all.
  mutating func keep(_ seq: Seq) { due[seq] = nil }

  /// Files that one record discards.
  private static let discardedAtOnce = 256

  /// Those whose time has come and that nobody is getting just now; the rest the next time.
  mutating func takeDue(_ now: Timestamp) -> [Seq] {
    var seqs: [Seq] = []
    while seqs.count < Self.discardedAtOnce, let first = dueOrder.min, first.time <= now {
      dueOrder.removeMin()
      guard due[first.seq] == first.time else { continue }
      // Who waits for bytes that don't come doesn't hold it up.
      if all[first.seq]?.row.content != nil, all[first.seq]?.getters.isEmpty == false {
        due[first.seq] = now + 60_000
        dueOrder.insert(Due(time: now + 60_000, seq: first.seq))
      } else {
        due[first.seq] = nil
        discarding.insert(first.seq)
        seqs.append(first.seq)
      }
    }
    return seqs.sorted()
  }
}
