import Glibc

/// Where `wanted` begins among the bytes; nil where it doesn't occur.
func find(_ wanted: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int? {
  guard let base = bytes.baseAddress, let first = wanted.first else { return nil }
  var at = 0
  while bytes.count - at >= wanted.count, let found = memchr(base + at, Int32(first), bytes.count - at) {
    let start = UnsafeRawPointer(found) - base
    guard bytes.count - start >= wanted.count else { return nil }
    if memcmp(base + start, wanted, wanted.count) == 0 { return start }
    at = start + 1
  }
  return nil
}
