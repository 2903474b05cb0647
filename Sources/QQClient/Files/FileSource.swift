import Glibc
import QQProtocol

/// The bytes of something that is sent, a chunk at a time, and their hashes. What comes after the last chunk that was
/// asked for is read in order, so that a pipe will do; going back is for what is on the disk, and a little for pipes.
///
/// Not shared between tasks: whoever sends has it.
struct FileSource {
  private enum Kind {
    case file(OpenFile, stat)
    case folder(FolderReader)
    /// `kept`: chunks that the hub may not have yet, the oldest at the offset.
    case pipe(PipeReader, kept: [[UInt8]], offset: Int64)
  }

  private var kind: Kind
  private(set) var info: FileInfo
  private(set) var hasher = TreeHasher()
  /// What a folder has that isn't sent.
  let skipped: [String]

  /// A file or a folder. `name`: what it is called at the other end, where that isn't its own name.
  init(path: String, name: String?, links: Bool) throws(FileError) {
    // A FIFO that nobody writes to must not block.
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    let file = try OpenFile.open(path, O_RDONLY | O_NONBLOCK, as: .input)
    let status = try file.status()
    let called: String
    if let name { called = name } else { called = try Self.name(of: path) }
    let modified = Timestamp(milliseconds: status.modified)
    switch status.kind {
    case S_IFREG:
      info = FileInfo(
        name: called, size: Int64(status.st_size), mode: Int64(status.st_mode & 0o777), modified: modified)
      kind = .file(file, status)
      skipped = []
    case S_IFDIR:
      let reader = try FolderReader(file, links: links)
      info = FileInfo(
        name: called, size: reader.layout.size, manifest: reader.layout.manifestSize,
        mode: Int64(status.st_mode & 0o777), modified: modified)
      kind = .folder(reader)
      skipped = reader.skipped
    default:
      throw FileError(.input, "\"\(path)\" is neither a file nor a folder (a pipe is sent as \"-\" with --name)")
    }
  }

  /// What a descriptor gives until it ends.
  init(pipe: Int32, name: String) {
    info = FileInfo(name: name, size: nil)
    kind = .pipe(PipeReader(pipe), kept: [], offset: 0)
    skipped = []
  }

  /// What tells whether it is still the same: sizes and times, in a folder those of all that is in it.
  var state: String {
    var parts = [info.size, info.manifest, info.mode, info.modified?.milliseconds].map { $0.map { String($0) } ?? "-" }
    if case .folder(let reader) = kind { parts.append(reader.digest.description) }
    return parts.joined(separator: " ")
  }

  /// Whoever writes to the pipe is not waited for.
  var isReady: Bool {
    guard case .pipe(let pipe, let kept, let start) = kind else { return true }
    let end = kept.reduce(start) { $0 + Int64($1.count) }
    return hasher.length < end || pipe.isReady
  }

  /// Where it is a pipe: called on another thread when `isReady` has come true.
  func whenReady(_ notify: @escaping @Sendable () -> Void) {
    if case .pipe(let pipe, _, _) = kind { pipe.whenReady(notify) }
  }

  /// What a path's last part is, also for `.` and `photos/`.
  private static func name(of path: String) throws(FileError) -> String {
    if let last = path.split(separator: "/").last, last != ".", last != ".." { return String(last) }
    guard let real = realpath(path, nil) else { throw .system(.input, "cannot look at \"\(path)\"") }
    defer { free(real) }
    guard let last = String(cString: real).split(separator: "/").last else {
      throw FileError(.input, "\"\(path)\" has no name: give one with --name")
    }
    return String(last)
  }

  /// The chunk behind those that were hashed, now hashed too; nil at the end.
  mutating func next() throws(FileError) -> (chunk: Chunk, bytes: [UInt8])? {
    let offset = hasher.length
    let bytes = try read(at: offset)
    guard !bytes.isEmpty else {
      try checkUnchanged()
      return nil
    }
    let chunk = Chunk(offset: offset, size: bytes.count, hash: Digest(of: bytes))
    hasher.add(chunk.hash, size: chunk.size)
    return (chunk, bytes)
  }

  /// Goes to where the hub is: `offset` bytes of this file, it says, have this hash. Throws where they haven't.
  mutating func resume(at offset: Int64, _ hash: TreeHash) throws(FileError) {
    if case .pipe(_, let kept, let start) = kind {
      let end = start + kept.reduce(0) { $0 + Int64($1.count) }
      guard start...end ~= offset, offset % Int64(Chunk.size) == 0 || offset == end else {
        throw FileError(.changed, "\"\(info.name)\" comes from a pipe: what has gone through can't be sent again")
      }
    } else {
      while hasher.length < offset {
        guard try next() != nil else { break }
      }
    }
    guard hasher.hash(ofFirst: offset) == hash else {
      throw FileError(.changed, "\"\(info.name)\" is not what it was when it was begun to be sent: send it anew")
    }
    hasher.truncate(to: offset)
    release(before: offset)
  }

  /// The hub has this much: a pipe's bytes need not be kept.
  mutating func release(before offset: Int64) {
    guard case .pipe(let pipe, var kept, var start) = kind else { return }
    while let first = kept.first, start + Int64(first.count) <= offset {
      start += Int64(first.count)
      kept.removeFirst()
    }
    kind = .pipe(pipe, kept: kept, offset: start)
  }

  private mutating func read(at offset: Int64) throws(FileError) -> [UInt8] {
    switch kind {
    case .file(let file, let status):
      // Not what it has grown by since.
      let count = min(Int64(Chunk.size), Int64(status.st_size) - offset)
      let bytes = count > 0 ? try file.read(Int(count), at: offset) : []
      guard Int64(bytes.count) == max(0, count) else { throw changed() }
      return bytes
    case .folder(var reader):
      let bytes = try reader.read(at: offset)
      kind = .folder(reader)
      return bytes
    case .pipe(let pipe, var kept, let start):
      var position = start
      for bytes in kept {
        if position == offset { return bytes }
        position += Int64(bytes.count)
      }
      let bytes = try pipe.next()
      if !bytes.isEmpty { kept.append(bytes) }
      kind = .pipe(pipe, kept: kept, offset: start)
      return bytes
    }
  }

  private func checkUnchanged() throws(FileError) {
    guard case .file(let file, let status) = kind else { return }
    guard try file.status().isSame(as: status) else { throw changed() }
  }

  private func changed() -> FileError {
    FileError(.changed, "\"\(info.name)\" changed while it was being sent: send it anew")
  }
}

/// Reads a folder as the stream that it is sent as.
struct FolderReader {
  let layout: FolderLayout
  let skipped: [String]
  private let root: OpenFile
  private let manifest: [UInt8]
  /// The file that was read last.
  private var current: (entry: Int, file: OpenFile)?

  init(_ root: OpenFile, links: Bool) throws(FileError) {
    self.root = root
    let scan = try FolderScan(root, links: links)
    skipped = scan.skipped
    let manifest = Manifest(entries: scan.entries)
    self.manifest = manifest.bytes
    guard self.manifest.count <= Manifest.limit else {
      throw FileError(.data, "\"\(root.path)\" has too many names for one folder: send its parts, or as an archive")
    }
    layout = FolderLayout(manifest, manifestSize: Int64(self.manifest.count))
  }

  /// Of the manifest.
  var digest: Digest { Digest(of: manifest) }

  mutating func read(at offset: Int64) throws(FileError) -> [UInt8] {
    let end = min(offset + Int64(Chunk.size), layout.size)
    guard offset < end else { return [] }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(end - offset))
    for piece in layout.pieces(offset..<end) {
      guard let entry = piece.entry else {
        bytes += manifest[Int(piece.range.lowerBound)..<Int(piece.range.upperBound)]
        continue
      }
      let file = try file(entry)
      let part = try file.read(piece.range.count, at: piece.range.lowerBound)
      guard part.count == piece.range.count else { throw changed(layout.manifest.entries[entry]) }
      bytes += part
    }
    return bytes
  }

  private mutating func file(_ index: Int) throws(FileError) -> OpenFile {
    if let current, current.entry == index { return current.file }
    let entry = layout.manifest.entries[index]
    var folder = root
    let parts = entry.path.split(separator: "/").map(String.init)
    for part in parts.dropLast() {
      folder = try OpenFile.open(part, in: folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, as: .input)
    }
    let file = try OpenFile.open(parts.last ?? "", in: folder, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, as: .input)
    let status = try file.status()
    guard status.kind == S_IFREG, Int64(status.st_size) == entry.size,
      entry.modified == Timestamp(milliseconds: status.modified)
    else { throw changed(entry) }
    current = (index, file)
    return file
  }

  private func changed(_ entry: Manifest.Entry) -> FileError {
    FileError(.changed, "\"\(root.path)/\(entry.path)\" changed while it was being sent: send it anew")
  }
}
