import QQTestSupport
import Testing

@testable import QQJournal

@Suite struct OrdinalTableTests {
  @Test("it finds what a dictionary would, also where hashes collide")
  func model() {
    var random = SplitMix64(seed: 4)
    var table = OrdinalTable()
    var model: [Int: Int] = [:]
    for ordinal in 0..<50_000 {
      // Few different upper halves, so that many share their place, and some their whole tag.
      let hash = Int(truncatingIfNeeded: UInt64.random(in: 0..<4_000, using: &random) << 33 | UInt64(ordinal))
      if model.count > 500, let (old, of) = model.randomElement(using: &random) {
        table.remove([of], from: old)
        model[old] = nil
      }
      table.insert(hash, ordinal)
      model[ordinal] = hash
    }
    #expect(table.count == model.count)
    for (ordinal, hash) in model {
      #expect(table.find(hash) { $0 == UInt32(ordinal) } == UInt32(ordinal))
    }
    for (ordinal, hash) in model { table.remove([hash], from: ordinal) }
    #expect(table.count == 0)
    for (ordinal, hash) in model { #expect(table.find(hash) { $0 == UInt32(ordinal) } == nil) }
  }

  @Test("many that collide are removed at once, and the rest is found")
  func batches() {
    var random = SplitMix64(seed: 5)
    var table = OrdinalTable()
    let hashes = (0..<3_000).map { _ in
      Int(
        truncatingIfNeeded: UInt64.random(in: 0..<40, using: &random) << 58 | UInt64.random(in: 0..<9, using: &random)
          << 32)
    }
    for (ordinal, hash) in hashes.enumerated() { table.insert(hash, ordinal) }
    var first = 0
    while first < hashes.count {
      let next = min(first + Int.random(in: 1...400, using: &random), hashes.count)
      table.remove(Array(hashes[first..<next]), from: first)
      first = next
      #expect(table.count == hashes.count - first)
      for ordinal in first..<min(first + 50, hashes.count) {
        #expect(table.find(hashes[ordinal]) { $0 == UInt32(ordinal) } == UInt32(ordinal))
      }
      #expect(table.occupied(Array(hashes[first...])) == hashes[first...].map { _ in true })
    }
  }

  @Test("removing what isn't there changes nothing")
  func absent() {
    var table = OrdinalTable()
    table.insert(5 << 40, 1)
    table.remove([5 << 40], from: 2)
    table.remove([6 << 40], from: 1)
    #expect(table.count == 1)
    #expect(table.find(5 << 40) { _ in true } == 1)
  }

  @Test("ordinals beyond 32 bits are told apart by their lower half")
  func large() {
    var table = OrdinalTable()
    table.insert(7, 1 << 32 | 9)
    #expect(table.find(7) { _ in true } == 9)
    table.remove([7], from: 1 << 32 | 9)
    #expect(table.count == 0)
  }
}
