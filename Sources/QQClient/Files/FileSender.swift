import QQProtocol

/// A file that is to be sent.
public struct OutgoingFile: Sendable {
  public var path: String
  /// What it is called at the other end, where that isn't its own name.
  public var name: String?
  /// Symbolic links in a folder are sent as such.
  public var links: Bool
  /// Standard input, which has `name`.
  public var isPipe: Bool

  public init(path: String, name: String? = nil, links: Bool = false, isPipe: Bool = false) {
    self.path = path
    self.name = name
    self.links = links
    self.isPipe = isPipe
  }
}

/// What happens while files are sent.
public enum FileSenderEvent: Sendable {
  /// What isn't sent of a folder.
  case skipped(String)
  /// This id stands for the file from now on; `known` is how much of it was sent before.
  case started(MessageID, FileInfo)
  /// The hub has this much of it.
  case uploaded(MessageID, Int64)
  case progress(MessageID, nick: String, Int64)
  /// The hub has all of it, durably.
  case stored(MessageID, FileInfo, HubFrame.Sent, TreeHash, size: Int64)
  case failed(HubFrame.Failure)
  case receipt(HubFrame.Receipt)
}

/// Sends files one after the other, over as many connections as it takes: each is offered, then its bytes go to the hub,
/// from where the hub has them, and are verified there.
public actor FileSender {
  private struct Item {
    var id: MessageID
    var source: FileSource
    var sent: [HubFrame.Sent] = []
    var isDone = false
  }

  private let configuration: LinkConfiguration
  private let to: [String]
  private let report: @Sendable (FileSenderEvent) throws -> Void
  private let notice: @Sendable (LinkNotice) -> Void
  private var outbox: Outbox
  private var items: [Item] = []
  private var link: HubLink?
  private var failure: (any Error)?
  private var waiters: [CheckedContinuation<Void, Never>] = []
  /// Answers to `upload` and `finish`, by their number.
  private var answers: [Int64: Result<HubFrame.Ok, HubFrame.Failure>] = [:]
  private var nextRef: Int64 = -1
  /// What the hub has of the file that is being sent.
  private var acknowledged: Int64 = 0
  private var mismatches = 0
  /// Counts what happens: a time limit begins anew with each.
  public private(set) var steps = 0

  /// Bytes that may be under way.
  private static let window: Int64 = 8 << 20
  private static let tries = 3

  public init(
    _ configuration: LinkConfiguration, to: [String], wantsReceipts: Bool, lastSeen: Bool,
    report: @escaping @Sendable (FileSenderEvent) throws -> Void, notice: @escaping @Sendable (LinkNotice) -> Void
  ) {
    self.configuration = configuration
    self.to = to
    self.report = report
    self.notice = notice
    outbox = Outbox(wantsReceipts: wantsReceipts, lastSeen: lastSeen, maximumCount: .max, maximumBytes: .max)
  }

  /// Looks at the file, which can fail. `makeID` is told what it is.
  public func add(_ file: OutgoingFile, makeID: @Sendable (FileInfo) throws -> MessageID) throws {
    let source =
      file.isPipe
      ? FileSource(pipe: 0, name: file.name ?? "") : try FileSource(path: file.path, name: file.name, links: file.links)
    for reason in source.skipped { try report(.skipped(reason)) }
    let id = try makeID(source.info)
    items.append(Item(id: id, source: source))
    outbox.submit(OutgoingMessage(id: id, to: to, text: "", file: source.info))
  }

  public var isStored: Bool { items.allSatisfy(\.isDone) }
  public var missing: [String] { outbox.missing.sorted() }
  /// What was begun and isn't stored yet, to go on with.
  public var unfinished: [(id: MessageID, info: FileInfo)] {
    items.filter { !$0.isDone && !$0.sent.isEmpty }.map { ($0.id, $0.source.info) }
  }

  /// Returns once everything is stored, and with receipts everybody has it.
  public func run() async throws {
    try await HubLinks.keep(configuration, notice: notice) { link, lines in
      await self.connected(link)
      let outcome = try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await self.work(link) }
        do {
          while let batch = try await lines.next() {
            if try await self.received(batch) { break }
          }
        } catch {
          await self.disconnected()
          group.cancelAll()
          throw error
        }
        await self.disconnected()
        group.cancelAll()
        return try await self.outcome()
      }
      return outcome
    }
  }

  private var isDone: Bool { isStored && outbox.isEmpty }

  private func outcome() throws -> HubLinks.Outcome {
    if let failure { throw failure }
    return isDone ? .finished : .lost
  }

  private func connected(_ link: HubLink) {
    self.link = link
    outbox.lost()
    answers = [:]
    steps += 1
  }

  private func disconnected() {
    link = nil
    wake()
  }

  private func wake() {
    for waiter in waiters { waiter.resume() }
    waiters = []
  }

  /// Until something has come.
  private func wait() async throws {
    await withCheckedContinuation { waiters.append($0) }
    guard link != nil else { throw CancellationError() }
  }

  // MARK: Sending

  /// Everything that is left to send on this connection. What is wrong with a file ends it all.
  private func work(_ link: HubLink) async {
    do {
      try await link.write(outbox.takeUnwritten().map(ClientFrame.send))
      for index in items.indices where !items[index].isDone { try await send(index, link) }
    } catch let error as FileError {
      fail(error)
    } catch let error as HubFrame.Failure {
      if ErrorCode(rawValue: error.code) == .replaced { return link.close() }
      fail(ClientError.refused(configuration.endpoint, error))
    } catch {
      // The connection: whoever reads it notices.
    }
  }

  private func fail(_ error: any Error) {
    failure = error
    link?.close()
  }

  private func send(_ index: Int, _ link: HubLink) async throws {
    let id = items[index].id
    while outbox.isUnanswered(id) { try await wait() }
    guard !items[index].sent.isEmpty else {
      // Nobody is to get it.
      items[index].isDone = true
      if isDone { link.close() }
      return
    }
    let begun = try await request { .upload(ref: $0, id: id) }
    guard let offset = begun.offset, let hash = begun.hash else {
      throw ClientError.notAHub(configuration.endpoint, reason: "it takes no files")
    }
    if !begun.more { return try stored(index, hash, size: offset) }
    try items[index].source.resume(at: offset, hash)
    acknowledged = offset
    try report(.started(id, items[index].source.info))
    try report(.uploaded(id, offset))
    while let (chunk, bytes) = try items[index].source.next() {
      while chunk.end - acknowledged > Self.window { try await wait() }
      items[index].source.release(before: acknowledged)
      try await link.write(chunk, bytes)
    }
    let (size, whole) = (items[index].source.hasher.length, items[index].source.hasher.hash)
    let finished = try await request { .finish(ref: $0, size: size, hash: whole) }
    try stored(index, finished.hash ?? whole, size: size)
  }

  private func stored(_ index: Int, _ hash: TreeHash, size: Int64) throws {
    items[index].isDone = true
    for var sent in items[index].sent {
      sent.status = "stored"
      try report(.stored(items[index].id, items[index].source.info, sent, hash, size: size))
    }
    if isDone { link?.close() }
  }

  private func request(_ make: (Int64) -> ClientFrame) async throws -> HubFrame.Ok {
    guard let link else { throw CancellationError() }
    let ref = nextRef
    nextRef -= 1
    try await link.write([make(ref)])
    while answers[ref] == nil { try await wait() }
    return try answers.removeValue(forKey: ref)?.get() ?? HubFrame.Ok(ref: ref)
  }

  // MARK: Receiving

  /// True where nothing is left to do.
  private func received(_ batch: [HubLine]) throws -> Bool {
    steps += 1
    for line in batch {
      guard let frame = line.frame else { continue }
      switch frame {
      case .ok(let ok):
        if let ref = ok.ref {
          answers[ref] = .success(ok)
        } else if let offset = ok.offset {
          acknowledged = offset
          if let item = items.first(where: { !$0.isDone }) { try report(.uploaded(item.id, offset)) }
        }
      case .error(let failure) where failure.ref == nil: try refused(failure)
      case .error(let failure) where (failure.ref ?? 0) < 0: answers[failure.ref ?? 0] = .failure(failure)
      case .progress(let id, let nick, let bytes): try report(.progress(id, nick: nick, bytes))
      default: try answered(frame)
      }
    }
    wake()
    return isDone
  }

  private func answered(_ frame: HubFrame) throws {
    for result in outbox.received(frame) {
      switch result {
      case .sent(let sent):
        guard let index = items.firstIndex(where: { $0.id == sent.id }) else { continue }
        items[index].sent.append(sent)
      case .failed(let failure): try report(.failed(failure))
      case .receipt(let receipt): try report(.receipt(receipt))
      }
    }
  }

  /// What ends the connection. A piece that was damaged on its way is sent again.
  private func refused(_ failure: HubFrame.Failure) throws {
    let code = ErrorCode(rawValue: failure.code)
    if code == .hashMismatch { mismatches += 1 }
    if code == .hashMismatch, mismatches < Self.tries {
      link?.close()
      return
    }
    throw ClientError.refused(configuration.endpoint, failure)
  }
}
