import QQProtocol

/// Where the bytes of a file that is received go.
public protocol DownloadTarget {
  /// Of the chunks that are there.
  var hasher: TreeHasher { get }

  /// Goes back to where the hub begins.
  mutating func restart(at offset: Int64) throws(FileError)

  /// The chunk behind those that are there, verified.
  mutating func write(_ chunk: Chunk, _ bytes: [UInt8]) throws(FileError)

  /// All has come: gives it its place. Returns its path where it has one.
  mutating func finish(_ hash: TreeHash) throws(FileError) -> String?

  /// Leaves nothing of it.
  func discard()
}

public struct SavedFile: Equatable, Sendable {
  public var id: MessageID
  public var seq: Int64
  public var from: String
  public var info: FileInfo
  /// nil where it went to a stream.
  public var path: String?
  public var hash: TreeHash
}

/// One file on its way from the hub. Pure, but for where the bytes go: it says what to write to the hub, and is told what
/// the hub says. What is here already is offered by its hash and gone on from; the hub is told once the file is in its
/// place.
///
///     asked ──file──▶ (asked again, with what is here) ──ok──▶ receiving ──end──▶ saved ──ok──▶ done
///       ▲                                                         │
///       └────────────────────────lost─────────────────────────────┘
public struct Download<Target: DownloadTarget> {
  public struct Step: Sendable {
    public var frames: [ClientFrame] = []
    /// Begin again on another connection.
    public var reconnects = false
    /// How much is here, where that is news.
    public var received: Int64?
  }

  private let key: ClientFrame.FileKey
  private var target: Target?
  public private(set) var file: HubFrame.File?
  public private(set) var saved: SavedFile?
  public private(set) var isDone = false
  private var ref: Int64 = 0
  /// The hub has answered: the pieces that come now belong to the last question.
  private var isReceiving = false
  /// One after the other, without a piece that was right between them.
  private var mismatches = 0

  private static var tries: Int { 3 }
  /// Bytes after which the hub is told how far this is.
  private static var reported: Int64 { 4 << 20 }

  public init(_ key: ClientFrame.FileKey) {
    self.key = key
  }

  /// A connection was welcomed: what to say.
  public mutating func connected() -> [ClientFrame] {
    if let saved { return [.saved(ref: 0, seq: saved.seq)] }
    return [ask()]
  }

  /// From where this side is.
  private mutating func ask() -> ClientFrame {
    ref += 1
    isReceiving = false
    let size = Int64(Chunk.size)
    let whole = (target?.hasher.length ?? 0) / size * size
    let hash = whole > 0 ? target?.hasher.hash(ofFirst: whole) : nil
    return .get(.init(ref: ref, file: key, offset: whole, hash: hash))
  }

  /// Takes what the hub said; `digest` is that of the raw bytes. `open` makes the place where the file goes. Throws `FileError`, and `HubFrame.Failure`
  /// where the hub won't give it.
  public mutating func received(
    _ frame: HubFrame, raw: [UInt8] = [], digest: Digest? = nil, open: (HubFrame.File) throws(FileError) -> Target
  ) throws -> Step {
    switch frame {
    case .file(let file) where file.ref == ref && saved == nil:
      guard target == nil else { return Step() }
      self.file = file
      let target = try open(file)
      self.target = target
      // What was begun in another life: the first question didn't know of it.
      return target.hasher.length > 0 ? Step(frames: [ask()]) : Step()
    case .ok(let ok) where ok.ref == ref && saved == nil && !isReceiving:
      try target?.restart(at: ok.offset ?? 0)
      isReceiving = true
      return Step(received: target?.hasher.length)
    case .ok(let ok) where ok.ref == 0 && saved != nil:
      isDone = true
      return Step()
    case .chunk(let chunk) where isReceiving && saved == nil: return try take(chunk, raw, digest ?? Digest(of: raw))
    case .end(let size, let hash) where isReceiving && saved == nil: return try finish(size, hash)
    case .error(let failure):
      // What is saved is saved, also where the hub has forgotten it meanwhile.
      guard saved == nil else {
        isDone = true
        return Step()
      }
      let code = ErrorCode(rawValue: failure.code)
      if code == .stopping || code == .timeout { return Step(reconnects: true) }
      // What is here is of no use without the rest.
      if code == .fileGone { target?.discard() }
      throw failure
    default: return Step()
    }
  }

  private mutating func take(_ chunk: Chunk, _ bytes: [UInt8], _ digest: Digest) throws(FileError) -> Step {
    guard let file, let length = target?.hasher.length else { return Step() }
    guard chunk.offset == length, chunk.size == bytes.count, chunk.end <= file.info.size ?? .max,
      digest == chunk.hash
    else { return try mismatch() }
    try target?.write(chunk, bytes)
    mismatches = 0
    let isTold = chunk.end % Self.reported == 0 || chunk.end == file.info.size
    return Step(frames: isTold ? [.got(offset: chunk.end)] : [], received: chunk.end)
  }

  private mutating func mismatch() throws(FileError) -> Step {
    mismatches += 1
    isReceiving = false
    guard mismatches < Self.tries else {
      throw FileError(.changed, "a piece of the file is damaged, on the way or on the hub's disk")
    }
    return Step(reconnects: true)
  }

  private mutating func finish(_ size: Int64, _ hash: TreeHash) throws(FileError) -> Step {
    guard let file, let hasher = target?.hasher else { return Step() }
    guard hasher.length == size, hasher.hash == hash, file.info.size ?? size == size else {
      // Every piece was right, and the whole isn't: what is here is of no use.
      target?.discard()
      throw FileError(
        .changed, "what the hub sent of \"\(TextSafety.visible(file.info.name))\" is not the file it names")
    }
    let path = try target?.finish(hash)
    saved = SavedFile(id: file.id, seq: file.seq, from: file.from, info: file.info, path: path, hash: hash)
    return Step(frames: [.saved(ref: 0, seq: file.seq)])
  }
}
