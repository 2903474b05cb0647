import Glibc
import QQHub
import QQProtocol
import Synchronization

/// The spool's files, by plain system calls. Used by several threads, by one for each file at a time.
final class SpoolDisk: Sendable {
  let directory: String
  private let reserve: Atomic<Int64>
  /// The hashes of the chunks that are known to be on the disk.
  private let hashers = Mutex(KnownHashers(capacity: 256))
  /// What was written last, for those who follow an upload: it isn't in the page cache.
  private let recent = Mutex(RecentChunks(capacity: 16))

  init(_ directory: String, reserve: Int64) throws(SpoolError) {
    self.directory = directory
    self.reserve = Atomic(max(reserve, Spool.leastReserve))
    for folder in ["", "/uploads", "/blobs"] {
      guard mkdir(directory + folder, 0o700) == 0 || errno == EEXIST else {
        throw SpoolError(message: "cannot make \(directory + folder): \(Self.reason(errno))")
      }
    }
  }

  func setReserve(_ bytes: Int64) { reserve.store(max(bytes, Spool.leastReserve), ordering: .relaxed) }

  /// Whether so many bytes more leave free what is to stay free.
  func hasRoom(for bytes: Int64) -> Bool {
    (try? free()).map { $0 - bytes >= reserve.load(ordering: .relaxed) } ?? false
  }

  static func reason(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }

  private func part(_ seq: Int64) -> String { "\(directory)/uploads/\(seq).part" }
  private func partSums(_ seq: Int64) -> String { "\(directory)/uploads/\(seq).sums" }
  private func blob(_ hash: TreeHash) -> String { "\(directory)/blobs/\(hash.digest)" }
  private func blobSums(_ hash: TreeHash) -> String { "\(directory)/blobs/\(hash.digest).sums" }

  func perform(_ request: SpoolRequest) throws(SpoolFailure) -> SpoolAnswer? {
    switch request {
    case .measure(let token): return .measured(token: token, free: try free())
    case .open(let seq):
      let hasher = try open(seq)
      return .opened(seq, size: hasher.length, hash: hasher.hash)
    case .write(let seq, let session, let chunk, let bytes):
      try write(seq, chunk, bytes)
      return .written(seq, session: session, end: chunk.end)
    case .finish(let seq, let session, let ref, let size, let hash):
      try finish(seq, size: size, hash)
      return .finished(seq, session: session, ref: ref, size: size, hash)
    case .keep(let seq, let hash):
      recent.withLock { $0.remove(seq) }
      try keep(seq, hash)
      return nil
    case .check(let file, let session, let offset, let hash):
      let isSame = try known(file).hash(ofFirst: offset) == hash
      return .checked(file.seq, session: session, offset: offset, isSame: isSame)
    case .read(let file, let session, let offset, let size):
      let (chunk, bytes) = try read(file, offset: offset, size: size)
      return .read(file.seq, session: session, chunk, bytes)
    case .remove(let seq, let hash):
      hashers.withLock { $0[seq] = nil }
      recent.withLock { $0.remove(seq) }
      unlink(part(seq))
      unlink(partSums(seq))
      if let hash {
        unlink(blob(hash))
        unlink(blobSums(hash))
      }
      return nil
    }
  }

  func free() throws(SpoolFailure) -> Int64 {
    guard let free = FileCopy.free(directory) else { throw Self.failure("measure", directory, errno) }
    return free
  }

  static func failure(_ verb: String, _ path: String, _ code: Int32) -> SpoolFailure {
    code == ENOSPC || code == EDQUOT || code == EFBIG
      ? .noSpace : .broken("cannot \(verb) \(path): \(reason(code))")
  }

  // MARK: Uploads

  /// What is there of an upload, verified: the hashes that were written beside it count only for bytes that are theirs.
  /// The rest is cut off.
  private func open(_ seq: Int64) throws(SpoolFailure) -> TreeHasher {
    if let known = hashers.withLock({ $0[seq] }) { return known }
    let data = try SpoolFile(part(seq), O_RDWR | O_CREAT)
    let hashes = try SpoolFile(partSums(seq), O_RDWR | O_CREAT)
    var hasher = TreeHasher()
    let size = try data.size
    while hasher.length < size {
      let expected = try hashes.read(at: hasher.length / Int64(Chunk.size) * 32, 32)
      let bytes = try data.read(at: hasher.length, Int(min(Int64(Chunk.size), size - hasher.length)))
      guard let hash = expected.withUnsafeBytes({ Digest(raw: $0) }), Digest(of: bytes) == hash else { break }
      hasher.add(hash, size: bytes.count)
    }
    try data.truncate(hasher.length)
    try hashes.truncate(Int64(hasher.count) * 32)
    hashers.withLock { $0[seq] = hasher }
    return hasher
  }

  private func write(_ seq: Int64, _ chunk: Chunk, _ bytes: [UInt8]) throws(SpoolFailure) {
    guard bytes.count == chunk.size, Digest(of: bytes) == chunk.hash else { throw .mismatch }
    var hasher = try open(seq)
    // After an end that was cut off, or a piece that was sent twice over.
    if hasher.length > chunk.offset { hasher.truncate(to: chunk.offset) }
    guard hasher.length == chunk.offset else { throw .mismatch }
    // What was promised at the offer isn't all: a pipe's length is known to nobody, and others use the disk as well.
    guard try free() - Int64(bytes.count) >= reserve.load(ordering: .relaxed) else { throw .noSpace }
    do throws(SpoolFailure) {
      let data = try SpoolFile(part(seq), O_WRONLY | O_CREAT)
      try data.write(bytes, at: chunk.offset)
      let hashes = try SpoolFile(partSums(seq), O_WRONLY | O_CREAT)
      try hashes.write(chunk.hash.bytes, at: chunk.offset / Int64(Chunk.size) * 32)
    } catch {
      // What is there is looked at anew.
      hashers.withLock { $0[seq] = nil }
      throw error
    }
    hasher.add(chunk.hash, size: chunk.size)
    hashers.withLock { $0[seq] = hasher }
    recent.withLock { $0.add(seq, chunk, bytes) }
  }

  private func finish(_ seq: Int64, size: Int64, _ hash: TreeHash) throws(SpoolFailure) {
    let hasher = try open(seq)
    guard hasher.length == size, hasher.hash == hash else { throw .mismatch }
    // An empty file has had no write.
    try SpoolFile(part(seq), O_WRONLY | O_CREAT).sync()
    try SpoolFile(partSums(seq), O_WRONLY | O_CREAT).sync()
    try SpoolFile(directory + "/uploads", O_RDONLY | O_DIRECTORY).sync()
  }

  /// May be called again after a crash in the middle of it.
  private func keep(_ seq: Int64, _ hash: TreeHash) throws(SpoolFailure) {
    if access(blob(hash), F_OK) == 0 {
      // Somebody's file has this content already.
      unlink(part(seq))
      unlink(partSums(seq))
      return
    }
    for (from, to) in [(partSums(seq), blobSums(hash)), (part(seq), blob(hash))] {
      if rename(from, to) == 0 || errno == ENOENT && access(to, F_OK) == 0 { continue }
      throw Self.failure("keep", from, errno)
    }
    try SpoolFile(directory + "/blobs", O_RDONLY | O_DIRECTORY).sync()
  }

  // MARK: Reading

  /// Of all that is there, without changing it.
  private func known(_ file: KeptFile) throws(SpoolFailure) -> TreeHasher {
    if let known = hashers.withLock({ $0[file.seq] }) { return known }
    // An upload was looked at before anybody could ask for it: forgotten since, its hashes lie beside it. What is whole
    // may not have its place yet.
    let isKept = file.hash.map { access(blob($0), F_OK) == 0 } ?? false
    let (data, sums) =
      if isKept, let hash = file.hash { (blob(hash), blobSums(hash)) } else { (part(file.seq), partSums(file.seq)) }
    let size = try SpoolFile(data, O_RDONLY).size
    let count = Int((size + Int64(Chunk.size) - 1) / Int64(Chunk.size))
    let hashes = try SpoolFile(sums, O_RDONLY).read(at: 0, count * 32)
    var hasher = TreeHasher()
    for index in 0..<hashes.count / 32 {
      guard let digest = hashes[(index * 32)..<(index * 32 + 32)].withUnsafeBytes({ Digest(raw: $0) }) else { break }
      hasher.add(digest, size: Int(min(Int64(Chunk.size), size - hasher.length)))
    }
    guard let hash = file.hash else { return hasher }
    guard hasher.hash == hash else { throw .broken("the hashes of \(hash) are damaged") }
    hashers.withLock { $0[file.seq] = hasher }
    return hasher
  }

  private func read(_ file: KeptFile, offset: Int64, size: Int) throws(SpoolFailure) -> (Chunk, [UInt8]) {
    if let found = recent.withLock({ $0.find(file.seq, offset) }), found.chunk.size == size {
      return (found.chunk, found.bytes)
    }
    guard let hash = try known(file).chunk(at: offset) else { throw .broken("there is nothing at \(offset)") }
    let path = file.hash.map(blob) ?? part(file.seq)
    let data: SpoolFile
    do throws(SpoolFailure) {
      data = try SpoolFile(path, O_RDONLY)
    } catch {
      // The moment before it is renamed.
      data = try SpoolFile(part(file.seq), O_RDONLY)
    }
    let bytes = try data.read(at: offset, size)
    guard bytes.count == size else { throw .broken("\(path) ends before \(offset + Int64(size))") }
    return (Chunk(offset: offset, size: size, hash: hash), bytes)
  }

  // MARK: Tidying

  /// Gives what was wrong.
  func tidy(_ kept: [KeptFile]) -> [String] {
    var problems: [String] = []
    var wanted: Set<String> = []
    for file in kept {
      if let hash = file.hash {
        if access(blob(hash), F_OK) != 0 {
          do throws(SpoolFailure) {
            try keep(file.seq, hash)
          } catch {
            // Whatever is left of it stays, for whoever looks into it.
            wanted.formUnion([part(file.seq), partSums(file.seq)])
            problems.append("file \(file.seq) can't be kept: \(error.reason)")
          }
        }
        wanted.formUnion([blob(hash), blobSums(hash)])
      } else {
        wanted.formUnion([part(file.seq), partSums(file.seq)])
      }
    }
    for folder in ["uploads", "blobs"] {
      let path = "\(directory)/\(folder)"
      for name in FileCopy.names(path) where !wanted.contains("\(path)/\(name)") { unlink("\(path)/\(name)") }
    }
    return problems
  }
}
