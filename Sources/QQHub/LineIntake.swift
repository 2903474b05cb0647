import QQProtocol

/// From the bytes of a connection to what its peer says: values, and nothing is called out of here. Whoever acts on them
/// may be given more bytes within that.
public struct LineIntake: Sendable {
  private var framer = LineFramer()
  private var heard = HeardLines()

  public init() {}

  /// Its sender has given as many pieces of a file as may wait to be stored.
  public var holdsRead: Bool { heard.holdsRead }

  public mutating func welcomed() { heard.isWelcomed = true }
  public mutating func stopListening() { heard.isDeaf = true }
  /// A piece that was given is stored.
  public mutating func stored() { heard.pieces -= 1 }

  /// What was said since the last time.
  public mutating func take() -> [SessionInput] {
    defer { heard.gathered = [] }
    return heard.gathered
  }

  public mutating func feed(_ bytes: RawSpan) {
    guard !heard.isDeaf else { return }
    do throws(ErrorCode) {
      try framer.feed(
        bytes, { line throws(ErrorCode) in try heard.received(line) },
        raw: { heard.received(raw: $0) })
    } catch {
      guard !heard.isDeaf else { return }
      heard.refuse(FrameFault(.lineTooLong, "a line is longer than \(ProtocolLimits.line) bytes"), isFatal: true)
    }
  }
}

/// What the lines of a connection came to.
private struct HeardLines: Sendable {
  private var decoder = FrameDecoder()
  /// The piece of a file that is coming in.
  private var piece: (header: Chunk, bytes: [UInt8])?
  var gathered: [SessionInput] = []
  /// Whole pieces that were given and aren't stored yet; beyond the limit their sender is not read.
  var pieces = 0
  /// The stream can't be trusted any more, or isn't wanted: what still comes is not looked at.
  var isDeaf = false
  var isWelcomed = false
  /// Faults since a line that was right.
  private var faults: Int?

  private static let piecesAtOnce = 4
  /// Wrong lines in a row: who goes on like that says nothing.
  private static let faultsAtOnce = 32

  var holdsRead: Bool { pieces >= Self.piecesAtOnce }

  /// Returns how many raw bytes follow.
  @inline(__always)
  mutating func received(_ line: RawSpan) throws(ErrorCode) -> Int {
    if line.isEmpty { return 0 }
    do throws(FrameFault) {
      let frame = try decoder.clientFrame(line)
      if case .put(let header) = frame {
        // A stranger's bytes are not gathered.
        guard isWelcomed else {
          throw FrameFault(.malformed, "a piece of a file came before the welcome")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(header.size)
        piece = (header, bytes)
        faults = 0
        return header.size
      }
      faults = 0
      gathered.append(.frame(frame))
    } catch {
      // What would follow the header of a piece can't be told from lines. Who hasn't said anything right yet is nobody
      // whose mistakes are worth an answer each.
      let count = (faults ?? Self.faultsAtOnce) + 1
      faults = count
      let isFatal =
        error.code == .malformed || error.code == .badUTF8 || decoder.isPiece(line) || count >= Self.faultsAtOnce
      refuse(error, isFatal: isFatal)
      if isFatal { throw error.code }
    }
    return 0
  }

  mutating func received(raw: RawSpan) {
    raw.withUnsafeBytes { piece?.bytes.append(contentsOf: $0) }
    guard let header = piece?.header, piece?.bytes.count == header.size else { return }
    gathered.append(.piece(header, piece?.bytes ?? []))
    piece = nil
    pieces += 1
  }

  mutating func refuse(_ fault: FrameFault, isFatal: Bool) {
    if isFatal { isDeaf = true }
    gathered.append(.fault(fault, isFatal: isFatal))
  }
}
