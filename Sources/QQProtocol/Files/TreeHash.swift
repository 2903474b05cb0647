import Crypto

/// 32 bytes of SHA-256.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  private var words: (UInt64, UInt64, UInt64, UInt64)

  private init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  public init(of bytes: UnsafeRawBufferPointer) {
    var hasher = SHA256()
    hasher.update(bufferPointer: bytes)
    self.init(hasher.finalize())
  }

  public init(of bytes: some Collection<UInt8>) {
    let digest = bytes.withContiguousStorageIfAvailable { Digest(of: UnsafeRawBufferPointer($0)) }
    self = digest ?? Array(bytes).withUnsafeBytes { Digest(of: $0) }
  }

  fileprivate init(_ digest: SHA256.Digest) {
    self = digest.withUnsafeBytes { Digest(raw: $0) } ?? Digest(words: (0, 0, 0, 0))
  }

  /// nil unless there are 32 bytes.
  public init?(raw: UnsafeRawBufferPointer) {
    guard raw.count == 32 else { return nil }
    func word(_ index: Int) -> UInt64 {
      UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    self.init(words: (word(0), word(1), word(2), word(3)))
  }

  /// nil unless there are 64 hexadecimal digits.
  public init?(_ text: some StringProtocol) {
    let utf8 = Array(text.utf8)
    guard utf8.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 64, by: 2) {
      guard let high = Self.value(utf8[index]), let low = Self.value(utf8[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    guard let digest = bytes.withUnsafeBytes({ Digest(raw: $0) }) else { return nil }
    self = digest
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  public var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
    }
  }

  /// 64 hexadecimal digits.
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  public static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

/// What a file's content is known by: SHA-256 over its length, 8 bytes with the most significant first, and the SHA-256
/// of each of its chunks. One pass makes it, and damage is found within a chunk. Of an empty file it is that of the
/// length alone.
public struct TreeHash: Hashable, Sendable, CustomStringConvertible {
  public static let prefix = "qq-tree-sha256:"

  public var digest: Digest

  public init(_ digest: Digest) {
    self.digest = digest
  }

  /// nil unless it is `qq-tree-sha256:` and 64 hexadecimal digits.
  public init?(_ text: String) {
    guard text.hasPrefix(Self.prefix), let digest = Digest(text.dropFirst(Self.prefix.utf8.count)) else { return nil }
    self.digest = digest
  }

  public var description: String { Self.prefix + digest.description }
}

/// Gathers the hashes of a file's chunks, in their order. Takes 32 bytes of memory for each MiB of the file.
public struct TreeHasher: Sendable {
  private var chunks: [UInt8] = []
  /// Bytes that were hashed.
  public private(set) var length: Int64 = 0

  public init() {}

  public mutating func add(_ hash: Digest, size: Int) {
    chunks += hash.bytes
    length += Int64(size)
  }

  /// How many were added.
  public var count: Int { chunks.count / 32 }

  /// Of all that was added.
  public var hash: TreeHash { Self.hash(chunks[...], length: length) }

  /// Of the first `length` bytes, a multiple of `Chunk.size` that isn't beyond what was added; nil for any other.
  public func hash(ofFirst length: Int64) -> TreeHash? {
    if length == self.length { return hash }
    guard 0...self.length ~= length, length % Int64(Chunk.size) == 0 else { return nil }
    return Self.hash(chunks.prefix(Int(length / Int64(Chunk.size)) * 32), length: length)
  }

  /// The hash of the chunk that begins at `offset`.
  public func chunk(at offset: Int64) -> Digest? {
    guard 0..<length ~= offset, offset % Int64(Chunk.size) == 0 else { return nil }
    let start = Int(offset / Int64(Chunk.size)) * 32
    return chunks[start..<start + 32].withUnsafeBytes { Digest(raw: $0) }
  }

  /// Forgets what comes after the first `length` bytes, a multiple of `Chunk.size`.
  public mutating func truncate(to length: Int64) {
    guard 0..<self.length ~= length else { return }
    chunks.removeLast(chunks.count - Int(length / Int64(Chunk.size)) * 32)
    self.length = length
  }

  private static func hash(_ chunks: ArraySlice<UInt8>, length: Int64) -> TreeHash {
    var hasher = SHA256()
    withUnsafeBytes(of: length.bigEndian) { hasher.update(bufferPointer: $0) }
    chunks.withUnsafeBytes { hasher.update(bufferPointer: $0) }
    return TreeHash(Digest(hasher.finalize()))
  }
}
