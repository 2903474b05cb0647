import Glibc

/// The messages one sender has under way: a window of frames in one piece of memory, stamped in place and written with
/// as few system calls as the socket allows.
struct Outgoing {
  private let template: FrameTemplate
  private var ids: ULIDSource
  private var buffer: [UInt8]
  private var pending: Range<Int> = 0..<0
  private var number = 0

  /// Room for `capacity` messages. `seed` tells this sender's ids from those of others.
  init(_ template: FrameTemplate, capacity: Int, seed: UInt64) {
    self.template = template
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    ids = ULIDSource(milliseconds: UInt64(now.tv_sec) * 1000 + UInt64(now.tv_nsec) / 1_000_000, seed: seed)
    buffer = []
    buffer.reserveCapacity(capacity * template.bytes.count)
    for _ in 0..<capacity { buffer.append(contentsOf: template.bytes) }
  }

  /// Whether everything was written, so that the memory may be stamped anew.
  var isEmpty: Bool { pending.isEmpty }
  var capacity: Int { buffer.count / template.bytes.count }

  /// Makes `count` new messages ready to be written. Only while empty, and at most `capacity`.
  mutating func stamp(_ count: Int) {
    precondition(isEmpty && count <= capacity)
    let size = template.bytes.count
    pending = 0..<count * size
    guard template.idAt != nil || template.packetIDAt != nil else { return }
    buffer.withUnsafeMutableBufferPointer { bytes in
      for index in 0..<count {
        number += 1
        let frame = bytes.baseAddress! + index * size
        if let at = template.idAt { ids.write(to: frame + at) }
        if let at = template.refAt { writeDigits(number, to: frame + at, count: 10) }
        if let at = template.packetIDAt {
          let packetID = number % 65_535 + 1
          frame[at] = UInt8(packetID >> 8)
          frame[at + 1] = UInt8(packetID & 0xFF)
        }
      }
    }
  }

  /// Replaces the bytes at `offset` of the one frame that was stamped last and isn't written yet.
  mutating func overwrite(at offset: Int, with bytes: [UInt8]) {
    buffer.replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }

  /// Writes until all is written or the socket takes no more; false where the connection is lost.
  mutating func write(to connection: Connection) -> Bool {
    while !pending.isEmpty {
      let count = buffer.withUnsafeBytes { connection.write(UnsafeRawBufferPointer(rebasing: $0[pending])) }
      guard let count else { return false }
      if count == 0 { break }
      pending = pending.dropFirst(count)
    }
    return true
  }
}

/// Writes the lowest `count` decimal digits of a number; the first is at least 1, so that JSON takes it for a number.
private func writeDigits(_ number: Int, to place: UnsafeMutablePointer<UInt8>, count: Int) {
  var rest = number
  var at = count - 1
  while at > 0 {
    place[at] = UInt8(truncatingIfNeeded: 48 + rest % 10)
    rest /= 10
    at -= 1
  }
  place[0] = 49
}
