import CLinux
import Glibc
import QQProtocol

/// Writes the stream of a folder into a tree of its own: `PART/manifest`, and what is in it below `PART/tree`. Nobody
/// else may enter the part, every name was judged with the manifest, every step of a path is opened without following
/// links, and links are made last of all.
struct FolderWriter {
  private let part: OpenFile
  private let parent: OpenFile
  private let name: String
  private let info: FileInfo
  private let manifestFile: OpenFile
  private var manifest: [UInt8] = []
  private var layout: FolderLayout?
  private var current: (entry: Int, file: OpenFile)?
  /// The folder of the file that was opened last.
  private var folder: (path: String, file: OpenFile)?
  /// The tree, once all is in it.
  private var root: OpenFile?
  /// The file that was begun in another life.
  private var begun: Int?
  /// What was found of the stream.
  private(set) var resumed = TreeHasher()

  private static let tree = "tree"

  private let mostEntries: Int

  init(_ name: String, in parent: OpenFile, _ info: FileInfo, mostEntries: Int) throws(FileError) {
    self.mostEntries = mostEntries
    self.name = name
    self.parent = parent
    self.info = info
    guard mkdirat(parent.number, name, 0o700) == 0 || errno == EEXIST else {
      throw .system(.output, "cannot make \"\(parent.path)/\(name)\"")
    }
    part = try OpenFile.open(name, in: parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, as: .output)
    let status = try part.status()
    guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
      throw FileError(.output, "\"\(part.path)\" is not a part that this account has begun: remove it")
    }
    try FileSink.lock(part)
    manifestFile = try OpenFile.open(
      "manifest", in: part, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600, as: .output)
    guard mkdirat(part.number, Self.tree, 0o700) == 0 || errno == EEXIST else {
      throw .system(.output, "cannot make \"\(part.path)/\(Self.tree)\"")
    }
    try resume()
  }

  private var manifestSize: Int64 { info.manifest ?? 0 }

  // MARK: Going on

  private mutating func resume() throws(FileError) {
    manifest = try manifestFile.read(Int(manifestSize), at: 0)
    if Int64(manifest.count) == manifestSize {
      do throws(FileError) {
        try readManifest()
      } catch {
        manifest = []
      }
    }
    while let bytes = whatIsThere(at: resumed.length) { resumed.add(Digest(of: bytes), size: bytes.count) }
    try restart(at: resumed.length)
  }

  /// A whole chunk, if all of it is there.
  private func whatIsThere(at offset: Int64) -> [UInt8]? {
    guard let layout, offset + Int64(Chunk.size) <= layout.size else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Chunk.size)
    for piece in layout.pieces(offset..<offset + Int64(Chunk.size)) {
      guard let entry = piece.entry else {
        bytes += manifest[Int(piece.range.lowerBound)..<Int(piece.range.upperBound)]
        continue
      }
      guard let (folder, name) = try? directory(of: layout.manifest.entries[entry].path, O_RDONLY),
        let file = try? OpenFile.open(name, in: folder, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, as: .output),
        let part = try? file.read(piece.range.count, at: piece.range.lowerBound), part.count == piece.range.count
      else { return nil }
      bytes += part
    }
    return bytes
  }

  /// Removes what lies beyond, and goes on from there.
  mutating func restart(at offset: Int64) throws(FileError) {
    current = nil
    folder = nil
    begun = nil
    if offset < manifestSize {
      manifest = Array(manifest.prefix(Int(offset)))
      try manifestFile.truncate(offset)
      layout = nil
      removeTree()
      guard mkdirat(part.number, Self.tree, 0o700) == 0 else {
        throw .system(.output, "cannot make \"\(part.path)/\(Self.tree)\"")
      }
      return
    }
    guard let layout else { return }
    let first = offset < layout.size ? layout.pieces(offset..<min(layout.size, offset + 1)).first : nil
    if let first, let entry = first.entry, first.range.lowerBound > 0 { begun = entry }
    let next = first?.entry ?? layout.manifest.entries.count
    for (index, entry) in layout.manifest.entries.enumerated() where index >= next && index != begun {
      guard case .file = entry.kind, let (folder, name) = try? directory(of: entry.path, O_RDONLY) else { continue }
      unlinkat(folder.number, name, 0)
    }
  }

  // MARK: Writing

  mutating func write(_ bytes: [UInt8], at offset: Int64) throws(FileError) {
    var rest = bytes[...]
    var position = offset
    if position < manifestSize {
      let count = min(Int(manifestSize - position), rest.count)
      try manifestFile.write(rest.prefix(count), at: position)
      manifest += rest.prefix(count)
      rest = rest.dropFirst(count)
      position += Int64(count)
      if Int64(manifest.count) == manifestSize { try readManifest() }
    }
    guard !rest.isEmpty else { return }
    guard let layout else { throw FileError(.data, "the folder's content came before its manifest") }
    for piece in layout.pieces(position..<position + Int64(rest.count)) {
      guard let index = piece.entry else { continue }
      let file = try file(index, layout.manifest.entries[index])
      try file.write(rest.prefix(piece.range.count), at: piece.range.lowerBound)
      rest = rest.dropFirst(piece.range.count)
      if piece.range.upperBound == layout.manifest.entries[index].size {
        try finish(file, layout.manifest.entries[index])
        current = nil
      }
    }
    guard rest.isEmpty else { throw FileError(.data, "the folder has more content than its manifest names") }
  }

  /// The manifest is whole: it is judged, and the folders are made.
  private mutating func readManifest() throws(FileError) {
    let read: Manifest
    do throws(ManifestFault) {
      read = try Manifest(checking: manifest)
    } catch {
      throw FileError(
        .data, "\"\(TextSafety.visible(info.name))\" is refused, since its manifest is not safe: \(error.reason)")
    }
    guard read.entries.count <= mostEntries else {
      throw FileError(
        .data,
        "\"\(TextSafety.visible(info.name))\" has \(read.entries.count) files and folders, and \(mostEntries) are saved "
          + "unasked (\"qq get\" takes what you ask for)")
    }
    let layout = FolderLayout(read, manifestSize: manifestSize)
    guard layout.size == info.size else {
      throw FileError(.data, "\"\(TextSafety.visible(info.name))\" is refused: its manifest names another size")
    }
    self.layout = layout
    for entry in read.entries where entry.kind == .folder {
      let (folder, name) = try directory(of: entry.path, O_RDONLY)
      // One that is there already may have the mode that it was to have in the end.
      guard mkdirat(folder.number, name, 0o700) == 0 || errno == EEXIST && fchmodat(folder.number, name, 0o700, 0) == 0
      else { throw .system(.output, "cannot make \"\(folder.path)/\(name)\"") }
    }
  }

  private mutating func file(_ index: Int, _ entry: Manifest.Entry) throws(FileError) -> OpenFile {
    if let current, current.entry == index { return current.file }
    let (path, name) = Self.split(entry.path)
    if folder?.path != path { folder = (path, try directory(of: entry.path, O_RDONLY).folder) }
    guard let folder = folder?.file else { throw FileError(.output, "there is no folder") }
    // Made here and now, unless it was begun before: on a file system to which two names are one the second fails.
    let flags = index == begun ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL
    let file = try OpenFile.open(name, in: folder, flags | O_NOFOLLOW | O_NONBLOCK, mode: 0o600, as: .output)
    current = (index, file)
    return file
  }

  /// Whatever mode its sender names: what is saved is its owner's to read, to change and to remove.
  private func finish(_ file: OpenFile, _ entry: Manifest.Entry) throws(FileError) {
    try file.set(mode: entry.mode | 0o600, modified: entry.modified?.milliseconds)
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
    return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
  }

  /// The folder that a path of the manifest lies in, opened step by step.
  private func directory(of path: String, _ flags: Int32) throws(FileError) -> (folder: OpenFile, name: String) {
    let (folder, name) = Self.split(path)
    var open = try OpenFile.open(Self.tree, in: part, flags | O_DIRECTORY | O_NOFOLLOW, as: .output)
    for step in folder.split(separator: "/") {
      open = try OpenFile.open(String(step), in: open, flags | O_DIRECTORY | O_NOFOLLOW, as: .output)
    }
    return (open, name)
  }

  // MARK: The end

  /// Makes what has no bytes, and sets what is set last. Gives the tree's path in the folder that the part is in.
  mutating func finish() throws(FileError) -> String {
    if layout == nil { try readManifest() }
    guard let entries = layout?.manifest.entries else { throw FileError(.data, "the folder has no manifest") }
    for entry in entries {
      switch entry.kind {
      case .file(0):
        let (folder, name) = try directory(of: entry.path, O_RDONLY)
        unlinkat(folder.number, name, 0)
        let file = try OpenFile.open(
          name, in: folder, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK, mode: 0o600, as: .output)
        try finish(file, entry)
      case .link(let target):
        let (folder, name) = try directory(of: entry.path, O_RDONLY)
        guard symlinkat(target, folder.number, name) == 0 || errno == EEXIST else {
          throw .system(.output, "cannot make the link \"\(folder.path)/\(name)\"")
        }
      case .file, .folder: continue
      }
    }
    // Once for all of them: a sync a file would take seconds for thousands.
    guard qq_sync_filesystem(part.number) == 0 else { throw .system(.disk, "cannot write \"\(part.path)\"") }
    for entry in entries.reversed() where entry.kind == .folder {
      let (folder, name) = try directory(of: entry.path, O_RDONLY)
      let made = try OpenFile.open(name, in: folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, as: .output)
      try made.set(mode: entry.mode | 0o700, modified: entry.modified?.milliseconds)
    }
    root = try OpenFile.open(Self.tree, in: part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, as: .output)
    return "\(name)/\(Self.tree)"
  }

  /// The tree has its name: it gets its own mode and time, and what else was in the part goes.
  func remove() {
    try? root?.set(mode: info.mode.map { $0 | 0o700 }, modified: info.modified?.milliseconds)
    unlinkat(part.number, "manifest", 0)
    unlinkat(parent.number, name, AT_REMOVEDIR)
  }

  func removeAll() {
    removeTree()
    remove()
  }

  private func removeTree() {
    guard let root = try? OpenFile.open(Self.tree, in: part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, as: .output) else {
      return
    }
    Self.empty(root)
    unlinkat(part.number, Self.tree, AT_REMOVEDIR)
  }

  private static func empty(_ folder: OpenFile) {
    fchmod(folder.number, 0o700)
    for (_, bytes) in (try? folder.names()) ?? [] {
      let name = bytes.map { CChar(bitPattern: $0) } + [0]
      if unlinkat(folder.number, name, 0) == 0 { continue }
      let inner = openat(folder.number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      if inner >= 0 { empty(OpenFile(number: inner, path: folder.path)) }
      unlinkat(folder.number, name, AT_REMOVEDIR)
    }
  }
}
