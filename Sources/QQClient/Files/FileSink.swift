import CLinux
import Glibc
import QQProtocol

/// Where what is received goes: first into a part beside its place, which others can't read, and once it is whole and
/// verified under its name, replacing nothing. A part that was left behind is gone on from.
struct FileSink {
  private enum Kind {
    /// Nothing has come: there is no part yet.
    case nothing
    case file(OpenFile)
    case folder(FolderWriter)
    /// A descriptor that takes what comes, once.
    case stream(Int32)
  }

  private var kind: Kind
  private(set) var hasher = TreeHasher()
  private let folder: OpenFile?
  private let part: String
  private let name: String
  private let info: FileInfo
  /// Where it goes was chosen by this user: nothing but that name will do.
  private let isExact: Bool

  private let allowance: SaveAllowance?

  /// Saves in the folder at `path`, as far as `allowance` allows. `name`: what this user calls it, which must be free; otherwise it is called what its
  /// sender calls it, if that is safe, with a number behind it where the name is taken.
  init(
    folder path: String, name: String?, _ info: FileInfo, id: MessageID, seq: Int64, allowance: SaveAllowance? = nil
  ) throws(FileError) {
    self.allowance = allowance
    let folder = try OpenFile.open(path, O_RDONLY | O_DIRECTORY, as: .output)
    self.folder = folder
    self.info = info
    isExact = name != nil
    self.name = name ?? info.name
    part = "\(FileName.partPrefix)\(id)-\(seq)"
    if name == nil {
      do throws(UnsafeName) {
        try FileName.check(top: info.name)
      } catch {
        throw FileError(
          .data,
          "\"\(TextSafety.visible(info.name))\" is not a safe name (\(error.reason)): \"qq get \(id) -o NAME\" saves it as NAME"
        )
      }
    } else if faccessat(folder.number, self.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
      throw FileError(.output, "\"\(path)/\(self.name)\" is there already: name another place")
    }
    kind = .nothing
    if let allowance {
      try allowance.check(info.size ?? 0, in: folder, named: self.name)
    }
    // Whoever offers what never comes leaves nothing here.
    if faccessat(folder.number, part, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { try begin() }
  }

  /// Makes the part, or opens the one that is there.
  private mutating func begin() throws(FileError) {
    guard case .nothing = kind, let folder else { return }
    if info.isFolder {
      let writer = try FolderWriter(
        part, in: folder, info, mostEntries: allowance == nil ? .max : SaveAllowance.entries)
      kind = .folder(writer)
      hasher = writer.resumed
    } else {
      let file = try Self.openPart(part, in: folder)
      kind = .file(file)
      try resume(file)
    }
  }

  /// Writes to a descriptor: nothing can be gone on from once this process has ended.
  init(stream: Int32, _ info: FileInfo) throws(FileError) {
    guard !info.isFolder else {
      throw FileError(.output, "\"\(TextSafety.visible(info.name))\" is a folder, which can't go to standard output")
    }
    kind = .stream(stream)
    allowance = nil
    folder = nil
    part = ""
    name = ""
    isExact = true
    self.info = info
  }

  private static func openPart(_ part: String, in folder: OpenFile) throws(FileError) -> OpenFile {
    let file = try OpenFile.open(part, in: folder, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600, as: .output)
    let status = try file.status()
    guard status.kind == S_IFREG, status.st_nlink == 1, status.st_uid == geteuid() else {
      throw FileError(.output, "\"\(file.path)\" is not a part that this account has begun: remove it")
    }
    try lock(file)
    return file
  }

  /// Two processes at one part would tear it.
  static func lock(_ file: OpenFile) throws(FileError) {
    // A child that was made this moment holds whatever is open, until it becomes another program.
    for _ in 0..<20 where flock(file.number, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK { usleep(5_000) }
    guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
      throw errno == EWOULDBLOCK
        ? FileError(.busy, "another process is saving \"\(file.path)\"")
        : .system(.output, "cannot lock \"\(file.path)\"")
    }
  }

  /// Takes the whole chunks that are there; whether they are the right ones the hub says.
  private mutating func resume(_ file: OpenFile) throws(FileError) {
    let size = try file.status().st_size
    while hasher.length + Int64(Chunk.size) <= size {
      let bytes = try file.read(Chunk.size, at: hasher.length)
      guard bytes.count == Chunk.size else { break }
      hasher.add(Digest(of: bytes), size: bytes.count)
    }
  }

  /// Goes back to where the hub begins.
  mutating func restart(at offset: Int64) throws(FileError) {
    guard offset != hasher.length else { return }
    guard 0..<hasher.length ~= offset, offset % Int64(Chunk.size) == 0 else {
      throw FileError(.changed, "the hub goes on beyond what is here")
    }
    switch kind {
    case .nothing, .file: break
    case .folder(var writer):
      try writer.restart(at: offset)
      kind = .folder(writer)
    case .stream:
      throw FileError(.changed, "what has gone to standard output can't be taken back")
    }
    hasher.truncate(to: offset)
  }

  /// The next chunk, verified.
  mutating func write(_ chunk: Chunk, _ bytes: [UInt8]) throws(FileError) {
    if case .nothing = kind {
      try begin()
      guard hasher.length == chunk.offset else {
        throw FileError(.busy, "another process is saving \"\(name)\"")
      }
    }
    if let allowance, let folder { try allowance.take(bytes.count, in: folder, named: name) }
    switch kind {
    case .nothing: break
    case .file(let file):
      try file.write(bytes[...], at: chunk.offset)
    case .folder(var writer):
      try writer.write(bytes, at: chunk.offset)
      kind = .folder(writer)
    case .stream(let descriptor):
      try Self.write(bytes, to: descriptor)
    }
    hasher.add(chunk.hash, size: chunk.size)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let result = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if result >= 0 {
        written += result
      } else if errno == EAGAIN {
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&state, 1, -1)
      } else if errno != EINTR {
        throw .system(errno == EPIPE ? .outputClosed : .disk, "cannot write to standard output")
      }
    }
  }

  /// All has come: gives it its name. Returns its path, nil where it went to a stream.
  mutating func finish(_ hash: TreeHash) throws(FileError) -> String? {
    try begin()
    switch kind {
    case .nothing, .stream: return nil
    case .file(let file):
      try file.truncate(hasher.length)
      try file.set(mode: info.mode.map { $0 | 0o600 }, modified: info.modified?.milliseconds)
      try file.sync()
      return try place(part, hash)
    case .folder(var writer):
      let tree = try writer.finish()
      let path = try place(tree, hash)
      writer.remove()
      return path
    }
  }

  /// Leaves nothing of the part.
  func discard() {
    guard let folder else { return }
    switch kind {
    case .file: unlinkat(folder.number, part, 0)
    case .folder(let writer): writer.removeAll()
    case .nothing, .stream: break
    }
  }

  /// Numbers that are tried where a name is taken.
  private static let numbers = 10_000

  private func place(_ from: String, _ hash: TreeHash) throws(FileError) -> String {
    guard let folder else { return "" }
    for number in 0..<Self.numbers {
      let name = number == 0 ? name : FileName.numbered(name, number)
      if qq_rename_exclusive(folder.number, from, folder.number, name) == 0 {
        try folder.sync()
        return "\(folder.path)/\(name)"
      }
      switch errno {
      case EEXIST where isExact:
        throw FileError(.output, "\"\(folder.path)/\(name)\" is there by now: name another place")
      case EEXIST:
        if isIdentical(name, hash) {
          discard()
          return "\(folder.path)/\(name)"
        }
      // Some file systems can't rename so; a file can be linked, which never replaces either.
      case EINVAL where !info.isFolder:
        if linkat(folder.number, from, folder.number, name, 0) == 0 {
          unlinkat(folder.number, from, 0)
          try folder.sync()
          return "\(folder.path)/\(name)"
        }
        guard errno == EEXIST else { throw .system(.output, "cannot make \"\(folder.path)/\(name)\"") }
      default:
        throw .system(.output, "cannot make \"\(folder.path)/\(name)\"")
      }
    }
    throw FileError(.output, "\"\(folder.path)/\(name)\" is there too often already")
  }

  /// Whether what is there has the content that came.
  private func isIdentical(_ name: String, _ hash: TreeHash) -> Bool {
    guard let folder, var status = Optional(stat()),
      fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
      status.kind == (info.isFolder ? S_IFDIR : S_IFREG), info.isFolder || Int64(status.st_size) == hasher.length,
      var source = try? FileSource(path: "\(folder.path)/\(name)", name: name, links: true),
      source.info.size == hasher.length
    else { return false }
    while let next = try? source.next() {
      if source.hasher.length > hasher.length { return false }
      _ = next
    }
    return source.hasher.hash == hash
  }
}
