/// Where what lies in the stream of a folder: its manifest first, then the files' bytes in the manifest's order. The
/// sender reads by it, the receiver writes by it.
public struct FolderLayout: Sendable {
  /// A part of the stream that is of one file, or of the manifest.
  public struct Piece: Equatable, Sendable {
    /// nil for the manifest.
    public var entry: Int?
    /// Where in the file.
    public var range: Range<Int64>

    public init(entry: Int?, range: Range<Int64>) {
      self.entry = entry
      self.range = range
    }
  }

  public let manifestSize: Int64
  public let manifest: Manifest
  /// Where each entry's bytes end in the stream.
  private let ends: [Int64]

  public init(_ manifest: Manifest, manifestSize: Int64) {
    self.manifest = manifest
    self.manifestSize = manifestSize
    var end = manifestSize
    ends = manifest.entries.map { entry in
      end += entry.size
      return end
    }
  }

  /// Bytes of the stream.
  public var size: Int64 { ends.last ?? manifestSize }

  /// The pieces that a part of the stream is made of, in order. Empty files have none.
  public func pieces(_ range: Range<Int64>) -> [Piece] {
    var pieces: [Piece] = []
    var position = range.lowerBound
    if position < manifestSize {
      let end = min(range.upperBound, manifestSize)
      if position < end { pieces.append(Piece(entry: nil, range: position..<end)) }
      position = end
    }
    var index = firstEntry(endingAfter: position)
    while position < range.upperBound, index < ends.count {
      let start = ends[index] - manifest.entries[index].size
      let end = min(range.upperBound, ends[index])
      if position < end { pieces.append(Piece(entry: index, range: position - start..<end - start)) }
      position = max(position, end)
      index += 1
    }
    return pieces
  }

  private func firstEntry(endingAfter position: Int64) -> Int {
    var low = 0
    var high = ends.count
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] <= position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
