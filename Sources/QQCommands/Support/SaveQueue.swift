import DequeModule
import QQClient
import QQProtocol

/// Which of the files that were offered is saved next. Pure.
///
/// Anybody may offer what never comes, so nobody's files wait for that: what the hub has whole goes first, whoever offered
/// something that isn't whole has one place for it, and what doesn't come is tried again later, after all else.
struct SaveQueue: Sendable {
  /// What became of a file that was begun.
  enum Outcome: Sendable {
    case ended
    /// Nothing of it came, or no more.
    case silent
  }

  private enum Place: Sendable { case complete, unknown }

  private struct Offer: Sendable {
    var file: HubFrame.File
    var isComplete = false
    /// The place that it has while it is under way.
    var place: Place?
    /// How often nothing came.
    var silences = 0
    /// Milliseconds of the clock.
    var notBefore: Int64 = 0
  }

  /// Files at a time; of one sender those that are whole, and those that may never be.
  static let places = 32
  static let placesOfSender = 8
  /// Offers that wait; more are asked for when there is room again.
  static let most = 10_000
  /// Until a file that didn't come is tried again, in milliseconds, first and at the most.
  static let firstDelay: Int64 = 20_000
  static let longestDelay: Int64 = 600_000

  private var offers: [Int64: Offer] = [:]
  /// Seqs of those that can be begun, in the order in which they came.
  private var complete: Deque<Int64> = []
  private var unknown: Deque<Int64> = []
  private var parked: Set<Int64> = []
  private var byID: [MessageID: Int64] = [:]
  /// By the sender's nick, files that are under way: whole ones, and others.
  private var active: [String: (complete: Int, unknown: Int)] = [:]
  private var activeCount = 0
  /// Not to be tried again by this process; the newest so many.
  private var done: Set<Int64> = []
  private var doneOrder: Deque<Int64> = []
  /// Offers were left out: the hub has to be asked for them.
  private(set) var hasLeftOut = false

  /// Nothing waits, and nothing is under way.
  var isEmpty: Bool { offers.isEmpty && !hasLeftOut }
  var count: Int { offers.count }

  /// False where it is known already, or is left out.
  @discardableResult
  mutating func offered(_ file: HubFrame.File) -> Bool {
    guard offers[file.seq] == nil, !done.contains(file.seq) else { return false }
    guard offers.count < Self.most else {
      hasLeftOut = true
      return false
    }
    offers[file.seq] = Offer(file: file)
    byID[file.id] = file.seq
    unknown.append(file.seq)
    return true
  }

  /// The hub has all of a file.
  mutating func completed(_ id: MessageID) {
    guard let seq = byID[id], var offer = offers[seq], !offer.isComplete else { return }
    offer.isComplete = true
    offer.notBefore = 0
    offers[seq] = offer
    guard offer.place == nil else { return }
    parked.remove(seq)
    unknown.removeAll { $0 == seq }
    complete.append(seq)
  }

  /// There is room for what was left out: ask, once.
  mutating func takeLeftOut() -> Bool {
    guard hasLeftOut, offers.count < Self.most / 2 else { return false }
    hasLeftOut = false
    return true
  }

  /// The next one to begin, and whether it is known to be whole.
  mutating func next(now: Int64) -> (file: HubFrame.File, isComplete: Bool)? {
    guard activeCount < Self.places else { return nil }
    for seq in parked where offers[seq]?.notBefore ?? 0 <= now {
      parked.remove(seq)
      unknown.append(seq)
    }
    return begin(.complete) ?? begin(.unknown)
  }

  private mutating func begin(_ place: Place) -> (HubFrame.File, Bool)? {
    let queue = place == .complete ? complete : unknown
    let index = queue.firstIndex { seq in
      guard let sender = offers[seq]?.file.from else { return false }
      let mine = active[sender] ?? (0, 0)
      return place == .complete ? mine.complete < Self.placesOfSender : mine.unknown < 1
    }
    guard let index else { return nil }
    let seq = place == .complete ? complete.remove(at: index) : unknown.remove(at: index)
    guard var offer = offers[seq] else { return nil }
    offer.place = place
    offers[seq] = offer
    count(offer.file.from, place, 1)
    return (offer.file, place == .complete)
  }

  private mutating func count(_ sender: String, _ place: Place, _ sign: Int) {
    activeCount += sign
    var mine = active[sender] ?? (0, 0)
    if place == .complete { mine.complete += sign } else { mine.unknown += sign }
    active[sender] = mine == (0, 0) ? nil : mine
  }

  mutating func ended(_ seq: Int64, _ outcome: Outcome, now: Int64) {
    guard var offer = offers[seq], let place = offer.place else { return }
    count(offer.file.from, place, -1)
    offer.place = nil
    switch outcome {
    case .ended:
      offers[seq] = nil
      if byID[offer.file.id] == seq { byID[offer.file.id] = nil }
      done.insert(seq)
      doneOrder.append(seq)
      if doneOrder.count > Self.most, let oldest = doneOrder.popFirst() { done.remove(oldest) }
    case .silent:
      offer.notBefore = now + min(Self.longestDelay, Self.firstDelay << min(offer.silences, 10))
      offer.silences += 1
      // Whole or not, nothing came: it is the last again.
      offer.isComplete = false
      offers[seq] = offer
      parked.insert(seq)
    }
  }

  /// When something that is put off may be begun, in milliseconds of the clock.
  var deadline: Int64? { parked.compactMap { offers[$0]?.notBefore }.min() }
}
