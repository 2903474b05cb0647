/// Makes ids for the messages of one sender: ULIDs (github.com/ulid/spec), 26 characters of Crockford's base32, of
/// which 10 are the time in milliseconds and 16 are random. The first six random characters belong to the sender and
/// the other ten count up, so ids are unique, in order, and cost a few nanoseconds.
struct ULIDSource {
  static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
  static let length = 26

  private var prefix: [UInt8]
  private var counter: UInt64 = 0

  /// `milliseconds` since 1970 and the random `seed`, of which 30 bits are used.
  init(milliseconds: UInt64, seed: UInt64) {
    prefix = Self.encode(milliseconds, characters: 10) + Self.encode(seed, characters: 6)
  }

  /// Writes the next id over the 26 bytes at `place`.
  mutating func write(to place: UnsafeMutablePointer<UInt8>) {
    prefix.withUnsafeBufferPointer { place.update(from: $0.baseAddress!, count: 16) }
    Self.alphabet.withUnsafeBufferPointer { alphabet in
      var rest = counter
      var at = Self.length - 1
      while at >= 16 {
        place[at] = alphabet[Int(rest & 31)]
        rest >>= 5
        at -= 1
      }
    }
    counter += 1
  }

  /// The lowest bits of a number as base32, most significant first.
  static func encode(_ number: UInt64, characters: Int) -> [UInt8] {
    (0..<characters).reversed().map { alphabet[Int((number >> (5 * UInt64($0))) & 31)] }
  }
}
