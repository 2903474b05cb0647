import QQProtocol

/// Feeds mutated lines to the codec and the framer and sees that what must always hold does. A trap is what it hunts for
/// first, so it runs in the process.
public struct CodecFuzzer: Sendable {
  /// What became of the lines.
  public private(set) var inputs = 0
  public private(set) var clientFrames = 0
  public private(set) var hubFrames = 0
  public private(set) var faults: [ErrorCode: Int] = [:]
  /// What didn't hold, the first few.
  public private(set) var violations: [String] = []

  private var mutator: Mutator
  private var decoder = FrameDecoder()
  private var writer = JSONWriter()
  private var line: [UInt8] = []
  private var stream: [UInt8] = []

  /// Bytes of a line for the framer, so that some are too long.
  private static let lineLimit = 512

  public init(seed: UInt64) {
    mutator = Mutator(seed: seed, corpus: FuzzCorpus.lines)
  }

  public mutating func run(inputs count: Int) {
    for _ in 0..<count {
      mutator.next(&line)
      inputs += 1
      let client = tryClientFrame()
      // Both sides find in the same way that a line is no object at all; the test's runner makes every throw dear.
      let isObject = client != .malformed && client != .badUTF8
      let isHub = isObject && tryHubFrame()
      if client == nil || isHub { mutator.keep(line) }
      gather()
    }
  }

  private mutating func violated(_ what: String, _ bytes: [UInt8]) {
    guard violations.count < 10 else { return }
    violations.append("\(what): \(String(decoding: bytes, as: UTF8.self).debugDescription) \(bytes)")
  }

  // MARK: Frames

  /// Gives why the line is refused.
  private mutating func tryClientFrame() -> ErrorCode? {
    let input = line
    let frame: ClientFrame
    do throws(FrameFault) {
      frame = try decoder.clientFrame(input.span.bytes)
    } catch {
      refused(error)
      return error.code
    }
    clientFrames += 1
    writer.bytes.removeAll(keepingCapacity: true)
    frame.encode(into: &writer)
    checkLine()
    let written = writer.bytes
    let again = try? decoder.clientFrame(written.span.bytes)
    if again != frame { violated("a client's frame is another one when it is read again", line) }
    return nil
  }

  private mutating func tryHubFrame() -> Bool {
    let input = line
    let frame: HubFrame?
    do throws(FrameFault) {
      frame = try decoder.hubFrame(input.span.bytes)
    } catch {
      refused(error)
      return false
    }
    guard let frame else { return false }
    hubFrames += 1
    writer.bytes.removeAll(keepingCapacity: true)
    frame.encode(into: &writer)
    checkLine()
    let written = writer.bytes
    let again = try? decoder.hubFrame(written.span.bytes)
    if again != frame { violated("a hub's frame is another one when it is read again", line) }
    return true
  }

  private mutating func refused(_ fault: FrameFault) {
    faults[fault.code, default: 0] += 1
    let isFatal = fault.code == .malformed || fault.code == .badUTF8
    if isFatal, fault.ref != nil { violated("a line that can't be trusted has a ref", line) }
    if let ref = fault.ref, !(ProtocolLimits.integers ~= ref) { violated("a ref is out of range", line) }
    if fault.code == .badUTF8, String(validating: line, as: UTF8.self) != nil { violated("this is UTF-8", line) }
  }

  /// What is written is one line without controls, and what was taken was UTF-8.
  private mutating func checkLine() {
    if String(validating: line, as: UTF8.self) == nil { violated("this is not UTF-8", line) }
    let isClean = writer.bytes.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7f } && writer.bytes.last == 0x0a
    if !isClean { violated("a control character is written raw", line) }
  }

  // MARK: Framing

  private mutating func gather() {
    stream.append(contentsOf: line)
    if mutator.random.oneIn(4) { stream.append(0x0d) }
    stream.append(0x0a)
    if stream.count > 16_384 {
      checkFraming()
      stream.removeAll(keepingCapacity: true)
    }
  }

  /// However a stream is cut, the lines and the end are the same.
  private mutating func checkFraming() {
    let limit = mutator.random.oneIn(2) ? Self.lineLimit : 65_536
    let whole = framed(limit: limit, pieces: [stream.count])
    var pieces: [Int] = []
    var rest = stream.count
    let longest = 1 << (1 + mutator.random.below(12))
    while rest > 0 {
      let piece = min(rest, mutator.random.below(longest))
      pieces.append(piece)
      rest -= piece
    }
    if framed(limit: limit, pieces: pieces) != whole { violated("cut as \(pieces), other lines come", stream) }
  }

  private struct Framed: Equatable {
    var lines: [[UInt8]] = []
    var isTooLong = false
  }

  private func framed(limit: Int, pieces: [Int]) -> Framed {
    var framer = LineFramer(limit: limit)
    var framed = Framed()
    var start = 0
    for piece in pieces {
      do throws(ErrorCode) {
        try framer.feed(stream.span.bytes.extracting(start..<start + piece)) { line throws(ErrorCode) in
          framed.lines.append(line.withUnsafeBytes { Array($0) })
        }
      } catch {
        framed.isTooLong = true
        return framed
      }
      start += piece
    }
    return framed
  }
}
