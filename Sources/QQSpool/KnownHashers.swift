import QQProtocol

/// The hashes of files that were used lately, by the seq of the file. What nobody has used for longest is forgotten: it is
/// read again where it is needed.
struct KnownHashers: Sendable {
  private struct Entry {
    var hasher: TreeHasher
    /// Higher, the later it was used.
    var use: UInt64
  }

  private var entries: [Int64: Entry] = [:]
  private var uses: UInt64 = 0
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
  }

  subscript(seq: Int64) -> TreeHasher? {
    mutating get {
      uses += 1
      entries[seq]?.use = uses
      return entries[seq]?.hasher
    }
    set {
      guard let newValue else {
        entries[seq] = nil
        return
      }
      if entries.count >= capacity, entries[seq] == nil,
        let oldest = entries.min(by: { $0.value.use < $1.value.use })?.key
      {
        entries[oldest] = nil
      }
      uses += 1
      entries[seq] = Entry(hasher: newValue, use: uses)
    }
  }
}
