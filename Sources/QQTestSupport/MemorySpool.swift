import QQHub
import QQJournal
import QQProtocol

/// A spool in memory, for hubs in tests: what it has survives the hub, as a disk does, but for what `crash` takes.
public struct MemorySpool: Sendable {
  public struct File: Sendable {
    public var bytes: [UInt8] = []
    public var hasher = TreeHasher()
    /// Bytes that are durable.
    public var synced = 0
  }

  public private(set) var parts: [Seq: File] = [:]
  public private(set) var blobs: [TreeHash: File] = [:]
  public var free: Int64 = .max
  /// Turned over in the next chunk that is written, as a bad disk or a bad wire would.
  public var damagesNext = false
  public var bug: TransferBug?

  public init() {}

  public mutating func perform(_ request: SpoolRequest) -> SpoolAnswer? {
    switch request {
    case .measure(let token): return .measured(token: token, free: free)
    case .open(let seq):
      var file = parts[seq] ?? File()
      cut(&file, to: file.hasher.length)
      parts[seq] = file
      let promised = bug == .promisesMore ? Int64(Chunk.size) : 0
      return .opened(seq, size: file.hasher.length + promised, hash: file.hasher.hash)
    case .write(let seq, let session, let chunk, var bytes):
      if damagesNext, !bytes.isEmpty {
        damagesNext = false
        bytes[0] ^= 1
      }
      guard Digest(of: bytes) == chunk.hash || bug == .keepsDamaged else {
        return .failed(seq, session: session, ref: nil, .mismatch)
      }
      guard free >= Int64(bytes.count) else { return .failed(seq, session: session, ref: nil, .noSpace) }
      var file = parts[seq] ?? File()
      cut(&file, to: min(chunk.offset, file.hasher.length))
      guard file.hasher.length == chunk.offset else { return .failed(seq, session: session, ref: nil, .mismatch) }
      file.bytes += bytes
      file.hasher.add(chunk.hash, size: chunk.size)
      free -= free == .max ? 0 : Int64(bytes.count)
      parts[seq] = file
      return .written(seq, session: session, end: chunk.end)
    case .finish(let seq, let session, let ref, let size, let hash):
      guard let file = parts[seq], file.hasher.length == size, file.hasher.hash == hash else {
        return .failed(seq, session: session, ref: ref, .mismatch)
      }
      parts[seq]?.synced = file.bytes.count
      return .finished(seq, session: session, ref: ref, size: size, hash)
    case .keep(let seq, let hash):
      if let part = parts.removeValue(forKey: seq), blobs[hash] == nil { blobs[hash] = part }
      return nil
    case .check(let file, let session, let offset, let hash):
      return .checked(
        file.seq, session: session, offset: offset,
        isSame: bug == .trustsReceivers || find(file)?.hasher.hash(ofFirst: offset) == hash)
    case .read(let file, let session, let offset, let size):
      guard let found = find(file), let hash = found.hasher.chunk(at: offset), offset + Int64(size) <= found.bytes.count
      else { return .failed(file.seq, session: session, ref: nil, .broken("nothing there")) }
      let bytes = Array(found.bytes[Int(offset)..<Int(offset) + size])
      return .read(file.seq, session: session, Chunk(offset: offset, size: size, hash: hash), bytes)
    case .remove(let seq, let hash):
      parts[seq] = nil
      if let hash { blobs[hash] = nil }
      return nil
    }
  }

  /// What a crash leaves of what wasn't synced: whole chunks, down to `keeping` of them a file.
  public mutating func crash(keeping chunks: Int) {
    for (seq, var file) in parts where file.synced < file.bytes.count {
      cut(&file, to: min(file.hasher.length, Int64(chunks * Chunk.size)))
      parts[seq] = file
    }
  }

  /// As a spool does when a hub starts.
  public mutating func start(_ kept: [KeptFile]) {
    for file in kept { if let hash = file.hash { _ = perform(.keep(file.seq, hash)) } }
    let wanted = Set(kept.filter { $0.hash == nil }.map(\.seq))
    parts = parts.filter { wanted.contains($0.key) }
    let hashes = Set(kept.compactMap(\.hash))
    blobs = blobs.filter { hashes.contains($0.key) }
  }

  private func find(_ file: KeptFile) -> File? { file.hash.flatMap { blobs[$0] } ?? parts[file.seq] }

  /// Back to a length, whole chunks unless it is all of it.
  private func cut(_ file: inout File, to length: Int64) {
    let length = length == file.hasher.length ? length : length / Int64(Chunk.size) * Int64(Chunk.size)
    file.hasher.truncate(to: length)
    file.bytes.removeLast(file.bytes.count - Int(length))
  }
}
