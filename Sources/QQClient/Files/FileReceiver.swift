import QQProtocol

extension FileSink: DownloadTarget {}

/// Where a file that is received goes.
public enum FileDestination: Sendable {
  /// Into this folder, under its own name.
  case folder(String)
  /// The same, without anybody who asked for it.
  case unasked(folder: String, SaveAllowance)
  /// Into this folder, under this name.
  case path(folder: String, name: String)
  case stream(Int32)
}

/// Gets one file, over as many connections as it takes: drives `Download`.
public actor FileReceiver {
  private let configuration: LinkConfiguration
  private let destination: FileDestination
  private let report: @Sendable (HubFrame.File, Int64) throws -> Void
  private let notice: @Sendable (LinkNotice) -> Void
  private var download: Download<FileSink>
  /// Counts what brings it nearer to its end: a time limit begins anew with each. A hub that has it begin again and again
  /// doesn't.
  public private(set) var steps = 0
  private var furthest: Int64 = 0

  /// `report` is given the file and how much of it is here, verified.
  public init(
    _ configuration: LinkConfiguration, _ key: ClientFrame.FileKey, to destination: FileDestination,
    report: @escaping @Sendable (HubFrame.File, Int64) throws -> Void, notice: @escaping @Sendable (LinkNotice) -> Void
  ) {
    self.configuration = configuration
    self.destination = destination
    self.report = report
    self.notice = notice
    download = Download(key)
  }

  public func run() async throws -> SavedFile {
    try await HubLinks.keep(configuration, notice: notice) { link, lines in
      try await link.write(await self.connected())
      while let batch = try await lines.next() {
        for line in batch {
          let step = try await self.received(line)
          try await link.write(step.frames)
          if step.reconnects { return .lost }
          if await self.isDone { return .finished }
        }
      }
      return .lost
    }
    guard let saved = download.saved else { throw CancellationError() }
    return saved
  }

  /// Something is here to go on from.
  public var isBegun: Bool { download.file != nil && download.saved == nil }

  private var isDone: Bool { download.isDone }

  private func connected() -> [ClientFrame] { download.connected() }

  private func received(_ line: HubLine) throws -> Download<FileSink>.Step {
    guard let frame = line.frame else { return .init() }
    do {
      let step = try download.received(frame, raw: line.raw, digest: line.digest) { file throws(FileError) in
        try open(file)
      }
      if let received = step.received, let file = download.file {
        if received > furthest {
          furthest = received
          steps += 1
        }
        try report(file, received)
      }
      return step
    } catch let refusal as HubFrame.Failure {
      throw ClientError.refused(configuration.endpoint, refusal)
    }
  }

  private func open(_ file: HubFrame.File) throws(FileError) -> FileSink {
    switch destination {
    case .folder(let folder): try FileSink(folder: folder, name: nil, file.info, id: file.id, seq: file.seq)
    case .unasked(let folder, let allowance):
      try FileSink(folder: folder, name: nil, file.info, id: file.id, seq: file.seq, allowance: allowance)
    case .path(let folder, let name): try FileSink(folder: folder, name: name, file.info, id: file.id, seq: file.seq)
    case .stream(let descriptor): try FileSink(stream: descriptor, file.info)
    }
  }
}
