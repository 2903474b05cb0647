/// Virtual time, in milliseconds, and what is to happen in it. What is due at the same time happens in the order in
/// which it was asked for.
final class SimClock {
  private struct Event {
    var time: Int64
    var number: UInt64
    var action: () -> Void

    func isBefore(_ other: Event) -> Bool { (time, number) < (other.time, other.number) }
  }

  private(set) var now: Int64 = 0
  private(set) var eventCount: UInt64 = 0
  /// A binary heap.
  private var events: [Event] = []

  func after(_ delay: Int64, _ action: @escaping () -> Void) {
    eventCount += 1
    events.append(Event(time: now + max(0, delay), number: eventCount, action: action))
    var child = events.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard events[child].isBefore(events[parent]) else { break }
      events.swapAt(child, parent)
      child = parent
    }
  }

  /// Lets the next thing happen, unless it is later than `end`; false where there is none.
  func step(until end: Int64) -> Bool {
    guard let first = events.first, first.time <= end else {
      now = max(now, end)
      return false
    }
    now = first.time
    removeFirst()
    first.action()
    return true
  }

  /// Nothing more happens: what waits, and all that it holds, is let go.
  func clear() { events = [] }

  private func removeFirst() {
    let last = events.removeLast()
    guard !events.isEmpty else { return }
    events[0] = last
    var parent = 0
    while true {
      var least = parent
      let left = 2 * parent + 1
      if left < events.count, events[left].isBefore(events[least]) { least = left }
      if left + 1 < events.count, events[left + 1].isBefore(events[least]) { least = left + 1 }
      guard least != parent else { return }
      events.swapAt(parent, least)
      parent = least
    }
  }
}
