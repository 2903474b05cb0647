import QQHub
import QQJournal
import QQProtocol
import Synchronization

/// A hub's core with a journal in memory and sessions that are lists of frames. Nothing happens by itself: time goes on
/// when it is told to, and commits and reads can be held back.
public final class HubHarness {
  public private(set) var hub: Hub
  public private(set) var now = Timestamp(milliseconds: 1_000_000_000_000)
  public let journal: MemoryJournal
  /// Whatever was committed, in its order.
  public private(set) var committed: [Committed] = []
  public private(set) var projections: [Projection] = []
  /// What broke the contract of the effects: must stay empty.
  public private(set) var violations: [String] = []
  /// The batches that were handed to the journal, in their order.
  public private(set) var appended: [[Record]] = []

  /// Appended records wait for `commit`, questions to the store for `answer`.
  public var holdsCommits = false
  public var holdsReads = false
  /// Sessions that wait for a turn wait for the next event.
  public var holdsTurns = false
  /// Requests to the spool wait for `answerSpool`.
  public var holdsSpool = false
  public var spool = MemorySpool()

  private var configuration: HubConfiguration
  var channels: [SessionID: Channel] = [:]
  private var nextSession: SessionID = 1
  private var events: [HubEvent] = []
  private var isDraining = false
  private var waiting: [[Record]] = []
  private var questions: [Effect] = []
  private var spooling: [SpoolRequest] = []
  /// The raw bytes behind the line that is being written.
  private var bulk: [UInt8] = []
  private var segments: [UInt64: [UInt8]] = [:]
  private let inbox = Inbox()

  struct Channel {
    var peer: Peer
    /// A frame, and the raw bytes it announced.
    var output: [(frame: HubFrame, raw: [UInt8])] = []
    var lastSeq: Seq = 0
    var isWritable = true
    var isStalled = false
    var wantsMore = false
    var isClosed = false
    var taken = 0
    /// Batches that the hub is done with.
    var consumed = 0
  }

  private final class Inbox: Sendable {
    private let events = Mutex<[HubEvent]>([])

    func put(_ event: HubEvent) { events.withLock { $0.append(event) } }
    func take() -> [HubEvent] {
      events.withLock { events in
        defer { events = [] }; return events
      }
    }
  }

  public init(_ configure: (inout HubConfiguration) -> Void = { _ in }) {
    var configuration = HubConfiguration(name: "hub", instance: 1)
    configuration.interfaces = [CIDR("192.168.1.0/24"), CIDR("fd00::/64")].compactMap { $0 }
    configuration.localAddresses = Set([IPAddress("192.168.1.2")].compactMap { $0 })
    configure(&configuration)
    self.configuration = configuration
    journal = MemoryJournal(epoch: "epoch")
    hub = Hub(configuration, journal.load())
    journal.start { [inbox] event in
      if case .committed(let batch) = event { inbox.put(.committed(batch)) }
    }
  }

  /// What the hub told whoever runs it, and asked for, in order.
  public private(set) var notes: [HubNote] = []
  public private(set) var reports: [(session: SessionID, ref: Int64?)] = []
  public private(set) var backups: [Int?] = []

  // MARK: Events

  /// How often somebody had to wait for a turn.
  public private(set) var turns = 0

  public func receive(_ event: HubEvent) {
    events.append(event)
    guard !isDraining else { return }
    isDraining = true
    hub.beginTurn()
    while !events.isEmpty || hub.hasWork && !holdsTurns {
      // Others have had their turn.
      if events.isEmpty {
        hub.beginTurn()
        turns += 1
      }
      let event = events.isEmpty ? .turn : events.removeFirst()
      if case .committed(let batch) = event { committed += batch.records }
      for effect in hub.receive(event, now: now) { perform(effect) }
    }
    isDraining = false
  }

  /// A key of its own for each number; nil is plaintext.
  public func open(_ address: String, key: UInt8?) -> SessionID {
    open(address, keyBytes: key.map { Array(repeating: $0, count: 32) })
  }

  public func open(_ address: String, keyBytes key: [UInt8]?) -> SessionID {
    let id = nextSession
    nextSession += 1
    guard let address = IPAddress(address) else { preconditionFailure("\(address) is no address") }
    let peer = Peer(address: address, key: key)
    channels[id] = Channel(peer: peer)
    receive(.opened(id, peer))
    return id
  }

  /// A user of this nick who has been welcomed.
  public func connect(_ nick: String, key: UInt8?, _ address: String = "127.0.0.1") -> SessionID {
    let id = open(address, key: key)
    say(id, .hello(.init(nick: nick, isExplicit: true)))
    guard case .welcome? = take(id).first else {
      violations.append("\(nick) was not welcomed")
      return id
    }
    return id
  }

  public func say(_ id: SessionID, _ frames: ClientFrame...) {
    receive(.frames(id, frames))
  }

  public func disconnect(_ id: SessionID) {
    channels[id]?.isClosed = true
    receive(.closed(id))
  }

  public func advance(_ milliseconds: Int64) {
    let end = now + milliseconds
    while let deadline = hub.deadline, deadline <= end {
      now = max(now, deadline)
      receive(.tick(deadline))
    }
    now = end
  }

  /// A process that starts anew with what the store has.
  public func restart() {
    spooling = []
    configuration.instance += 1
    hub = Hub(configuration, journal.load())
    spool.start(hub.keptFiles)
    channels = [:]
    segments = [:]
  }

  // MARK: Sessions

  /// What the session was written since the last time, but for the pieces of files.
  public func take(_ id: SessionID) -> [HubFrame] {
    let output = channels[id]?.output ?? []
    channels[id]?.output = output.filter { $0.frame.isPiece }
    return output.map(\.frame).filter { !$0.isPiece }
  }

  /// All of it, in order.
  public func takeOutput(_ id: SessionID) -> [(frame: HubFrame, raw: [UInt8])] {
    defer { channels[id]?.output = [] }
    return channels[id]?.output ?? []
  }

  /// In the order of their numbers.
  public var openSessions: [SessionID] { channels.filter { !$0.value.isClosed }.keys.sorted() }

  public func isClosed(_ id: SessionID) -> Bool { channels[id]?.isClosed ?? true }

  /// A channel that isn't writable takes no live lines; a catch-up's rest waits until it is.
  public func setWritable(_ id: SessionID, _ isWritable: Bool) {
    channels[id]?.isWritable = isWritable
    askForMore(id)
  }

  private func askForMore(_ id: SessionID) {
    guard let channel = channels[id], channel.isWritable, channel.isStalled || channel.wantsMore else { return }
    channels[id]?.wantsMore = false
    receive(.writable(id))
  }

  // MARK: The journal

  /// Commits what was held back: all of it as one batch, or the oldest `count` appends.
  public func commit(_ count: Int = .max) {
    let batch = waiting.prefix(count)
    waiting.removeFirst(batch.count)
    append(batch.flatMap { $0 })
  }

  private func append(_ records: [Record]) {
    guard !records.isEmpty else { return }
    journal.append(records)
    collect()
  }

  /// Questions to the store that are held back.
  public var waitingQuestions: Int { questions.count }

  /// Answers the questions that were held back.
  public func answer() {
    let asked = questions
    questions = []
    for question in asked { ask(question) }
  }

  /// Removes messages that are older than this many milliseconds.
  public func remove(olderThan age: Int64) {
    journal.remove(before: now - age, idsBefore: Timestamp(milliseconds: 0)) { _ in }
  }

  private func ask(_ question: Effect) {
    switch question {
    case .page(let query, let token): journal.page(query) { [inbox] page in inbox.put(.page(token, page)) }
    case .locate(let time, let token): journal.seq(before: time) { [inbox] seq in inbox.put(.located(token, seq)) }
    default: break
    }
    collect()
  }

  private func ask(_ request: SpoolRequest) {
    if let answer = spool.perform(request) { events.append(.spooled(answer)) }
  }

  /// Answers what the spool was asked meanwhile: all of it, or the oldest `count`.
  public func answerSpool(_ count: Int = .max) {
    let asked = spooling.prefix(count)
    spooling.removeFirst(asked.count)
    for request in asked { if let answer = spool.perform(request) { receive(.spooled(answer)) } }
  }

  private func collect() {
    for event in inbox.take() { receive(event) }
  }

  // MARK: Effects

  private func perform(_ effect: Effect) {
    switch effect {
    case .append(let records):
      appended.append(records)
      if holdsCommits { waiting.append(records) } else { append(records) }
    case .project(let projection):
      projections.append(projection)
      journal.project(projection)
    case .page, .locate:
      if holdsReads { questions.append(effect) } else { ask(effect) }
    case .reply(let id, let bytes): written(bytes[...], to: id, isEvents: false)
    case .publish(let segment, let bytes): segments[segment] = bytes
    case .write(let write):
      guard let bytes = segments[write.segment] else {
        return violations.append("segment \(write.segment) is written, and isn't there")
      }
      for id in write.sessions {
        if write.isCatchUp {
          caughtUp(id, bytes[write.bytes])
        } else {
          live(id, bytes[write.bytes], after: write.after)
        }
      }
    case .catchUp(let id, let bytes): caughtUp(id, bytes[...])
    case .spool(let request):
      if holdsSpool { spooling.append(request) } else { ask(request) }
    case .bulk(let id, let line, let raw):
      // Before the session can be asked for more.
      bulk = raw
      caughtUp(id, line[...])
      bulk = []
    case .taken(let id): channels[id]?.taken += 1
    case .welcomed: break
    case .consumed(let id, let batches): channels[id]?.consumed += batches
    case .confirm(let id):
      guard let channel = channels[id], !channel.isClosed, !channel.wantsMore else { break }
      if channel.isWritable { events.append(.writable(id)) } else { channels[id]?.wantsMore = true }
    case .log(let note): notes.append(note)
    case .report(let id, let ref): reports.append((id, ref))
    case .backUp(let keep): backups.append(keep)
    case .forget(let through): segments = segments.filter { $0.key > through }
    case .close(let id):
      if channels[id]?.isClosed != false { violations.append("session \(id) is closed twice") }
      channels[id]?.isClosed = true
      events.append(.closed(id))
    }
  }

  private func live(_ id: SessionID, _ bytes: ArraySlice<UInt8>, after: Seq) {
    guard let channel = channels[id], !channel.isClosed, !channel.isStalled else { return }
    if channel.isWritable {
      written(bytes, to: id, isEvents: true)
    } else {
      channels[id]?.isStalled = true
      events.append(.stalled(id, after: after))
    }
  }

  private func caughtUp(_ id: SessionID, _ bytes: ArraySlice<UInt8>) {
    guard let channel = channels[id], !channel.isClosed else { return }
    channels[id]?.isStalled = false
    written(bytes, to: id, isEvents: true)
    guard !channel.wantsMore else { return }
    if channel.isWritable { events.append(.writable(id)) } else { channels[id]?.wantsMore = true }
  }

  private func written(_ bytes: ArraySlice<UInt8>, to id: SessionID, isEvents: Bool) {
    guard let channel = channels[id] else { return violations.append("session \(id) isn't there") }
    if channel.isClosed { return violations.append("session \(id) is written to after it was closed") }
    var decoder = FrameDecoder()
    for line in bytes.split(separator: 0x0a) {
      let line = Array(line)
      guard let frame = try? decoder.hubFrame(line.span.bytes) else {
        violations.append("no frame: \(String(decoding: line, as: UTF8.self))")
        continue
      }
      channels[id]?.output.append((frame, bulk))
      guard isEvents, case .message(let message) = frame else { continue }
      if message.seq <= channels[id]?.lastSeq ?? 0 {
        violations.append("session \(id) has \(message.seq) out of order")
      }
      channels[id]?.lastSeq = message.seq
    }
  }
}

extension HubFrame {
  var isPiece: Bool { if case .chunk = self { true } else { false } }
}
