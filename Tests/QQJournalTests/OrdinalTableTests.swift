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
        table.remove(of, old)
        model[old] = nil
      }
      table.insert(hash, ordinal)
      model[ordinal] = hash
    }
    #expect(table.count == model.count)
    for (ordinal, hash) in model {
      #expect(table.find(hash) { $0 == UInt32(ordinal) } == UInt32(ordinal))
    }
    for (ordinal, hash) in model { table.remove(hash, ordinal) }
    #expect(table.count == 0)
    for (ordinal, hash) in model { #expect(table.find(hash) { $0 == UInt32(ordinal) } == nil) }
  }

  @Test("removing what isn't there changes nothing")
  func absent() {
    var table = OrdinalTable()
    table.insert(5 << 40, 1)
    table.remove(5 << 40, 2)
    table.remove(6 << 40, 1)
    #expect(table.count == 1)
    #expect(table.find(5 << 40) { _ in true } == 1)
  }

  @Test("ordinals beyond 32 bits are told apart by their lower half")
  func large() {
    var table = OrdinalTable()
    table.insert(7, 1 << 32 | 9)
    #expect(table.find(7) { _ in true } == 9)
    table.remove(7, 1 << 32 | 9)
    #expect(table.count == 0)
  }
}
