import QQProtocol

/// Sends what is submitted and hears what became of it, over as many connections as it takes.
public actor Sender {
  private var outbox: Outbox
  private let configuration: LinkConfiguration
  private let report: @Sendable (OutboxResult) throws -> Void
  private let notice: @Sendable (LinkNotice) -> Void
  private var link: HubLink?
  /// How many there were.
  private var connections = 0
  private var isWriting = false
  private var isInputDone = false
  private var waiters: [CheckedContinuation<Void, Never>] = []
  /// Counts answers: the time limit of a stream begins anew with each.
  public private(set) var answers = 0

  /// `report` is called for every answer, in order; what it throws ends `run`.
  public init(
    _ configuration: LinkConfiguration, outbox: Outbox, report: @escaping @Sendable (OutboxResult) throws -> Void,
    notice: @escaping @Sendable (LinkNotice) -> Void
  ) {
    self.configuration = configuration
    self.outbox = outbox
    self.report = report
    self.notice = notice
  }

  /// Takes a message; waits while the outbox is full and the task isn't cancelled, so that input is read no faster than
  /// the hub answers.
  public func submit(_ message: OutgoingMessage) async {
    outbox.submit(message)
    // Whoever reads input ahead gives several at once: they are written together.
    if !isWriting { Task { await self.pump() } }
    guard outbox.isFull else { return }
    await withTaskCancellationHandler {
      await withCheckedContinuation { waiters.append($0) }
    } onCancel: {
      Task { await self.release() }
    }
  }

  private func release() {
    for waiter in waiters { waiter.resume() }
    waiters = []
  }

  /// Nothing more will be submitted: `run` returns when everything is answered.
  public func finishInput() {
    isInputDone = true
    if isDone { link?.close() }
  }

  /// Something may have been sent.
  public private(set) var wasConnected = false

  /// Nothing more will be submitted.
  public var isFinished: Bool { isInputDone }

  private var isDone: Bool { isInputDone && outbox.isEmpty }

  /// What is still unanswered, to retry with.
  public var unanswered: [OutgoingMessage] { outbox.unanswered }
  public var missing: [String] { outbox.missing.sorted() }
  public var isIdle: Bool { outbox.isEmpty }
  public var isStored: Bool { outbox.isStored }

  public func run() async throws {
    try await HubLinks.keep(configuration, notice: notice) { link, lines in
      await self.connected(link)
      while let batch = try await lines.next() {
        if try await self.received(batch) { return .finished }
      }
      return await self.disconnected()
    }
  }

  private func connected(_ link: HubLink) async {
    wasConnected = true
    outbox.lost()
    connections += 1
    self.link = link
    if isDone { return link.close() }
    await pump()
  }

  private func disconnected() -> HubLinks.Outcome {
    link = nil
    return isDone ? .finished : .lost
  }

  private func pump() async {
    guard !isWriting else { return }
    isWriting = true
    defer { isWriting = false }
    while let link {
      let frames = outbox.takeUnwritten()
      if frames.isEmpty { return }
      let connection = connections
      do {
        try await link.write(frames.map(ClientFrame.send))
      } catch {
        // The connection is gone, and everything is written again on the next. Where that has come already, it found
        // this pump at work and left it to write.
        if connection == connections { return }
      }
    }
  }

  private func received(_ batch: [HubLine]) throws -> Bool {
    for line in batch {
      guard let frame = line.frame else { continue }
      if case .error(let failure) = frame, failure.ref == nil {
        throw ClientError.refused(configuration.endpoint, failure)
      }
      for result in outbox.received(frame) { try report(result) }
      if outbox.isFlooded { throw ClientError.flooded(configuration.endpoint) }
    }
    answers += 1
    if !outbox.isFull { release() }
    return isDone
  }
}
