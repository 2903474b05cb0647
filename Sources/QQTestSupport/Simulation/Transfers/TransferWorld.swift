import QQClient
import QQHub
import QQJournal
import QQProtocol

/// Errors that can be planted, each of which the simulation has to find.
public enum TransferBug: CaseIterable, Sendable {
  /// The spool takes what isn't what its header says.
  case keepsDamaged
  /// The spool says it has more than a crash has left.
  case promisesMore
  /// The spool takes a receiver's word for what is on its disk.
  case trustsReceivers
  /// The receiver's disk gives a file its name before all is there.
  case namesEarly
}

public struct TransferOutcome: Sendable {
  public var seed: UInt64
  public var violation: String?
  public var cuts = 0
  public var crashes = 0
  public var kills = 0
  public var damages = 0
  /// Pieces that a sender or a receiver didn't need once more.
  public var skipped = 0
}

/// Files from senders to receivers through the hub's core and the client's own machines, from one seed: connections are
/// cut between any two pieces, processes are killed, the hub crashes and its disk loses what wasn't synced, pieces are
/// damaged on the wire and on both disks, the spool answers late, channels are full. Then it is calm, and everything has
/// to be there, bit for bit.
public final class TransferWorld {
  var random: SplitMix64
  let hub: HubHarness
  let bug: TransferBug?
  public private(set) var outcome: TransferOutcome
  private var senders: [TransferSender] = []
  private var receivers: [TransferReceiver] = []
  private(set) var isCalm = false

  static let sizes = [0, 1, 1_000, Chunk.size - 1, Chunk.size, Chunk.size + 1, 2 * Chunk.size, 2 * Chunk.size + 77]

  /// What a file of this size and number holds.
  static let contents: [[UInt8]] = sizes.enumerated().map { SplitMix64.bytes($1, seed: UInt64($0) + 100) }

  static let hashes: [TreeHash] = contents.map { content in
    var source = MemorySource(FileInfo(name: "", size: nil), content)
    while (try? source.next()) != nil {}
    return source.hasher.hash
  }

  private init(seed: UInt64, bug: TransferBug?) {
    random = SplitMix64(seed: seed)
    self.bug = bug
    outcome = TransferOutcome(seed: seed)
    hub = HubHarness()
    hub.spool.bug = bug
    hub.holdsSpool = true
  }

  public static func run(seed: UInt64, bug: TransferBug? = nil) -> TransferOutcome {
    let world = TransferWorld(seed: seed, bug: bug)
    world.run()
    return world.outcome
  }

  func violation(_ text: String) {
    if outcome.violation == nil { outcome.violation = text }
  }

  func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  func count(_ field: WritableKeyPath<TransferOutcome, Int>) { outcome[keyPath: field] += 1 }

  private func run() {
    let users = Int.random(in: 1...3, using: &random)
    for number in 0..<users { receivers.append(TransferReceiver(self, nick: "r\(number)", key: UInt8(100 + number))) }
    for number in 0..<Int.random(in: 1...2, using: &random) {
      senders.append(
        TransferSender(
          self, nick: "s\(number)", key: UInt8(1 + number),
          to: chance(40) ? receivers.map(\.nick) : ["r\(Int.random(in: 0..<users, using: &random))"],
          files: (0..<Int.random(in: 1...3, using: &random)).map { _ in
            Int.random(in: 0..<Self.sizes.count, using: &random)
          }))
    }
    for _ in 0..<Int.random(in: 20...120, using: &random) where outcome.violation == nil {
      fault()
      step()
    }
    isCalm = true
    hub.spool.damagesNext = false
    for receiver in receivers { receiver.damagesNext = false }
    for _ in 0..<600 where outcome.violation == nil && !isDone { step() }
    finish()
  }

  private var isDone: Bool { senders.allSatisfy(\.isDone) && receivers.allSatisfy { $0.hasAll(senders) } }

  private func step() {
    hub.answerSpool(isCalm ? .max : Int.random(in: 0...3, using: &random))
    for sender in senders { sender.step() }
    for receiver in receivers {
      receiver.step()
      if let wrong = receiver.judge(senders) { violation(wrong) }
    }
    hub.advance(Int64.random(in: 1...300, using: &random))
  }

  private func fault() {
    switch Int.random(in: 0..<24, using: &random) {
    case 0: senders.randomElement(using: &random)?.lose()
    case 1: receivers.randomElement(using: &random)?.lose()
    case 2:
      senders.randomElement(using: &random)?.die()
      count(\.kills)
    case 3:
      receivers.randomElement(using: &random)?.die()
      count(\.kills)
    case 4:
      hub.spool.damagesNext = true
      count(\.damages)
    case 5:
      receivers.randomElement(using: &random)?.damagesNext = true
      count(\.damages)
    case 6:
      hub.spool.crash(keeping: Int.random(in: 0...2, using: &random))
      hub.restart()
      for sender in senders { sender.hubIsGone() }
      for receiver in receivers { receiver.hubIsGone() }
      count(\.crashes)
    default: break
    }
  }

  private func finish() {
    for text in hub.violations { violation(text) }
    for sender in senders where !sender.isDone { violation("\(sender.nick) isn't done: \(sender.state)") }
    for receiver in receivers { if let missing = receiver.missing(senders) { violation(missing) } }
  }
}
