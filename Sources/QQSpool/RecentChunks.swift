import DequeModule
import QQProtocol

/// The chunks that were written last, of all files.
struct RecentChunks: Sendable {
  private struct Entry {
    var seq: Int64
    var chunk: Chunk
    var bytes: [UInt8]
  }

  private var entries: Deque<Entry> = []
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
  }

  mutating func add(_ seq: Int64, _ chunk: Chunk, _ bytes: [UInt8]) {
    // Written once more, after an upload was cut off.
    entries.removeAll { $0.seq == seq && $0.chunk.offset >= chunk.offset }
    if entries.count >= capacity { entries.removeFirst() }
    entries.append(Entry(seq: seq, chunk: chunk, bytes: bytes))
  }

  func find(_ seq: Int64, _ offset: Int64) -> (chunk: Chunk, bytes: [UInt8])? {
    entries.last { $0.seq == seq && $0.chunk.offset == offset }.map { ($0.chunk, $0.bytes) }
  }

  mutating func remove(_ seq: Int64) {
    entries.removeAll { $0.seq == seq }
  }
}
