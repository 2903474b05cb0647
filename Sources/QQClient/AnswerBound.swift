import QQProtocol

/// How much a hub may say in answer to one question. Whoever says more is none: what it says is kept, and would fill this
/// machine's memory.
public struct AnswerBound: Sendable {
  private var lines: Int
  private var bytes: Int

  public init(lines: Int, bytes: Int) {
    self.lines = lines
    self.bytes = bytes
  }

  /// A page of history: its events, and as many other lines as might come between.
  public static var page: AnswerBound { AnswerBound(lines: 4 * ProtocolLimits.historyPage, bytes: 64 << 20) }

  public mutating func take(_ line: HubLine, of endpoint: Endpoint) throws(ClientError) {
    let (linesLeft, few) = lines.subtractingReportingOverflow(1)
    let (bytesLeft, small) = bytes.subtractingReportingOverflow(line.bytes.count + line.raw.count)
    guard !few, !small, linesLeft >= 0, bytesLeft >= 0 else {
      throw .notAHub(endpoint, reason: "its answer doesn't end")
    }
    (lines, bytes) = (linesLeft, bytesLeft)
  }
}
