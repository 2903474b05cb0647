/// Random numbers that are the same in every run: SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable
/// pseudorandom number generators", 2014).
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) {
    state = seed
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number from 0 to `bound` - 1, or 0 where there is none. The bias of a remainder doesn't matter here.
  public mutating func below(_ bound: Int) -> Int {
    bound > 0 ? Int(truncatingIfNeeded: next() % UInt64(bound)) : 0
  }

  /// True once in `times`.
  public mutating func oneIn(_ times: Int) -> Bool { below(times) == 0 }
}

extension SplitMix64 {
  /// So many bytes that are the seed's own.
  public static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return [UInt8](unsafeUninitializedCapacity: count + 8) { buffer, filled in
      while filled < count {
        buffer.storeBytes(of: random.next(), at: filled)
        filled += 8
      }
      filled = count
    }
  }
}

extension UnsafeMutableBufferPointer<UInt8> {
  fileprivate func storeBytes(of value: UInt64, at offset: Int) {
    UnsafeMutableRawBufferPointer(self).storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
  }
}
