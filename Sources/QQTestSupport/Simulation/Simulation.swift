/// Runs worlds.
public enum Simulation {
  public struct Outcome: Sendable {
    public var seed: UInt64
    /// The first that was found; a run ends there.
    public var violation: Violation?
    public var traceHash: UInt64
    public var records: Int
    public var events: Int
    public var happenings: Happenings
  }

  /// One world from its seed. `isHostile`: with some who mean no good. `log` is told what happens.
  public static func run(
    seed: UInt64, bug: PlantedBug? = nil, isHostile: Bool = false, log: ((String) -> Void)? = nil
  ) -> Outcome {
    let world = World(seed: seed, bug: bug, isHostile: isHostile, log: log)
    world.run()
    world.trace.add(Int64(world.clock.eventCount))
    return Outcome(
      seed: seed, violation: world.violations.first, traceHash: world.trace.value, records: world.journal.log.count,
      events: Int(world.clock.eventCount), happenings: world.happenings)
  }
}
