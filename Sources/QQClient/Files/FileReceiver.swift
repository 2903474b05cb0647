import QQProtocol

/// Where a file that is received goes.
public enum FileDestination: Sendable {
  /// Into this folder, under its own name.
  case folder(String)
  /// Into this folder, under this name.
  case path(folder: String, name: String)
  case stream(Int32)
}

public struct SavedFile: Sendable {
  public var id: MessageID
  public var seq: Int64
  public var from: String
  public var info: FileInfo
  /// nil where it went to a stream.
  public var path: String?
  public var hash: TreeHash
}

/// Gets one file, over as many connections as it takes: what is here already is verified and gone on from, and the hub
/// is told once the file is in its place.
public actor FileReceiver {
  private let configuration: LinkConfiguration
  private let key: ClientFrame.FileKey
  private let destination: FileDestination
  private let report: @Sendable (HubFrame.File, Int64) throws -> Void
  private let notice: @Sendable (LinkNotice) -> Void
  private var sink: FileSink?
  private var file: HubFrame.File?
  private var saved: SavedFile?
  /// The request whose answer the pieces that come now belong to.
  private var begun: Int64?
  private var ref: Int64 = 0
  private var mismatches = 0
  /// Counts what happens: a time limit begins anew with each.
  public private(set) var steps = 0

  private static let tries = 3
  /// Bytes after which the hub is told how far this is.
  private static let reported: Int64 = 4 << 20

  /// `report` is given the file and how much of it is here, verified.
  public init(
    _ configuration: LinkConfiguration, _ key: ClientFrame.FileKey, to destination: FileDestination,
    report: @escaping @Sendable (HubFrame.File, Int64) throws -> Void, notice: @escaping @Sendable (LinkNotice) -> Void
  ) {
    self.configuration = configuration
    self.key = key
    self.destination = destination
    self.report = report
    self.notice = notice
  }

  public func run() async throws -> SavedFile {
    try await HubLinks.keep(configuration, notice: notice) { link, lines in
      try await self.connected(link)
      while let batch = try await lines.next() {
        if try await self.received(batch, link) { return .finished }
      }
      return .lost
    }
    guard let saved else { throw CancellationError() }
    return saved
  }

  private func connected(_ link: HubLink) async throws {
    steps += 1
    if let saved { return try await link.write([.saved(ref: 0, seq: saved.seq)]) }
    try await ask(link)
  }

  /// From where this side is.
  private func ask(_ link: HubLink) async throws {
    ref += 1
    begun = nil
    let whole = (sink?.hasher.length ?? 0) / Int64(Chunk.size) * Int64(Chunk.size)
    let hash = whole > 0 ? sink?.hasher.hash(ofFirst: whole) : nil
    try await link.write([.get(.init(ref: ref, file: key, offset: whole, hash: hash))])
  }

  /// True where the file is in its place and the hub knows it.
  private func received(_ batch: [HubLine], _ link: HubLink) async throws -> Bool {
    steps += 1
    for line in batch {
      switch line.frame {
      case .file(let file) where file.ref == ref: try await open(file, link)
      case .ok(let ok) where ok.ref == ref && saved == nil:
        try sink?.restart(at: ok.offset ?? 0)
        begun = ref
        if let file, let sink { try report(file, sink.hasher.length) }
      case .ok(let ok) where ok.ref == 0: return true
      case .chunk(let chunk) where begun == ref: try await take(chunk, line.raw, link)
      case .end(let size, let hash) where begun == ref: try await finish(size, hash, link)
      case .error(let failure):
        // What is saved is saved, also where the hub has forgotten it meanwhile.
        if saved != nil { return true }
        throw ClientError.refused(configuration.endpoint, failure)
      default: continue
      }
    }
    return false
  }

  private func open(_ file: HubFrame.File, _ link: HubLink) async throws {
    guard sink == nil else { return }
    self.file = file
    let sink =
      switch destination {
      case .folder(let folder):
        try FileSink(folder: folder, name: nil, file.info, id: file.id, seq: file.seq)
      case .path(let folder, let name):
        try FileSink(folder: folder, name: name, file.info, id: file.id, seq: file.seq)
      case .stream(let descriptor): try FileSink(stream: descriptor, file.info)
      }
    self.sink = sink
    // What was begun in another life: the first question didn't know of it.
    if sink.hasher.length > 0 { try await ask(link) }
  }

  private func take(_ chunk: Chunk, _ bytes: [UInt8], _ link: HubLink) async throws {
    guard let file, let length = sink?.hasher.length else { return }
    guard chunk.offset == length, chunk.end <= file.info.size ?? .max, Digest(of: bytes) == chunk.hash else {
      return try mismatch(link)
    }
    try sink?.write(chunk, bytes)
    try report(file, chunk.end)
    if chunk.end % Self.reported == 0 || chunk.end == file.info.size { try await link.write([.got(offset: chunk.end)]) }
  }

  private func finish(_ size: Int64, _ hash: TreeHash, _ link: HubLink) async throws {
    guard let file, let hasher = sink?.hasher else { return }
    guard hasher.length == size, hasher.hash == hash else {
      // Every piece was right, and the whole isn't: what is here is of no use.
      sink?.discard()
      throw FileError(
        .changed, "what the hub sent of \"\(TextSafety.visible(file.info.name))\" is not the file it names")
    }
    let path = try sink?.finish(hash)
    saved = SavedFile(id: file.id, seq: file.seq, from: file.from, info: file.info, path: path, hash: hash)
    try await link.write([.saved(ref: 0, seq: file.seq)])
  }

  private func mismatch(_ link: HubLink) throws {
    mismatches += 1
    guard mismatches < Self.tries else {
      throw FileError(.changed, "a piece of the file is damaged, on the way or on the hub's disk")
    }
    begun = nil
    link.close()
  }
}
