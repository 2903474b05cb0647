import Glibc
import QQProtocol

/// Looks at a folder that is to be sent.
struct FolderScan {
  private(set) var entries: [Manifest.Entry] = []
  /// What isn't sent, and why.
  private(set) var skipped: [String] = []
  private let links: Bool

  /// `links`: symbolic links are sent as links; otherwise they are skipped. What is neither file, folder nor link is
  /// skipped in any case.
  init(_ root: OpenFile, links: Bool) throws(FileError) {
    self.links = links
    try scan(root, "")
  }

  private mutating func scan(_ folder: OpenFile, _ prefix: String) throws(FileError) {
    for (name, bytes) in try folder.names() {
      guard let name else {
        throw FileError(
          .data,
          "\"\(folder.path)/\(String(decoding: bytes, as: UTF8.self))\": its name is not UTF-8; rename it to send it")
      }
      // What another process is about to have saved isn't there yet.
      if name.hasPrefix(FileName.partPrefix) { continue }
      do throws(UnsafeName) {
        try FileName.check(component: name)
      } catch {
        throw FileError(.data, "\"\(folder.path)/\(TextSafety.visible(name))\" can't be sent: \(error.reason)")
      }
      try add(name, in: folder, prefix + name)
    }
  }

  private mutating func add(_ name: String, in folder: OpenFile, _ path: String) throws(FileError) {
    var status = stat()
    guard fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      throw .system(.input, "cannot look at \"\(folder.path)/\(name)\"")
    }
    func entry(_ kind: Manifest.Kind) -> Manifest.Entry {
      Manifest.Entry(
        path: path, kind: kind, mode: Int64(status.st_mode & 0o777),
        modified: Timestamp(milliseconds: status.modified))
    }
    switch status.kind {
    case S_IFREG:
      entries.append(entry(.file(size: Int64(status.st_size))))
    case S_IFDIR:
      entries.append(entry(.folder))
      let inner = try OpenFile.open(name, in: folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, as: .input)
      try scan(inner, path + "/")
    case S_IFLNK where links:
      var target = [UInt8](repeating: 0, count: 4096)
      let count = target.withUnsafeMutableBytes { buffer in
        buffer.assumingMemoryBound(to: CChar.self).baseAddress.map { readlinkat(folder.number, name, $0, buffer.count) }
          ?? -1
      }
      guard count > 0, let text = String(validating: target.prefix(count), as: UTF8.self) else {
        throw .system(.input, "cannot read the link \"\(folder.path)/\(name)\"")
      }
      let link = Manifest.Entry(path: path, kind: .link(text), mode: 0o777)
      if Manifest.staysInside(text, depth: path.split(separator: "/").count - 1) {
        entries.append(link)
      } else {
        skipped.append("\(folder.path)/\(name): a link out of the folder (to \(text))")
      }
    case S_IFLNK:
      skipped.append("\(folder.path)/\(name): a link (--links sends links as such)")
    default:
      skipped.append("\(folder.path)/\(name): neither a file nor a folder")
    }
  }
}
