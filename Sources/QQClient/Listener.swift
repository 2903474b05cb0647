import QQProtocol

/// Reads events with a cursor, over as many connections as it takes.
public struct Listener: Sendable {
  /// What whoever shows events says about one.
  public enum Verdict: Equatable, Sendable {
    case goOn
    /// This was the last one wanted.
    case enough
  }

  private let configuration: LinkConfiguration
  private let watchesPresence: Bool
  private let notice: @Sendable (Notice) -> Void

  public enum Notice: Sendable {
    case link(LinkNotice)
    /// The hub has begun to send events, on this connection.
    case listening
    /// Another reader moves the cursor; this one doesn't.
    case following
    /// Not any more: that reader has gone.
    case promoted
    /// The hub's data is another than before.
    case newEpoch(Endpoint)
  }

  public init(
    _ configuration: LinkConfiguration, watchesPresence: Bool = false, notice: @escaping @Sendable (Notice) -> Void
  ) {
    self.configuration = configuration
    self.watchesPresence = watchesPresence
    self.notice = notice
  }

  /// Gives events to `show`, a batch as it came, in order. `show` says how many of the batch it has processed, at least
  /// one, which are acknowledged, and whether that is enough; it is given the rest again. Returns once it is, and the hub has all acknowledgements.
  public func run(
    _ reader: Reader,
    show: @escaping @Sendable ([HubLine]) async throws -> (processed: Int, verdict: Verdict)
  ) async throws {
    let state = ReaderState(reader)
    try await HubLinks.keep(configuration, notice: { notice(.link($0)) }) { link, lines in
      let (listen, isNewEpoch) = state.with { $0.connected(epoch: link.welcome.epoch) }
      if isNewEpoch { notice(.newEpoch(configuration.endpoint)) }
      try await link.write(
        watchesPresence ? [.listen(listen), .who(.init(ref: 1, watch: true))] : [.listen(listen)])
      while let batch = try await lines.next() {
        var events: ArraySlice<HubLine> = []
        var failure: HubFrame.Failure?
        for line in batch {
          guard let frame = line.frame else { continue }
          if case .error(let told) = frame {
            // What came before it is shown first: it counts as received.
            failure = told
            break
          }
          if case .ok(let ok) = frame, ok.ref == listen.ref { notice(.listening) }
          if case .presence = frame { events.append(line) }
          switch state.with({ $0.received(frame) }) {
          case .show: events.append(line)
          case .following: notice(.following)
          case .promoted: notice(.promoted)
          case .skip, .live: break
          }
        }
        while !events.isEmpty {
          let (processed, verdict) = try await shown(events, show, link, &lines)
          let last = events.prefix(processed).last { $0.frame?.seq != nil }?.frame?.seq
          if let last { state.with { $0.done(last) } }
          try await acknowledge(state, link)
          if verdict == .enough {
            try await settle(link, &lines)
            return .finished
          }
          events = events.dropFirst(processed)
        }
        // What was shown on a lost connection is confirmed on this one, without waiting for something new.
        try await acknowledge(state, link)
        if let failure { throw ClientError.refused(configuration.endpoint, failure) }
      }
      state.with { $0.lost() }
      return .lost
    }
  }

  /// Where showing fails, what was acknowledged before still counts.
  private func shown(
    _ events: ArraySlice<HubLine>,
    _ show: @Sendable ([HubLine]) async throws -> (processed: Int, verdict: Verdict),
    _ link: HubLink, _ lines: inout HubLink.Lines
  ) async throws -> (processed: Int, verdict: Verdict) {
    do {
      return try await show(Array(events))
    } catch {
      let limit = Task {
        try await Task.sleep(for: .seconds(2))
        link.close()
      }
      try? await settle(link, &lines)
      limit.cancel()
      throw error
    }
  }

  /// What was shown is acknowledged also where the reader has been told to end meanwhile.
  private func acknowledge(_ state: ReaderState, _ link: HubLink) async throws {
    guard let seq = state.with({ $0.acknowledgement() }) else { return }
    do {
      try Task.checkCancellation()
      try await link.write([.ack(seq: seq)])
    } catch is CancellationError {
      try await Task { try await link.write([.ack(seq: seq)]) }.value
    }
  }

  /// Waits until the hub has read everything: closing with unread data in the socket would reset the connection and
  /// could take the last acknowledgement with it.
  private func settle(_ link: HubLink, _ lines: inout HubLink.Lines) async throws {
    try await link.write([.ping(ref: 2)])
    while let batch = try await lines.next() {
      if batch.contains(where: { $0.frame == .pong(ref: 2) }) { return }
    }
  }
}
