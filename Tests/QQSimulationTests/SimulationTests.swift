import Glibc
import QQTestSupport
import Testing

/// Worlds that are simulated from a seed: see `World`. `QQ_SEEDS` says how many (2,000 otherwise), `QQ_FIRST_SEED` from
/// where on, and `QQ_SEED` runs one of them and tells what happens in it.
@Suite("Simulation")
struct SimulationTests {
  @Test("nothing acknowledged is lost, shown twice, out of order or to others, whatever breaks")
  func holds() async {
    if let seed = Seeds.single {
      let outcome = Simulation.run(seed: seed) { print($0) }
      #expect(outcome.violation == nil, "seed \(seed)")
      return
    }
    let outcomes = await Seeds.run(Seeds.range) { Simulation.run(seed: $0) }
    for outcome in outcomes.filter({ $0.violation != nil }).prefix(10) {
      Issue.record(
        """
        seed \(outcome.seed): \(outcome.violation?.description ?? "")
        once more, with what happened: QQ_SEED=\(outcome.seed) swift test --filter SimulationTests.holds
        """)
    }
    // Worlds in which next to nothing happens prove next to nothing.
    guard outcomes.count >= 1_000 else { return }
    #expect(outcomes.reduce(0) { $0 + $1.records } > 50 * outcomes.count)
    let happenings = outcomes.reduce(into: Happenings()) { $0 += $1.happenings }
    for happening in Happening.allCases where happening != .hostile {
      #expect(happenings[happening] > 50, "\(happening)")
    }
  }

  @Test("others' messages go on, and memory stays within its bounds, whatever somebody says who means no good")
  func hostile() async {
    if let seed = Seeds.single {
      let outcome = Simulation.run(seed: seed, isHostile: true) { print($0) }
      #expect(outcome.violation == nil, "seed \(seed)")
      return
    }
    let outcomes = await Seeds.run(Seeds.hostileRange) { Simulation.run(seed: $0, isHostile: true) }
    for outcome in outcomes.filter({ $0.violation != nil }).prefix(10) {
      Issue.record(
        """
        seed \(outcome.seed): \(outcome.violation?.description ?? "")
        once more, with what happened: QQ_SEED=\(outcome.seed) swift test --filter SimulationTests.hostile
        """)
    }
    #expect(outcomes.reduce(0) { $0 + $1.happenings[.hostile] } > 50 * outcomes.count)
  }

  @Test("a seed is a run: once more, everything happens as before")
  func repeats() async {
    let once = await Seeds.run(1...100) { Simulation.run(seed: $0).traceHash }
    let again = await Seeds.run(1...100) { Simulation.run(seed: $0).traceHash }
    #expect(once == again)
    #expect(Set(once).count == once.count)
  }

  @Test("an error that is planted is found", arguments: PlantedBug.allCases)
  func finds(bug: PlantedBug) async {
    let outcomes = await Seeds.run(1...(bug.isHostile ? 20 : 200)) {
      Simulation.run(seed: $0, bug: bug, isHostile: bug.isHostile)
    }
    let kinds = Set(outcomes.compactMap { $0.violation?.kind })
    #expect(kinds.contains(bug.violation), "found \(kinds) instead")
  }
}

/// Which seeds a test run takes, and running them on every core.
enum Seeds {
  static var single: UInt64? { number("QQ_SEED") }

  static var range: ClosedRange<UInt64> {
    let first = number("QQ_FIRST_SEED") ?? 1
    return first...(first + max(1, number("QQ_SEEDS") ?? 2_000) - 1)
  }

  /// Fewer: each has thousands of connections.
  static var hostileRange: ClosedRange<UInt64> {
    let first = number("QQ_FIRST_SEED") ?? 1
    return first...(first + max(1, number("QQ_HOSTILE_SEEDS") ?? 40) - 1)
  }

  private static func number(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }

  /// The results, in the order of the seeds.
  static func run<Result: Sendable>(
    _ seeds: ClosedRange<UInt64>, _ body: @escaping @Sendable (UInt64) -> Result
  ) async -> [Result] {
    let slice = 50
    return await withTaskGroup(of: (start: Int, results: [Result]).self) { group in
      let all = Array(seeds)
      for start in stride(from: 0, to: all.count, by: slice) {
        let part = all[start..<min(start + slice, all.count)]
        group.addTask {
          // Programs that other tests wait for go first: to Linux that is this thread alone (setpriority(2)).
          setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
          return (start, part.map(body))
        }
      }
      var parts: [(start: Int, results: [Result])] = []
      for await part in group { parts.append(part) }
      return parts.sorted { $0.start < $1.start }.flatMap(\.results)
    }
  }
}
