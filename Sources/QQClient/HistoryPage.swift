import QQProtocol

/// Some of what was said, oldest first.
public struct HistoryPage: Sendable {
  public var lines: [HubLine]
  /// There is more in the direction that was asked for.
  public var more: Bool

  /// Asks on a connection that doesn't listen: among news the answer couldn't be told from them. Throws
  /// `HubFrame.Failure` where the hub says no. `limit`: how long that may take, in milliseconds.
  public static func ask(
    _ request: ClientFrame.HistoryRequest, on link: HubLink, _ lines: inout HubLink.Lines, _ endpoint: Endpoint,
    within limit: Int64 = 10_000
  ) async throws -> HistoryPage {
    let alarm = link.alarm(after: limit)
    defer { alarm.stop() }
    try await link.write([.history(request)])
    var page: [HubLine] = []
    var bound = AnswerBound.page
    while let batch = try await lines.next() {
      for line in batch {
        try bound.take(line, of: endpoint)
        switch line.frame {
        case .message, .file, .complete: page.append(line)
        case .ok(let ok):
          try check(page, request, endpoint)
          return HistoryPage(lines: page, more: ok.more)
        case .error(let failure): throw failure
        default: break
        }
      }
    }
    throw alarm.hasRung ? ClientError.timedOut(endpoint) : .lost(endpoint)
  }

  /// Whoever pages on from what it was given would go round and round otherwise.
  private static func check(
    _ page: [HubLine], _ request: ClientFrame.HistoryRequest, _ endpoint: Endpoint
  ) throws(ClientError) {
    var last = request.after ?? 0
    for line in page {
      guard let seq = line.frame?.seq, seq > last, seq < request.before ?? .max else {
        throw .notAHub(endpoint, reason: "it answers with what wasn't asked for")
      }
      last = seq
    }
    guard page.count <= ProtocolLimits.historyPage else {
      throw .notAHub(endpoint, reason: "it answers with more than was asked for")
    }
  }

  /// The newest that are wanted, at most so many, oldest first; they come in pages from the end, down to `floor`.
  public static func newest(
    _ limit: Int, of target: String?, since: Timestamp? = nil, floor: Int64 = 0, on link: HubLink,
    _ lines: inout HubLink.Lines, _ endpoint: Endpoint, within time: Int64 = 10_000,
    where isWanted: (HubFrame) -> Bool
  ) async throws -> [HubLine] {
    // The newest page first.
    var pages: [[HubLine]] = []
    var count = 0
    var before: Int64?
    while count < limit {
      let page = try await ask(
        .init(ref: 1, target: target, before: before, since: since, limit: Int64(ProtocolLimits.historyPage)),
        on: link, &lines, endpoint, within: time)
      let wanted = page.lines.filter { $0.frame.map { isWanted($0) && ($0.seq ?? 0) > floor } ?? false }
      count += wanted.count
      pages.append(wanted)
      guard page.more, let first = page.lines.first?.frame?.seq, first > floor else { break }
      before = first
    }
    return pages.reversed().flatMap(\.self).suffix(limit)
  }
}
