/// What the sender of a file or a folder says of it. The hub passes it on and judges nothing but the sizes; names are
/// judged where they are opened.
public struct FileInfo: Hashable, Sendable {
  public var name: String
  /// Bytes that are sent; nil where the sender doesn't know yet (a pipe).
  public var size: Int64?
  /// A folder is sent as its manifest, this many bytes, and then what its files hold, one behind the other in the
  /// manifest's order. nil for a file.
  public var manifest: Int64?
  /// The permission bits of a file.
  public var mode: Int64?
  public var modified: Timestamp?

  public init(
    name: String, size: Int64?, manifest: Int64? = nil, mode: Int64? = nil, modified: Timestamp? = nil
  ) {
    self.name = name
    self.size = size
    self.manifest = manifest
    self.mode = mode
    self.modified = modified
  }

  public var isFolder: Bool { manifest != nil }
}

/// The header of a piece of a file; its bytes follow on the connection, raw.
public struct Chunk: Hashable, Sendable {
  /// Bytes of a chunk; the last one of a file may be shorter, no other.
  public static let size = 1 << 20

  /// A multiple of `Chunk.size`.
  public var offset: Int64
  /// 1 to `Chunk.size` bytes.
  public var size: Int
  public var hash: Digest

  public init(offset: Int64, size: Int, hash: Digest) {
    self.offset = offset
    self.size = size
    self.hash = hash
  }

  public var end: Int64 { offset + Int64(size) }
}
