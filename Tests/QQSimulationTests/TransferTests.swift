import QQTestSupport
import Testing

/// Files through worlds that break: see `TransferWorld`. `QQ_SEEDS` and `QQ_FIRST_SEED` as for messages, a fifth of them.
@Suite("Simulated transfers")
struct TransferTests {
  @Test("every file arrives bit for bit, whatever is cut, killed, damaged or restarted")
  func arrives() async {
    let count = max(1, Seeds.range.count / 5)
    let first = Seeds.range.lowerBound
    let outcomes = await Seeds.run(first...first + UInt64(count) - 1) { TransferWorld.run(seed: $0) }
    for outcome in outcomes.filter({ $0.violation != nil }).prefix(10) {
      Issue.record("seed \(outcome.seed): \(outcome.violation ?? "")")
    }
    // Worlds in which next to nothing happens prove next to nothing.
    guard count >= 200 else { return }
    for field in [\TransferOutcome.cuts, \.crashes, \.kills, \.damages, \.skipped] {
      #expect(outcomes.reduce(0) { $0 + $1[keyPath: field] } > count)
    }
  }

  @Test("an error that is planted is found", arguments: TransferBug.allCases)
  func finds(_ bug: TransferBug) async {
    let outcomes = await Seeds.run(1...150) { TransferWorld.run(seed: $0, bug: bug) }
    #expect(outcomes.contains { $0.violation != nil })
  }
}
