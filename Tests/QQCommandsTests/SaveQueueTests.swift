import QQClient
import QQProtocol
import Testing

@testable import QQCommands

@Suite("save queue") struct SaveQueueTests {
  private func file(_ seq: Int64, from: String = "mallory") -> HubFrame.File {
    HubFrame.File(
      id: MessageID(high: 1, low: UInt64(seq)), seq: seq, time: Timestamp(milliseconds: 0), from: from,
      address: "10.0.0.1", to: ["bob"], info: FileInfo(name: "f\(seq)", size: 3))
  }

  /// All that begin now.
  private func begun(_ queue: inout SaveQueue, now: Int64 = 0) -> [Int64] {
    var seqs: [Int64] = []
    while let next = queue.next(now: now) { seqs.append(next.file.seq) }
    return seqs
  }

  @Test("whoever offers a thousand files has one place until they are whole, and others' go on")
  func oneSender() {
    var queue = SaveQueue()
    for seq: Int64 in 1...1_000 { queue.offered(file(seq)) }
    queue.offered(file(2_000, from: "alice"))
    #expect(begun(&queue) == [1, 2_000])
    queue.completed(MessageID(high: 1, low: 700))
    #expect(begun(&queue) == [700])
    for seq in 701...720 { queue.completed(MessageID(high: 1, low: UInt64(seq))) }
    #expect(begun(&queue) == Array(701...707))
    queue.ended(1, .ended, now: 0)
    #expect(begun(&queue) == [2])
  }

  @Test("what doesn't come is tried again later, and later still; whole, it is tried at once")
  func silence() {
    var queue = SaveQueue()
    queue.offered(file(1))
    queue.offered(file(2))
    #expect(begun(&queue) == [1])
    queue.ended(1, .silent, now: 0)
    #expect(queue.deadline == SaveQueue.firstDelay)
    #expect(begun(&queue) == [2])
    queue.ended(2, .ended, now: 0)
    #expect(begun(&queue, now: SaveQueue.firstDelay - 1) == [])
    #expect(begun(&queue, now: SaveQueue.firstDelay) == [1])
    queue.ended(1, .silent, now: 20_000)
    #expect(queue.deadline == 20_000 + 2 * SaveQueue.firstDelay)
    queue.completed(MessageID(high: 1, low: 1))
    #expect(begun(&queue, now: 20_001) == [1])
    #expect(!queue.isEmpty)
    queue.ended(1, .ended, now: 20_002)
    #expect(queue.isEmpty && queue.count == 0)
    // Once in the life of a process.
    let isNews = queue.offered(file(1))
    #expect(!isNews)
  }

  @Test("a file that becomes whole while it is under way gives its own place back")
  func whileActive() {
    var queue = SaveQueue()
    for seq: Int64 in 1...3 { queue.offered(file(seq)) }
    #expect(begun(&queue) == [1])
    queue.completed(MessageID(high: 1, low: 1))
    #expect(begun(&queue) == [])
    queue.ended(1, .ended, now: 0)
    #expect(begun(&queue) == [2])
  }

  @Test("32 places for everybody together")
  func places() {
    var queue = SaveQueue()
    for seq: Int64 in 1...40 { queue.offered(file(seq, from: "user-\(seq)")) }
    #expect(begun(&queue).count == SaveQueue.places)
  }

  @Test("what is beyond the bound is left out, and asked for once there is room")
  func bound() {
    var queue = SaveQueue()
    for seq in 1...Int64(SaveQueue.most) { queue.offered(file(seq, from: "user-\(seq % 50)")) }
    let isTaken = queue.offered(file(20_000))
    #expect(!isTaken && queue.hasLeftOut && !queue.isEmpty)
    #expect(queue.count == SaveQueue.most)
    let isEarly = queue.takeLeftOut()
    #expect(!isEarly)
    while queue.count >= SaveQueue.most / 2, let next = queue.next(now: 0) {
      queue.ended(next.file.seq, .ended, now: 0)
    }
    let (first, second) = (queue.takeLeftOut(), queue.takeLeftOut())
    #expect(first && !second)
    let isTakenNow = queue.offered(file(20_000))
    #expect(isTakenNow)
  }
}
