/// Cuts a stream of bytes into lines that end with a newline. A line that lies whole in one chunk is handed on where
/// it is; only the unfinished rest of a chunk is kept.
///
/// Where a line announces raw bytes, those that follow it are handed on as they come.
public struct LineFramer: Sendable {
  private var rest: [UInt8] = []
  /// Raw bytes that are still to come.
  private var raw = 0
  private let limit: Int

  /// `limit`: bytes of a line, its newline not counted.
  public init(limit: Int = ProtocolLimits.line) {
    self.limit = limit
  }

  /// Bytes kept of a line that isn't whole yet.
  public var pending: Int { rest.count }

  /// In the middle of a line, or of raw bytes.
  public var isWithin: Bool { raw > 0 || !rest.isEmpty }

  /// As `feed` with raw bytes, for a stream that has none.
  public mutating func feed(
    _ chunk: RawSpan, _ body: (RawSpan) throws(ErrorCode) -> Void
  ) throws(ErrorCode) {
    try feed(
      chunk,
      { line throws(ErrorCode) in
        try body(line); return 0
      }, raw: { _ in })
  }

  /// Calls `body` with each line the chunk completes, without its newline (a carriage return before it is dropped).
  /// `body` gives how many raw bytes follow; `take` is given these, in pieces. Throws `.lineTooLong`, after which the
  /// stream can't be trusted and nothing more may be fed, or what `body` throws.
  @inline(__always)
  public mutating func feed(
    _ chunk: RawSpan, _ body: (RawSpan) throws(ErrorCode) -> Int, raw take: (RawSpan) -> Void
  ) throws(ErrorCode) {
    var start = 0
    while start < chunk.byteCount {
      if raw > 0 {
        let count = min(raw, chunk.byteCount - start)
        take(chunk.extracting(start..<start + count))
        raw -= count
        start += count
        continue
      }
      guard let end = Self.newline(in: chunk, from: start) else { break }
      let line = chunk.extracting(start..<end)
      start = end + 1
      guard rest.count + line.byteCount <= limit else { throw .lineTooLong }
      if rest.isEmpty {
        raw = try body(Self.withoutReturn(line))
      } else {
        line.withUnsafeBytes { rest.append(contentsOf: $0) }
        let whole = rest
        // Memory goes back after a long line: an idle connection costs little.
        rest = []
        raw = try body(Self.withoutReturn(whole.span.bytes))
      }
    }
    guard rest.count + (chunk.byteCount - start) <= limit else { throw .lineTooLong }
    if start < chunk.byteCount {
      chunk.extracting(start..<chunk.byteCount).withUnsafeBytes { rest.append(contentsOf: $0) }
    }
  }

  @_lifetime(copy line)
  private static func withoutReturn(_ line: RawSpan) -> RawSpan {
    guard line.byteCount > 0, line.unsafeLoad(fromByteOffset: line.byteCount - 1, as: UInt8.self) == 0x0d else {
      return line
    }
    return line.extracting(0..<line.byteCount - 1)
  }

  /// Eight bytes at a time, as in `JSONScanner`.
  private static func newline(in bytes: RawSpan, from start: Int) -> Int? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var index = start
    while index &+ 8 <= bytes.byteCount {
      let word =
        UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ (ones &* 0x0a)
      let found = (word &- ones) & ~word & highs
      if found != 0 { return index + found.trailingZeroBitCount / 8 }
      index &+= 8
    }
    while index < bytes.byteCount {
      if bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self) == 0x0a { return index }
      index += 1
    }
    return nil
  }
}
