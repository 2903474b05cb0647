import QQProtocol

extension FileSource: UploadSource {}

/// A file that is to be sent.
public struct OutgoingFile: Sendable {
  public var path: String
  /// What it is called at the other end, where that isn't its own name.
  public var name: String?
  /// Symbolic links in a folder are sent as such.
  public var links: Bool
  /// Standard input, which has `name`.
  public var isPipe: Bool

  public init(path: String, name: String? = nil, links: Bool = false, isPipe: Bool = false) {
    self.path = path
    self.name = name
    self.links = links
    self.isPipe = isPipe
  }
}

/// Sends files, over as many connections as it takes: drives `Uploads`.
public actor FileSender {
  private let configuration: LinkConfiguration
  private let to: [String]
  private let report: @Sendable (UploadEvent) throws -> Void
  private let notice: @Sendable (LinkNotice) -> Void
  private let bytesPerSecond: Int64?
  private var uploads: Uploads<FileSource>
  private var link: HubLink?
  private var failure: (any Error)?
  private var waiter: CheckedContinuation<Void, Never>?
  private var steps = 0

  /// `bytesPerSecond`: send no faster.
  public init(
    _ configuration: LinkConfiguration, to: [String], wantsReceipts: Bool, lastSeen: Bool,
    bytesPerSecond: Int64? = nil, report: @escaping @Sendable (UploadEvent) throws -> Void,
    notice: @escaping @Sendable (LinkNotice) -> Void
  ) {
    self.configuration = configuration
    self.to = to
    self.report = report
    self.notice = notice
    self.bytesPerSecond = bytesPerSecond
    uploads = Uploads(wantsReceipts: wantsReceipts, lastSeen: lastSeen)
  }

  /// Looks at the file, which can fail. `makeID` is told what it is, and what it is known by as long as it
  /// doesn't change. Gives what isn't sent of a folder, and why.
  public func add(_ file: OutgoingFile, makeID: @Sendable (FileInfo, String) throws -> MessageID) throws -> [String] {
    let source =
      file.isPipe
      ? FileSource(pipe: 0, name: file.name ?? "") : try FileSource(path: file.path, name: file.name, links: file.links)
    source.whenReady { [weak self] in Task { await self?.inputIsReady() } }
    uploads.add(try makeID(source.info, source.state), source, to: to)
    hasFiles = true
    return source.skipped
  }

  /// There is something to send.
  public private(set) var hasFiles = false
  public var isStored: Bool { uploads.isStored }
  public var missing: [String] { uploads.missing.sorted() }
  public var unfinished: [(id: MessageID, info: FileInfo)] { uploads.unfinished }

  /// Returns once everything is stored, and with receipts everybody has it.
  public func run() async throws {
    try await HubLinks.keep(configuration, notice: notice) { link, lines in
      await self.connected(link)
      return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await self.write(to: link) }
        var thrown: (any Error)?
        do {
          while let batch = try await lines.next() {
            if try await self.received(batch) { break }
          }
        } catch {
          thrown = error
        }
        await self.disconnected()
        group.cancelAll()
        if let thrown { throw thrown }
        return try await self.outcome()
      }
    }
  }

  private func outcome() throws -> HubLinks.Outcome {
    if let failure { throw failure }
    return uploads.isDone ? .finished : .lost
  }

  private func connected(_ link: HubLink) {
    self.link = link
    uploads.connected()
  }

  private func disconnected() {
    link = nil
    wake()
  }

  /// Counts what happens: a time limit begins anew with each. The hub isn't to blame while nothing comes to be sent.
  public func progress() -> Int {
    if uploads.isWaitingForSource { steps += 1 }
    return steps + uploads.advances
  }

  private func inputIsReady() {
    steps += 1
    wake()
  }

  private func wake() {
    waiter?.resume()
    waiter = nil
  }

  /// Writes what there is to write, and waits for the hub in between. What is wrong with a file ends it all.
  private func write(to link: HubLink) async {
    do {
      while self.link != nil, !uploads.isDone {
        switch try uploads.next() {
        case .frames(let frames): try await link.write(frames)
        case .chunk(let chunk, let bytes):
          try await link.write(chunk, bytes)
          if let bytesPerSecond {
            try await Task.sleep(for: .microseconds(Int64(chunk.size) * 1_000_000 / bytesPerSecond))
          }
        case nil:
          if uploads.isDone { break }
          await withCheckedContinuation { waiter = $0 }
        }
      }
      if uploads.isDone { link.close() }
    } catch let error as FileError {
      failure = error
      link.close()
    } catch {
      // The connection: whoever reads it notices.
    }
  }

  /// True where nothing is left to do on this connection.
  private func received(_ batch: [HubLine]) throws -> Bool {
    defer { wake() }
    for line in batch {
      guard let frame = line.frame else { continue }
      do {
        let (events, verdict) = try uploads.received(frame)
        for event in events { try report(event) }
        if verdict == .reconnect { return true }
      } catch let refusal as HubFrame.Failure {
        throw ClientError.refused(configuration.endpoint, refusal)
      }
    }
    return uploads.isDone
  }
}
