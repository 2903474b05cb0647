import QQClient
import QQHub
import QQProtocol

/// Reads a file from its sender's disk.
struct MemorySource: UploadSource {
  let info: FileInfo
  let content: [UInt8]
  private(set) var hasher = TreeHasher()

  init(_ info: FileInfo, _ content: [UInt8]) {
    self.info = info
    self.content = content
  }

  var isReady: Bool { true }

  mutating func next() throws(FileError) -> (chunk: Chunk, bytes: [UInt8])? {
    let start = Int(hasher.length)
    guard start < content.count else { return nil }
    let bytes = Array(content[start..<min(content.count, start + Chunk.size)])
    let chunk = Chunk(offset: hasher.length, size: bytes.count, hash: Digest(of: bytes))
    hasher.add(chunk.hash, size: chunk.size)
    return (chunk, bytes)
  }

  mutating func resume(at offset: Int64, _ hash: TreeHash) throws(FileError) {
    while hasher.length < offset, try next() != nil {}
    guard hasher.hash(ofFirst: offset) == hash else {
      throw FileError(.changed, "the hub has other bytes than were sent")
    }
    hasher.truncate(to: offset)
  }

  mutating func release(before offset: Int64) {}
}

/// A sending process and those that come after it: the client's own machine on connections that break.
final class TransferSender {
  let nick: String
  let key: UInt8
  let to: [String]
  /// Indexes into the contents.
  let files: [Int]
  private unowned let world: TransferWorld
  private var uploads = Uploads<MemorySource>(wantsReceipts: true, window: 2 << 20)
  private var session: SessionID?
  private var stored: Set<MessageID> = []
  private(set) var isDone = false

  init(_ world: TransferWorld, nick: String, key: UInt8, to: [String], files: [Int]) {
    self.world = world
    self.nick = nick
    self.key = key
    self.to = to
    self.files = files
    start()
  }

  func id(_ index: Int) -> MessageID { MessageID(high: UInt64(key), low: UInt64(index)) }
  func info(_ index: Int) -> FileInfo {
    // Every third is a pipe, whose length nobody knows.
    FileInfo(name: "\(nick)-\(index)", size: index % 3 == 2 ? nil : Int64(TransferWorld.sizes[files[index]]))
  }

  var state: String { "\(uploads.unfinished.map(\.info.name)), waiting for \(uploads.missing.sorted())" }

  /// A new process, which knows the files and their ids and nothing else.
  private func start() {
    uploads = Uploads(wantsReceipts: true, window: 2 << 20)
    for index in files.indices {
      uploads.add(id(index), MemorySource(info(index), TransferWorld.contents[files[index]]), to: to)
    }
  }

  func lose() {
    guard let session else { return }
    world.hub.disconnect(session)
    hubIsGone()
    world.count(\.cuts)
  }

  func hubIsGone() { session = nil }

  func die() {
    guard !isDone else { return }
    if let session { world.hub.disconnect(session) }
    session = nil
    start()
  }

  func step() {
    guard !isDone else { return }
    if session == nil {
      session = world.hub.connect(nick, key: key)
      uploads.connected()
    }
    guard let session else { return }
    do {
      for (frame, _) in world.hub.takeOutput(session) {
        let (events, verdict) = try uploads.received(frame)
        for event in events { take(event) }
        if verdict == .reconnect { return lose() }
      }
      if world.hub.isClosed(session) { return hubIsGone() }
      // As a real connection, it goes out in pieces.
      for _ in 0..<(world.isCalm ? 20 : Int.random(in: 0...3, using: &world.random)) {
        switch try uploads.next() {
        case .frames(let frames): world.hub.receive(.frames(session, frames))
        case .chunk(let chunk, let bytes): world.hub.receive(.received(session, [.piece(chunk, bytes)]))
        case nil: break
        }
      }
    } catch {
      // Pieces that were damaged too often: the same command once more.
      let isDamage = (error as? HubFrame.Failure)?.code == ErrorCode.hashMismatch.rawValue
      if world.isCalm || world.bug != nil || !isDamage { world.violation("\(nick) can't go on: \(error)") }
      return die()
    }
    if uploads.isDone {
      isDone = true
      world.hub.disconnect(session)
    }
  }

  private func take(_ event: UploadEvent) {
    switch event {
    case .stored(let sent, _, let hash, let size):
      stored.insert(sent.id)
      let content = TransferWorld.contents[files[Int(sent.id.low)]]
      if size != Int64(content.count) || hash != TransferWorld.hashes[files[Int(sent.id.low)]] {
        world.violation("\(nick) is told that other bytes than its own are stored")
      }
    case .uploaded(_, let offset) where offset > 0: world.count(\.skipped)
    case .failed(let failure): world.violation("\(nick) can't send: \(failure.message)")
    default: break
    }
  }
}
