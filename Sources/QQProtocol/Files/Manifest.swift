/// What is in a folder, in the order in which it is sent: a folder before what is in it.
///
/// Its bytes are a JSON object a line: `{"path":"a/b","size":12,"mode":420,"time":"…"}` for a file, `"folder":true` in
/// the place of the size for a folder, `"link":"…"` for a symbolic link.
public struct Manifest: Equatable, Sendable {
  public enum Kind: Hashable, Sendable {
    case file(size: Int64)
    case folder
    /// What it points at, relative to where it is.
    case link(String)
  }

  public struct Entry: Hashable, Sendable {
    /// Relative to the folder, its parts joined by slashes.
    public var path: String
    public var kind: Kind
    /// Permission bits.
    public var mode: Int64
    public var modified: Timestamp?

    public init(path: String, kind: Kind, mode: Int64 = 0o644, modified: Timestamp? = nil) {
      self.path = path
      self.kind = kind
      self.mode = mode
      self.modified = modified
    }

    public var size: Int64 { if case .file(let size) = kind { size } else { 0 } }
  }

  /// Bytes of a manifest: some hundred thousand names.
  public static let limit = 16 << 20

  public var entries: [Entry]

  public init(entries: [Entry]) {
    self.entries = entries
  }

  public var bytes: [UInt8] {
    var writer = JSONWriter(reserving: 96 * entries.count)
    for entry in entries {
      writer.raw("{")
      writer.string("path")
      writer.raw(":")
      writer.string(entry.path)
      switch entry.kind {
      case .file(let size): writer.field("size", size)
      case .folder: writer.flag("folder", true)
      case .link(let target): writer.field("link", target)
      }
      writer.field("mode", entry.mode)
      writer.field("time", entry.modified)
      writer.end()
    }
    return writer.bytes
  }

  /// Reads and judges what somebody else sent: every name can be one in a folder of its own, no two are the same, what
  /// they are in comes before them, and no link leads out of the folder.
  public init(checking bytes: [UInt8]) throws(ManifestFault) {
    guard bytes.count <= Self.limit else { throw ManifestFault("it is longer than \(Self.limit) bytes") }
    var entries: [Entry] = []
    var check = ManifestCheck()
    var framer = LineFramer()
    var decoder = FrameDecoder()
    var fault: ManifestFault?
    do throws(ErrorCode) {
      try framer.feed(bytes.span.bytes) { line throws(ErrorCode) in
        do throws(ManifestFault) {
          let entry = try decoder.manifestEntry(line)
          try check.add(entry)
          entries.append(entry)
        } catch {
          fault = error
          throw .badField
        }
      }
    } catch {
      throw fault ?? ManifestFault("line \(entries.count + 1) is too long")
    }
    guard framer.pending == 0 else { throw ManifestFault("its last line is cut off") }
    self.entries = entries
  }
}

public struct ManifestFault: Error, Hashable, Sendable {
  public var reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}

/// What is known of the entries so far.
private struct ManifestCheck {
  private var folders: Set<String> = [""]
  private var paths: Set<[UInt8]> = []
  private var total: Int64 = 0

  mutating func add(_ entry: Manifest.Entry) throws(ManifestFault) {
    func fail(_ reason: String) -> ManifestFault {
      ManifestFault("\"\(TextSafety.visible(entry.path))\": \(reason)")
    }
    let parts = entry.path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 64 else { throw fail("it lies too deep") }
    for part in parts {
      do throws(UnsafeName) {
        try FileName.check(component: String(part))
      } catch {
        throw fail(error.reason)
      }
    }
    let parent = parts.dropLast().joined(separator: "/")
    guard folders.contains(parent) else { throw fail("the folder it is in doesn't come before it") }
    // By bytes: to Swift two spellings of ü are one string, to a file system they are two names.
    guard paths.insert(Array(entry.path.utf8)).inserted else { throw fail("it is there twice") }
    switch entry.kind {
    case .folder: folders.insert(entry.path)
    case .file(let size):
      guard size >= 0, size <= ProtocolLimits.integers.upperBound - total else { throw fail("its size is impossible") }
      total += size
    case .link(let target):
      guard Manifest.staysInside(target, depth: parts.count - 1) else { throw fail("it is a link out of the folder") }
    }
  }
}

extension Manifest {
  /// Whether a link at this depth leads nowhere but into the folder.
  public static func staysInside(_ target: String, depth: Int) -> Bool {
    guard !target.isEmpty, !target.hasPrefix("/"), !target.utf8.contains(0) else { return false }
    let parts = target.split(separator: "/").filter { $0 != "." }
    // Up first and then down: what follows a name may be the parent of wherever that name leads.
    let ups = parts.prefix { $0 == ".." }.count
    return ups <= depth && !parts.dropFirst(ups).contains("..")
  }
}

extension FrameDecoder {
  fileprivate mutating func manifestEntry(_ line: RawSpan) throws(ManifestFault) -> Manifest.Entry {
    do throws(FrameFault) {
      try parse(line)
      let path = try required(string("path", line, limit: 4 << 10), "path", line)
      let kind: Manifest.Kind
      if let link = try string("link", line, limit: 4 << 10) {
        kind = .link(link)
      } else if try bool("folder", line) {
        kind = .folder
      } else {
        kind = .file(size: try required(integer("size", line), "size", line))
      }
      return Manifest.Entry(
        path: path, kind: kind, mode: try required(integer("mode", line), "mode", line) & 0o777,
        modified: try time("time", line))
    } catch {
      throw ManifestFault(error.message)
    }
  }
}
