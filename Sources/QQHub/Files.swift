import QQJournal
import QQProtocol

/// A file that the spool keeps, or the part of it that has come.
public struct KeptFile: Hashable, Sendable {
  /// Of the offer.
  public var seq: Seq
  /// nil while bytes are missing.
  public var hash: TreeHash?

  public init(seq: Seq, hash: TreeHash?) {
    self.seq = seq
    self.hash = hash
  }
}

/// What the hub asks of its disk. Requests about one file are answered in their order.
public enum SpoolRequest: Equatable, Sendable {
  /// How much room there is. `token` comes back with the answer.
  case measure(token: UInt64)
  /// What is there of a file whose upload begins or goes on, or that somebody wants.
  case open(Seq)
  case write(Seq, session: SessionID, Chunk, [UInt8])
  /// Makes what has come durable, and compares it with what the sender says it is.
  case finish(Seq, session: SessionID, ref: Int64?, size: Int64, TreeHash)
  /// The file is whole from now on: the hub's journal says so.
  case keep(Seq, TreeHash)
  /// Whether the first bytes of the file are these.
  case check(KeptFile, session: SessionID, offset: Int64, TreeHash)
  case read(KeptFile, session: SessionID, offset: Int64, size: Int)
  /// `hash`: of a content that no other file has.
  case remove(Seq, TreeHash?)
}

public enum SpoolAnswer: Equatable, Sendable {
  /// Bytes that are free on the spool's disk.
  case measured(token: UInt64, free: Int64)
  /// The first `size` bytes are there, verified; `hash` is theirs.
  case opened(Seq, size: Int64, hash: TreeHash)
  case written(Seq, session: SessionID, end: Int64)
  case finished(Seq, session: SessionID, ref: Int64?, size: Int64, TreeHash)
  case checked(Seq, session: SessionID, offset: Int64, isSame: Bool)
  case read(Seq, session: SessionID, Chunk, [UInt8])
  /// `session` asked for it; 0 where none did.
  case failed(Seq, session: SessionID, ref: Int64?, SpoolFailure)
}

public enum SpoolFailure: Error, Hashable, Sendable {
  /// What came is not what its header says, or not all of it.
  case mismatch
  case noSpace
  /// Anything else, for the log.
  case broken(String)

  /// For the log.
  public var reason: String {
    switch self {
    case .mismatch: "it isn't what its header says"
    case .noSpace: "the disk is full"
    case .broken(let reason): reason
    }
  }
}

/// What a session does with a file.
enum Transfer: Equatable, Sendable {
  case uploading(Upload)
  case getting(Getting)

  struct Upload: Equatable, Sendable {
    var file: Seq
    /// Until the spool has said what is there: the request's number.
    var ref: Int64?
    var isOpening = true
    /// All has come: what is there is being made durable.
    var isFinishing = false
    /// Bytes that were handed to the spool.
    var received: Int64 = 0
  }

  struct Getting: Equatable, Sendable {
    var file: Seq
    var ref: Int64?
    /// The hash of what is there is being compared, or looked at at all.
    var isOpening = true
    var next: Int64
    var hash: TreeHash?
    var isReading = false
    /// The channel takes more.
    var isWritable = true
    var isDone = false
    /// When its progress was last told.
    var told = Timestamp(milliseconds: 0)
  }
}

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
    /// The sender's sessions that wait to hear who has it.
    var waiting: [Receipts.Waiting] = []

    /// Bytes it takes, or will.
    var size: Int64 { row.content?.size ?? max(row.info.size ?? 0, verified ?? 0) }
    var kept: KeptFile { KeptFile(seq: row.seq, hash: row.content?.hash) }
  }

  private(set) var all: [Seq: File] = [:]
  private var byID: [MessageID: [Seq]] = [:]
  /// Offers whose room is being measured.
  var measuring: [UInt64: (session: SessionID, user: UserID, send: ClientFrame.Send)] = [:]
  /// When everybody has them: when they go, and when the first of them does.
  private var due: [Seq: Timestamp] = [:]
  private(set) var discardDue: Timestamp?
  /// What sessions wait for receipts of.
  private var waiting: [SessionID: Set<Seq>] = [:]
  /// Handed to the journal to be discarded.
  private var discarding: Set<Seq> = []

  init(_ snapshot: Snapshot) {
    for row in snapshot.files { put(row) }
  }

  subscript(seq: Seq) -> File? { all[seq] }

  /// Those that were offered under an id, the first one first: an id is its sender's alone, and another may use it too.
  func offered(_ id: MessageID) -> [File] { (byID[id] ?? []).compactMap { all[$0] } }

  var kept: [KeptFile] { all.values.map(\.kept) }

  mutating func put(_ row: FileRow) {
    if all[row.seq] == nil {
      byID[row.offer.id, default: []].append(row.seq)
      let file = File(row: row)
      count(row.offer.sender, file.size, 1)
      all[row.seq] = file
    } else {
      update(row.seq) { $0.row = row }
    }
  }

  mutating func update(_ seq: Seq, _ body: (inout File) -> Void) {
    guard var file = all[seq] else { return }
    let size = file.size
    body(&file)
    if file.size != size {
      count(file.row.offer.sender, size, -1)
      count(file.row.offer.sender, file.size, 1)
    }
    all[seq] = file
  }

  mutating func remove(_ seq: Seq) -> File? {
    guard let file = all.removeValue(forKey: seq) else { return nil }
    count(file.row.offer.sender, file.size, -1)
    byID[file.row.offer.id]?.removeAll { $0 == seq }
    if byID[file.row.offer.id]?.isEmpty == true { byID[file.row.offer.id] = nil }
    if due.removeValue(forKey: seq) != nil { discardDue = due.values.min() }
    discarding.remove(seq)
    return file
  }

  /// Whether another file has the same content.
  func isShared(_ hash: TreeHash) -> Bool { all.values.contains { $0.row.content?.hash == hash } }

  /// Files and bytes, kept and on their way through the journal.
  struct Total: Equatable, Sendable {
    var count = 0
    var bytes: Int64 = 0

    mutating func add(_ size: Int64, _ sign: Int) {
      count += sign
      // Sizes have 53 bits, and there are fewer files than would overflow what is left.
      bytes = sign > 0 ? bytes.addingReportingOverflow(size).partialValue : bytes - size
    }
  }

  private(set) var total = Total()
  private var totals: [UserID: Total] = [:]

  func total(of user: UserID) -> Total { totals[user] ?? Total() }

  /// What a user wants to offer counts before it is decided, so that a hundred offers at once are no way around a limit.
  mutating func count(_ user: UserID, _ size: Int64, _ sign: Int) {
    total.add(size, sign)
    totals[user, default: Total()].add(size, sign)
    if totals[user] == Total() { totals[user] = nil }
  }

  /// Bytes that are still to come of uploads that are under way. What nobody sends just now is promised no room: it would
  /// be everybody's that is kept free for whoever never comes back.
  var outstanding: Int64 {
    all.values.lazy.filter { $0.uploader != nil }.reduce(0) {
      $0.addingReportingOverflow(max(0, $1.size - ($1.verified ?? 0))).partialValue
    }
  }

  // MARK: Receipts

  mutating func wait(_ waiting: Receipts.Waiting) {
    guard !waiting.remaining.isEmpty, all[waiting.seq] != nil else { return }
    all[waiting.seq]?.waiting.append(waiting)
    self.waiting[waiting.session, default: []].insert(waiting.seq)
  }

  /// A user has a file: whom to tell.
  mutating func delivered(_ user: UserID, _ seq: Seq) -> [Receipts.Waiting] {
    let told = all[seq]?.waiting.filter { $0.remaining.binarySearch(user) } ?? []
    guard !told.isEmpty, var file = all[seq] else { return [] }
    for index in file.waiting.indices { file.waiting[index].remaining.removeAll { $0 == user } }
    file.waiting.removeAll { $0.remaining.isEmpty }
    all[seq] = file
    return told
  }

  mutating func closed(_ session: SessionID) {
    for (token, offer) in measuring where offer.session == session {
      measuring[token] = nil
      count(offer.user, offer.send.file?.size ?? 0, -1)
    }
    for seq in waiting.removeValue(forKey: session) ?? [] {
      all[seq]?.waiting.removeAll { $0.session == session }
    }
  }

  // MARK: Discarding

  mutating func discard(_ seq: Seq, at time: Timestamp) {
    guard !discarding.contains(seq) else { return }
    due[seq] = time
    discardDue = due.values.min()
  }

  /// Somebody wants it after all.
  mutating func keep(_ seq: Seq) {
    if due.removeValue(forKey: seq) != nil { discardDue = due.values.min() }
  }

  /// Those whose time has come and that nobody is getting just now.
  mutating func takeDue(_ now: Timestamp) -> [Seq] {
    guard let discardDue, now >= discardDue else { return [] }
    let seqs = due.filter { $0.value <= now }.keys.sorted()
    for seq in seqs {
      // Who waits for bytes that don't come doesn't hold it up.
      if all[seq]?.row.content != nil, all[seq]?.getters.isEmpty == false {
        due[seq] = now + 60_000
      } else {
        due[seq] = nil
        discarding.insert(seq)
      }
    }
    self.discardDue = due.values.min()
    return seqs.filter { discarding.contains($0) }
  }
}
