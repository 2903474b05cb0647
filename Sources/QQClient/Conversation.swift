import QQProtocol

/// For a person who reads, writes and asks at the same time: one connection for all of it, and the next one where it is
/// lost. Drives `Reader` and `Outbox`.
public actor Conversation {
  public enum Event: Sendable {
    case welcomed(HubFrame.Welcome)
    case lost(ClientError)
    /// The hub's data is another than before.
    case newEpoch
    /// Something new to read: a message, a file, that one is complete, a gap.
    case read(HubFrame)
    /// All that was there before has been read.
    case live
    /// Another reader moves the cursor; this one doesn't.
    case following
    case promoted
    case answered(OutboxResult)
    /// Everybody has the message whom it was sent to.
    case delivered(MessageID)
    /// Everything else: answers to what was asked, presence.
    case said(HubFrame)
  }

  private let configuration: LinkConfiguration
  private let take: @Sendable ([Event]) async throws -> Void
  private var reader: Reader
  private var outbox: Outbox
  private var link: HubLink?
  private var connections = 0
  private var isWriting = false
  /// What is to be written before anything else of the outbox, in this order; of this connection alone.
  private var pending: [ClientFrame] = []
  private var isEnding = false
  /// In the order of their sending.
  private var waiting: [MessageID] = []

  /// Stored messages whose readers are waited for.
  private static let awaited = 200

  /// `take` is given what happens, in order; the next comes when it returns, and the hub's lines wait meanwhile.
  public init(
    _ configuration: LinkConfiguration, reader: Reader, take: @escaping @Sendable ([Event]) async throws -> Void
  ) {
    self.configuration = configuration
    self.reader = reader
    self.take = take
    outbox = Outbox(wantsReceipts: true)
  }

  /// Returns after `end`, or throws what can't be mended by connecting again.
  public func run() async throws {
    do {
      let take = take
      try await HubLinks.keep(configuration) { notice in
        // Its restoration is told by the welcome.
        if case .lost(let error) = notice { try? await take([.lost(error)]) }
      } _: { link, lines in
        do {
          try await take(try await self.connected(link))
          while let batch = try await lines.next() {
            let (events, failure) = await self.received(batch)
            if !events.isEmpty { try await take(events) }
            if let failure { throw failure }
          }
        } catch {
          _ = await self.disconnected()
          throw error
        }
        return await self.disconnected()
      }
    } catch {
      if !isEnding { throw error }
    }
  }

  // MARK: What the user does

  public func submit(_ message: OutgoingMessage) {
    outbox.submit(message)
    waiting.append(message.id)
    if !isWriting { Task { await self.pump() } }
  }

  /// Nothing more should be submitted for now.
  public var isFull: Bool { outbox.isFull || pending.count >= Self.mostPending }

  /// Goes out behind what was submitted before. False where there is no connection to ask on.
  public func ask(_ frame: ClientFrame) -> Bool {
    guard link != nil else { return false }
    pending += outbox.takeUnwritten().map(ClientFrame.send)
    pending.append(frame)
    if !isWriting { Task { await self.pump() } }
    return true
  }

  private static let mostPending = 1_000

  /// What was shown: what comes up to this seq needn't be sent to this reader again.
  public func processed(_ seq: Int64) async {
    reader.done(seq)
    await acknowledge()
  }

  /// What the hub hasn't confirmed, oldest first.
  public var unstored: [OutgoingMessage] { outbox.unstored }

  /// Ends `run`, after what was acknowledged has been read by the hub.
  public func end() async {
    isEnding = true
    guard let link else { return }
    if await write([.ping(ref: Self.lastRef)], to: link) {
      for _ in 0..<100 where self.link != nil { try? await Task.sleep(for: .milliseconds(10)) }
    }
    link.close()
  }

  /// No request of the user's has it.
  private static let lastRef: Int64 = -1

  // MARK: The connection

  private func connected(_ link: HubLink) async throws -> [Event] {
    outbox.lost()
    pending = []
    connections += 1
    self.link = link
    let (listen, isNewEpoch) = reader.connected(epoch: link.welcome.epoch)
    try await link.write([.listen(listen)])
    Task { await self.pump() }
    return isNewEpoch ? [.newEpoch, .welcomed(link.welcome)] : [.welcomed(link.welcome)]
  }

  private func disconnected() -> HubLinks.Outcome {
    link = nil
    reader.lost()
    return isEnding ? .finished : .lost
  }

  private func received(_ batch: [HubLine]) -> (events: [Event], failure: ClientError?) {
    var events: [Event] = []
    var isAnswered = false
    for line in batch {
      guard let frame = line.frame else { continue }
      switch reader.received(frame) {
      case .show: events.append(.read(frame))
      case .live: events.append(.live)
      case .following: events.append(.following)
      case .promoted: events.append(.promoted)
      case .skip:
        switch frame {
        case .error(let failure) where failure.ref == nil:
          return (events, .refused(configuration.endpoint, failure))
        case .pong(Self.lastRef) where isEnding: link?.close()
        case .sent, .receipt, .error:
          let results = outbox.received(frame)
          events += results.map(Event.answered)
          isAnswered = true
          if case .error = frame, results.isEmpty { events.append(.said(frame)) }
        default: events.append(.said(frame))
        }
      }
    }
    if outbox.isFlooded { return (events, .flooded(configuration.endpoint)) }
    if isAnswered { events += settled() }
    return (events, nil)
  }

  /// Messages that nothing more is to be heard of.
  private func settled() -> [Event] {
    let gone = Set(outbox.letGo(keeping: Self.awaited))
    waiting.removeAll { gone.contains($0) }
    let left = outbox.ids
    let done = waiting.filter { !left.contains($0) }
    waiting.removeAll { !left.contains($0) }
    return done.map(Event.delivered)
  }

  private func acknowledge() async {
    guard let link, let seq = reader.acknowledgement() else { return }
    _ = await write([.ack(seq: seq)], to: link)
  }

  private func pump() async {
    guard !isWriting else { return }
    isWriting = true
    defer { isWriting = false }
    while let link {
      let frames = pending + outbox.takeUnwritten().map(ClientFrame.send)
      pending = []
      if frames.isEmpty { return }
      let connection = connections
      // Where another connection has come meanwhile, it found this pump at work and left it to write.
      if !(await write(frames, to: link)), connection == connections { return }
    }
  }

  /// False where the connection is gone: whoever reads it notices.
  private func write(_ frames: [ClientFrame], to link: HubLink) async -> Bool {
    do {
      try await link.write(frames)
      return true
    } catch {
      return false
    }
  }
}
