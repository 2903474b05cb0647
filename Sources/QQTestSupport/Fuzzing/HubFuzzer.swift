import Glibc
import Synchronization

/// Lets hostile clients loose on a hub, beside a pair of users who mean well.
public struct HubFuzzer: Sendable {
  public var port: Int
  public var process: pid_t
  public var seed: UInt64
  public var duration: Duration
  /// Clients at a time.
  public var hostiles = 6
  /// Where they come from.
  public var sources = ["127.0.0.1"]
  /// Where the pair comes from.
  public var friends = "127.0.0.2"
  public var makeWire: MakeWire

  public init(port: Int, process: pid_t, seed: UInt64, duration: Duration, makeWire: @escaping MakeWire) {
    self.port = port
    self.process = process
    self.seed = seed
    self.duration = duration
    self.makeWire = makeWire
  }

  public struct Outcome: Sendable {
    public var sessions = 0
    public var bytesWritten = 0
    /// Types of what the hub has said to the hostile ones.
    public var answers: [String: Int] = [:]
    /// Messages of the pair, and how long one of them took at the most.
    public var messages = 0
    public var longestWait = Duration.zero
    /// Before the hostile ones came, and once they were gone; nil where the hub was gone, too.
    public var before: ProcessFigures?
    public var after: ProcessFigures?
    /// What didn't hold.
    public var violations: [String] = []
    /// The last sessions of each hostile client, where something didn't hold.
    public var suspects: [HostileSession] = []
    /// Since the hostile ones came, when something was first found not to hold.
    public var brokenAfter: Duration?
  }

  private struct State: Sendable {
    var outcome = Outcome()
    var running = 0
    var pairIsReady = false
    var pairIsDone = false
  }

  /// `isAlive`: whether the hub runs.
  public func run(isAlive: @escaping @Sendable () -> Bool) async throws -> Outcome {
    let state = Watched(State())
    let isPairWanted = Flag()
    let begun = ContinuousClock.now
    OwnThread.detach { talk(state, isPairWanted, since: begun) }
    _ = await state.first(within: .seconds(60)) { $0.pairIsReady || $0.pairIsDone ? true : nil }
    let before = try ProcessFigures(process)
    state.update {
      $0.running = hostiles
      $0.outcome.before = before
    }
    let start = ContinuousClock.now
    for number in 0..<hostiles { OwnThread.detach { attack(number, until: start + duration, state, isAlive) } }
    // A hub that takes no more is noticed by its pair; each session has an end.
    _ = await state.first(within: duration + .seconds(120)) { $0.running == 0 ? true : nil }
    let after = isAlive() ? await settled(to: before, isAlive) : nil
    isPairWanted.lower()
    _ = await state.first(within: .seconds(60)) { $0.pairIsDone ? true : nil }
    return state.read {
      var outcome = $0.outcome
      outcome.after = after
      if !isAlive() {
        outcome.violations.insert("the hub has ended", at: 0)
      } else if let after, after.descriptors > before.descriptors || after.threads > before.threads {
        outcome.violations.append("the hub was left with \(after), of \(before)")
      }
      if $0.running > 0 { outcome.violations.append("hostile clients never ended") }
      return outcome
    }
  }

  private func attack(
    _ number: Int, until end: ContinuousClock.Instant, _ state: Watched<State>, _ isAlive: () -> Bool
  ) {
    let began = end - duration
    var client = HostileClient(seed: seed &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15, sources: sources)
    var last: [HostileSession] = []
    while ContinuousClock.now < end, isAlive(), state.read({ $0.outcome.violations.isEmpty }) {
      let session = client.next()
      last = last.suffix(1) + [session]
      guard let result = try? session.run(port: port, makeWire) else {
        // It ends, or has no room just now.
        usleep(20_000)
        continue
      }
      state.update {
        $0.outcome.sessions += 1
        $0.outcome.bytesWritten += result.bytesWritten
        $0.outcome.answers.merge(result.answers) { $0 + $1 }
      }
    }
    let (isDead, kept) = (!isAlive(), last)
    state.update {
      if isDead, $0.outcome.brokenAfter == nil { $0.outcome.brokenAfter = ContinuousClock.now - began }
      if isDead || !$0.outcome.violations.isEmpty { $0.outcome.suspects += kept }
      $0.running -= 1
    }
  }

  private func talk(_ state: Watched<State>, _ isWanted: Flag, since begun: ContinuousClock.Instant) {
    var pair: FriendlyPair
    do {
      pair = try FriendlyPair(port: port, source: friends, makeWire)
    } catch {
      return state.update {
        $0.outcome.violations.append("\(error)")
        $0.pairIsDone = true
      }
    }
    state.update { $0.pairIsReady = true }
    var random = SplitMix64(seed: seed)
    while isWanted.isUp, pair.result.violation == nil { pair.turn(&random) }
    let result = pair.result
    state.update {
      $0.outcome.messages = result.messages
      $0.outcome.longestWait = result.longestWait
      if let violation = result.violation {
        $0.outcome.violations.append(violation)
        if $0.outcome.brokenAfter == nil { $0.outcome.brokenAfter = ContinuousClock.now - begun }
      }
      $0.pairIsDone = true
    }
  }

  /// The figures once they are what they were, or after half a minute.
  private func settled(to before: ProcessFigures, _ isAlive: () -> Bool) async -> ProcessFigures? {
    let end = ContinuousClock.now + .seconds(30)
    while isAlive() {
      guard let now = try? ProcessFigures(process) else { break }
      if now.descriptors <= before.descriptors && now.threads <= before.threads || ContinuousClock.now >= end {
        return now
      }
      // Nothing tells when a process closes a file.
      try? await Task.sleep(for: .milliseconds(20))
    }
    return nil
  }
}

/// Down once and for all.
private final class Flag: Sendable {
  private let value = Atomic(true)
  var isUp: Bool { value.load(ordering: .relaxed) }
  func lower() { value.store(false, ordering: .relaxed) }
}
