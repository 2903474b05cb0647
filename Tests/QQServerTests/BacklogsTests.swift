import Testing

@testable import QQServer

@Suite("waiting bytes") struct BacklogsTests {
  private let second: UInt64 = 1_000_000_000

  @Test("where all together wait for more than they may, whoever has taken nothing for long goes, the largest first")
  func victims() {
    let all = WaitingBytes(limit: 1_000)
    var (here, there) = (Backlogs(all), Backlogs(all))
    here.set(1, 400, now: second)
    here.set(2, 300, now: second)
    there.set(3, 200, now: second)
    #expect(here.victims(now: 20 * second) == [])
    there.set(4, 500, now: 20 * second)
    #expect(all.total == 1_400)
    #expect(here.victims(now: 21 * second) == [1])
    // Who came just now has its time.
    #expect(there.victims(now: 21 * second) == [3])
    here.remove(1)
    #expect(all.total == 1_000 && here.victims(now: 22 * second) == [])
    for id in [2, 3, 4] {
      here.remove(UInt64(id))
      there.remove(UInt64(id))
    }
    #expect(all.total == 0 && here.isEmpty && there.isEmpty)
  }

  @Test("who takes something, however slowly, stays")
  func slow() {
    let all = WaitingBytes(limit: 10)
    var backlogs = Backlogs(all)
    backlogs.set(1, 100, now: second)
    backlogs.set(2, 100, now: second)
    for step: UInt64 in 2...9 { backlogs.set(1, 100 - Int(step), now: step * second) }
    #expect(backlogs.victims(now: 9 * second) == [2])
    // Not at every write.
    #expect(backlogs.victims(now: 9 * second + 1) == [])
    backlogs.set(1, 95, now: 10 * second)
    #expect(backlogs.victims(now: 15 * second) == [2, 1])
  }
}
