import QQClient
import QQHub
import QQProtocol

/// What one receiver has on its disk, through all its processes.
final class ReceiverDisk {
  /// By the seq of the file.
  var parts: [Int64: [UInt8]] = [:]
  var names: [String: [UInt8]] = [:] { didSet { isNews = true } }
  /// A name was given since it was asked last.
  var isNews = false
}

/// Writes a file to a receiver's disk.
struct MemoryTarget: DownloadTarget {
  private let disk: ReceiverDisk
  private let file: HubFrame.File
  private let bug: TransferBug?
  private(set) var hasher = TreeHasher()

  init(_ disk: ReceiverDisk, _ file: HubFrame.File, _ bug: TransferBug?) {
    self.disk = disk
    self.file = file
    self.bug = bug
    let part = disk.parts[file.seq] ?? []
    for start in stride(from: 0, to: part.count, by: Chunk.size) where start + Chunk.size <= part.count {
      hasher.add(Digest(of: part[start..<start + Chunk.size]), size: Chunk.size)
    }
    disk.parts[file.seq] = Array(part.prefix(Int(hasher.length)))
  }

  mutating func restart(at offset: Int64) throws(FileError) {
    guard offset <= hasher.length else { throw FileError(.changed, "the hub goes on beyond what is here") }
    hasher.truncate(to: offset)
    disk.parts[file.seq] = Array(disk.parts[file.seq, default: []].prefix(Int(offset)))
  }

  mutating func write(_ chunk: Chunk, _ bytes: [UInt8]) throws(FileError) {
    disk.parts[file.seq, default: []] += bytes
    hasher.add(chunk.hash, size: chunk.size)
    if bug == .namesEarly { disk.names[file.info.name] = disk.parts[file.seq] }
  }

  mutating func finish(_ hash: TreeHash) throws(FileError) -> String? {
    disk.names[file.info.name] = disk.parts.removeValue(forKey: file.seq) ?? []
    return file.info.name
  }

  func discard() { disk.parts[file.seq] = nil }
}

/// A receiving process and those that come after it: it asks what is there for it, and gets one file at a time.
final class TransferReceiver {
  let nick: String
  let key: UInt8
  var damagesNext = false
  private unowned let world: TransferWorld
  private let disk = ReceiverDisk()
  private var session: SessionID?
  private var download: Download<MemoryTarget>?
  private var hasAsked = false
  private var waiting: [HubFrame.File] = []

  init(_ world: TransferWorld, nick: String, key: UInt8) {
    self.world = world
    self.nick = nick
    self.key = key
    session = world.hub.connect(nick, key: key)
  }

  func lose() {
    guard let session else { return }
    world.hub.disconnect(session)
    hubIsGone()
    world.count(\.cuts)
  }

  func hubIsGone() {
    session = nil
    hasAsked = false
  }

  /// The process ends; of what it wrote last a byte may be wrong, or some of it missing.
  func die() {
    if let session { world.hub.disconnect(session) }
    hubIsGone()
    download = nil
    waiting = []
    for (seq, var part) in disk.parts where !part.isEmpty {
      if world.chance(50) { part.removeLast(Int.random(in: 0...min(part.count, 100), using: &world.random)) }
      if world.chance(20), !part.isEmpty { part[Int.random(in: part.indices, using: &world.random)] ^= 0x10 }
      disk.parts[seq] = part
    }
  }

  func step() {
    if session == nil {
      session = world.hub.connect(nick, key: key)
      if let session, let frames = download?.connected() { world.hub.receive(.frames(session, frames)) }
    }
    guard let session else { return }
    world.hub.setWritable(session, world.isCalm || world.chance(70))
    do {
      for (frame, raw) in world.hub.takeOutput(session) { if try !received(frame, raw, session) { return } }
    } catch {
      // A piece that was damaged too often, or the whole: begun anew, as the same command would.
      if world.isCalm || world.bug != nil {
        world.violation("\(nick) can't get \(download?.file?.info.name ?? ""): \(error)")
      }
      download = nil
      return lose()
    }
    if world.hub.isClosed(session) { return hubIsGone() }
    next(session)
  }

  /// False where the connection is of no use any more.
  private func received(_ frame: HubFrame, _ raw: [UInt8], _ session: SessionID) throws -> Bool {
    if case .file(let file) = frame, file.ref == -9 {
      waiting.append(file)
      return true
    }
    if case .ok(let ok) = frame, ok.ref == -9 { return true }
    guard download != nil else { return true }
    var raw = raw
    if damagesNext, !raw.isEmpty {
      damagesNext = false
      raw[raw.count / 2] ^= 1
    }
    let step = try download?.received(frame, raw: raw) { [disk, world] file in MemoryTarget(disk, file, world.bug) }
    if let frames = step?.frames, !frames.isEmpty { world.hub.receive(.frames(session, frames)) }
    if step?.reconnects == true {
      lose()
      return false
    }
    if download?.isDone == true { download = nil }
    return true
  }

  private func next(_ session: SessionID) {
    guard download == nil else { return }
    if let file = waiting.first {
      waiting.removeFirst()
      var download = Download<MemoryTarget>(.seq(file.seq))
      let frames = download.connected()
      self.download = download
      world.hub.receive(.frames(session, frames))
    } else if !hasAsked || world.chance(20) {
      hasAsked = true
      world.hub.receive(.frames(session, [.files(ref: -9, after: 0)]))
    }
  }

  // MARK: Judging

  private func isMeant(_ sender: TransferSender) -> Bool { sender.to.contains(nick) }

  func hasAll(_ senders: [TransferSender]) -> Bool {
    senders.allSatisfy { sender in
      !isMeant(sender) || sender.files.indices.allSatisfy { disk.names[sender.info($0).name] != nil }
    }
  }

  /// What isn't here, or not as it was sent.
  func missing(_ senders: [TransferSender]) -> String? {
    for sender in senders {
      for index in sender.files.indices {
        let name = sender.info(index).name
        guard isMeant(sender) else {
          if disk.names[name] != nil { return "\(nick) has \(name), which is not for \(nick)" }
          continue
        }
        guard let content = disk.names[name] else { return "\(nick) hasn't got \(name)" }
        if content != TransferWorld.contents[sender.files[index]] { return "\(nick) has \(name) with other bytes" }
      }
    }
    return nil
  }

  /// A name stands for the whole file at every moment.
  func judge(_ senders: [TransferSender]) -> String? {
    guard disk.isNews else { return nil }
    disk.isNews = false
    for sender in senders {
      for index in sender.files.indices {
        if let content = disk.names[sender.info(index).name], content != TransferWorld.contents[sender.files[index]] {
          return "\(nick) has \(sender.info(index).name) under its name, and it isn't whole"
        }
      }
    }
    return nil
  }
}
