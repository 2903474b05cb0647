import QQClient
import QQHub
import QQProtocol

/// How a client reads.
struct ReadingPlan {
  var cursor: String
  var holds: Bool
  var start: ClientFrame.Start
}

/// What a client does in its lives: it begins again with what isn't settled, as a script does that is run again.
struct ClientPlan {
  var user: Int
  var reading: ReadingPlan?
  var wantsReceipts = false
  /// Milliseconds after the one before.
  var messages: [(delay: Int64, message: OutgoingMessage)] = []
  var commands: [(delay: Int64, command: Command)] = []

  enum Command: Equatable {
    case join(String)
    case leave(String)
    case rename(String)
  }
}

/// The settings of one world. Each kind of fault is on in some worlds and off in others, so that none hides behind
/// another; limits are small, so that they are reached.
struct Scenario {
  struct Faults {
    // Milliseconds between two of a kind, on average; 0 is never.
    var cut: Int64 = 0
    var crash: Int64 = 0
    var stop: Int64 = 0
    var kill: Int64 = 0
    var slow: Int64 = 0
    var retention: Int64 = 0
    var clock: Int64 = 0
    var wipe: Int64 = 0
  }

  var duration: Int64
  var latency: ClosedRange<Int64>
  var splitting: Double
  var halfOpen: Int64
  var loops: Int
  var hop: ClosedRange<Int64> = 0...3
  var commitDelay: ClosedRange<Int64>
  var deliveryDelay: ClosedRange<Int64>
  var pageDelay: ClosedRange<Int64>
  var pageLimit: Int
  var replayBatch: Int
  var tailCapacity: Int
  var catchUpBytes: Int
  var cursorDelay: Int64
  /// What a hub does at once.
  var turns = TurnLimits()
  /// What others take between two rounds of turns.
  var turnDelay: ClosedRange<Int64> = 0...0
  var lowWatermark: Int
  var highWatermark: Int
  var congestion: Int
  var outboxLimit: Int
  var showDelay: ClosedRange<Int64>
  var faults = Faults()
  var userCount: Int
  var clients: [ClientPlan] = []
  /// How many mean no good.
  var hostiles = 0
  /// No line is longer: see the texts of `plan`, and of `HostileValues`.
  var line: Int { hostiles > 0 ? 420_000 : 2_500 }

  /// Users 0 and 1 share a machine.
  static func address(_ user: Int) -> String { "10.0.0.\(max(1, user))" }
  static let names = ["ann", "Bob", "carl", "dora", "Eve", "finn"]
  static let groups = ["ops", "Dev"]

  init(_ random: inout SplitMix64, isHostile: Bool = false) {
    duration = random.within(2_000...15_000)
    latency = random.pick([0...2, 1...30, 5...400])
    splitting = random.pick([0, 0.3, 0.9])
    halfOpen = random.pick([500, 20_000])
    loops = random.within(1...3)
    commitDelay = random.pick([0...0, 1...8, 5...150])
    deliveryDelay = random.pick([0...0, 0...20, 0...200])
    pageDelay = random.pick([0...0, 1...10, 1...300])
    pageLimit = random.pick([1, 3, 256])
    replayBatch = random.pick([1, 5, 1_000])
    tailCapacity = random.pick([500, 4_000, 1 << 20])
    catchUpBytes = random.pick([300, 2_000, 1 << 20])
    cursorDelay = random.pick([0, 20, 200])
    highWatermark = random.pick([400, 4_000, 512 << 10])
    lowWatermark = highWatermark / 4
    congestion = random.pick([2, 30, 16_384])
    outboxLimit = random.pick([1, 4, 1_000])
    showDelay = random.pick([0...0, 0...10, 0...300])
    if random.chance(0.7) {
      turns.round = random.pick([1, 50, 4_096])
      turns.turn = random.pick([1, 30, 1_024])
      turns.lines = random.pick([1, 3, 128])
      turns.answers = random.pick([1, 2_000, 256 << 10])
      turns.segments = random.pick([1, 10, 2_048])
      turns.sends = random.pick([1, 64])
      turns.users = random.pick([1, 1_024])
      turnDelay = random.pick([0...0, 0...1, 0...(turns.round < 50 ? 1 : 20)])
    }
    userCount = random.within(2...Scenario.names.count)
    func interval(_ probability: Double, _ range: ClosedRange<Int64>) -> Int64 {
      random.chance(probability) ? random.within(range) : 0
    }
    faults.cut = interval(0.6, 100...4_000)
    faults.crash = interval(0.5, 500...6_000)
    faults.stop = interval(0.3, 1_000...8_000)
    faults.kill = interval(0.5, 300...4_000)
    faults.slow = interval(0.5, 300...3_000)
    faults.retention = interval(0.3, 500...5_000)
    faults.clock = interval(0.2, 500...4_000)
    faults.wipe = interval(0.08, 4_000...12_000)
    plan(&random)
    guard isHostile else { return }
    hostiles = random.within(1...3)
    // Nobody can wait for those who never acknowledge.
    for index in clients.indices { clients[index].wantsReceipts = false }
  }
}
