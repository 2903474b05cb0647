/// Ordinals by hash, for keys that are kept elsewhere: 8 bytes an entry, and nothing but these is touched to insert, to
/// remove or to grow. A `Dictionary` of half a million keys costs several times as much in cache misses, which would be
/// most of what it costs to remember a message. Linear probing with backward shift (Knuth, TAOCP vol. 3, 6.4, R).
struct OrdinalTable: Sendable {
  /// The hash's upper half, odd, above the ordinal's lower half; 0 where nothing is. At most half are used.
  private var entries: [UInt64] = Array(repeating: 0, count: 64)
  /// The hash's uppermost bits are the place to begin at.
  private var shift: UInt64 = 64 - 6
  private(set) var count = 0

  /// The ordinal, in its lower 32 bits, of the entry with this hash for which `isIt` holds.
  func find(_ hash: Int, _ isIt: (UInt32) -> Bool) -> UInt32? {
    let tag = Self.tag(hash)
    var place = Int(tag >> shift)
    while entries[place] != 0 {
      if entries[place] & Self.tagBits == tag, isIt(UInt32(truncatingIfNeeded: entries[place])) {
        return UInt32(truncatingIfNeeded: entries[place])
      }
      place = following(place)
    }
    return nil
  }

  /// Where there can be an entry for each of the hashes. Looking for many at once costs a fraction of looking for one
  /// after the other: no load waits for the one before, so the cache misses overlap.
  func occupied(_ hashes: [Int]) -> [Bool] {
    hashes.map { entries[Int(Self.tag($0) >> shift)] != 0 }
  }

  /// The ordinal isn't in the table with this hash.
  mutating func insert(_ hash: Int, _ ordinal: Int) {
    if 2 * (count + 1) > entries.count { grow() }
    put(Self.entry(hash, ordinal))
    count += 1
  }

  /// Removes consecutive ordinals, where they are in the table with these hashes.
  mutating func remove(_ hashes: [Int], from ordinal: Int) {
    // As in `occupied`. An entry at its home stays there while others are removed.
    let atHome = hashes.indices.map { index in
      let entry = Self.entry(hashes[index], ordinal + index)
      return entries[Int(entry >> shift)] == entry
    }
    for index in hashes.indices { remove(Self.entry(hashes[index], ordinal + index), isAtHome: atHome[index]) }
  }

  private mutating func remove(_ entry: UInt64, isAtHome: Bool) {
    var hole = Int(entry >> shift)
    while !isAtHome, entries[hole] != entry {
      guard entries[hole] != 0 else { return }
      hole = following(hole)
    }
    count -= 1
    // Entries behind the hole move up into it, unless that is before their place to begin at.
    var place = following(hole)
    while entries[place] != 0 {
      let home = Int(entries[place] >> shift)
      if (place - home) & (entries.count - 1) >= (place - hole) & (entries.count - 1) {
        entries[hole] = entries[place]
        hole = place
      }
      place = following(place)
    }
    entries[hole] = 0
  }

  private mutating func put(_ entry: UInt64) {
    var place = Int(entry >> shift)
    while entries[place] != 0 { place = following(place) }
    entries[place] = entry
  }

  private mutating func grow() {
    let old = entries
    entries = Array(repeating: 0, count: 2 * old.count)
    shift -= 1
    for entry in old where entry != 0 { put(entry) }
  }

  private func following(_ place: Int) -> Int { (place + 1) & (entries.count - 1) }

  private static func entry(_ hash: Int, _ ordinal: Int) -> UInt64 {
    tag(hash) | UInt64(UInt32(truncatingIfNeeded: ordinal))
  }

  private static let tagBits: UInt64 = 0xffff_ffff_0000_0000

  /// Odd, so that no entry is 0.
  private static func tag(_ hash: Int) -> UInt64 {
    (UInt64(UInt(bitPattern: hash)) | 1 << 32) & tagBits
  }
}
