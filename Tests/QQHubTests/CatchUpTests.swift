import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct CatchUpTests {
  private func texts(_ range: ClosedRange<Int>) -> [String] { range.map { "text \($0)" } }

  @Test(
    "a reader that stalls gets the rest once it takes more, in order and once, from the tail or the store",
    arguments: [1 << 20, 2_000, 1])
  func stalls(_ tailCapacity: Int) {
    let hub = HubHarness { $0.tailCapacity = tailCapacity }
    let (alice, bob, carol) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3))
    for id in [bob, carol] { hub.listen(id) }
    hub.post(alice, 1, to: "@all")
    hub.setWritable(bob, false)
    for number in 2...20 { hub.post(alice, UInt64(number), to: number % 3 == 0 ? "carol" : "@all") }
    #expect(hub.texts(bob) == ["text 1"])
    // Nobody else waits.
    #expect(hub.texts(carol) == texts(1...20))
    hub.setWritable(bob, true)
    #expect(hub.texts(bob) == texts(2...20).enumerated().filter { ($0.offset + 2) % 3 != 0 }.map(\.element))
    hub.post(alice, 21, to: "bob")
    #expect(hub.texts(bob) == ["text 21"])
    #expect(hub.violations == [])
  }

  @Test("what comes while a page is read is neither lost nor doubled")
  func whilePaging() {
    let hub = HubHarness { $0.tailCapacity = 1 }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    for number in 1...5 { hub.post(alice, UInt64(number), to: "bob") }
    hub.holdsReads = true
    #expect(hub.listen(bob) == [])
    for number in 6...8 { hub.post(alice, UInt64(number), to: "bob") }
    #expect(hub.take(bob) == [])
    hub.answer()
    hub.post(alice, 9, to: "bob")
    hub.answer()
    hub.answer()
    hub.post(alice, 10, to: "bob")
    hub.holdsReads = false
    hub.answer()
    #expect(hub.texts(bob) == texts(1...10))
    #expect(hub.violations == [])
  }

  @Test(
    "a reader far behind gets it in pieces that its channel takes, of the tail as of the store",
    arguments: [1 << 20, 1])
  func pieces(_ tailCapacity: Int) {
    let hub = HubHarness { configuration in
      configuration.tailCapacity = tailCapacity
      configuration.catchUpBytes = 1_000
    }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    for number in 1...600 { hub.post(alice, UInt64(number), to: "bob") }
    hub.setWritable(bob, false)
    var read = hub.listen(bob).texts
    #expect((1...20).contains(read.count))
    var pieces = 1
    while true {
      hub.setWritable(bob, true)
      hub.setWritable(bob, false)
      let more = hub.texts(bob)
      if more.isEmpty { break }
      read += more
      pieces += 1
      if pieces == 2 { break }
    }
    hub.setWritable(bob, true)
    read += hub.texts(bob)
    #expect(read == texts(1...600))
    hub.post(alice, 601, to: "bob")
    #expect(hub.texts(bob) == ["text 601"])
    #expect(hub.violations == [])
  }

  @Test("a batch for several audiences comes in the order of its seqs, one line a record for everybody")
  func batch() {
    let hub = HubHarness()
    let (alice, bob, carol) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3))
    for id in [bob, carol] { hub.listen(id) }
    hub.holdsCommits = true
    let targets = ["@all", "@all", "bob", "carol", "bob", "@all"]
    for (number, target) in targets.enumerated() { hub.post(alice, UInt64(number + 1), to: target) }
    hub.commit()
    #expect(hub.texts(bob) == ["text 1", "text 2", "text 3", "text 5", "text 6"])
    #expect(hub.texts(carol) == ["text 1", "text 2", "text 4", "text 6"])
    hub.holdsCommits = false
    let late = hub.connect("bob", key: 2)
    #expect(hub.listen(late).texts == ["text 1", "text 2", "text 3", "text 5", "text 6"])
    // In the midst of a segment.
    let middle = hub.connect("carol", key: 3)
    let first = hub.committed.first { if case .message = $0.record.body { true } else { false } }?.seq ?? 0
    #expect(hub.listen(middle, after: .seq(first)).texts == ["text 2", "text 4", "text 6"])
    #expect(hub.violations == [])
  }

  @Test("removed records are a gap for who was promised them, not for who asks for all that is kept")
  func gaps() {
    let hub = HubHarness { $0.tailCapacity = 1 }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    for number in 1...3 { hub.post(alice, UInt64(number), to: "bob") }
    hub.advance(10_000)
    for number in 4...6 { hub.post(alice, UInt64(number), to: "bob") }
    hub.remove(olderThan: 5_000)
    #expect(hub.listen(hub.connect("bob", key: 2), after: .seq(0)).texts == texts(4...6))
    #expect(hub.listen(hub.connect("bob", key: 2), after: .seq(0)).count == 3)
    let unread = hub.listen(hub.connect("bob", key: 2))
    #expect(unread.first == .gap(from: 3, to: 5))
    #expect(unread.texts == texts(4...6))
    #expect(hub.listen(bob, after: .seq(4)).first == .gap(from: 5, to: 5))
    #expect(hub.listen(hub.connect("bob", key: 2), after: .seq(5)).texts == texts(4...6))
    #expect(hub.listen(hub.connect("bob", key: 2), after: .time(hub.now)).texts == texts(4...6))
    #expect(hub.violations == [])
  }

  @Test("what is removed while a reader is behind is a gap, also where it asked for all that is kept")
  func gapLater() {
    let hub = HubHarness { configuration in
      configuration.tailCapacity = 1
      configuration.catchUpBytes = 200
    }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    for number in 1...6 { hub.post(alice, UInt64(number), to: "bob") }
    hub.setWritable(bob, false)
    let first = hub.listen(bob, after: .seq(0))
    #expect(first.texts == texts(1...2))
    hub.advance(10_000)
    hub.post(alice, 7, to: "bob")
    hub.post(alice, 8, to: "bob")
    hub.remove(olderThan: 5_000)
    hub.setWritable(bob, true)
    let rest = hub.take(bob)
    #expect(rest.first == .gap(from: first.seqs[1] + 1, to: first.seqs[1] + 4))
    #expect(rest.texts == texts(7...8))
    #expect(hub.violations == [])
  }

  @Test("any mix of stalls, commits and reads loses and doubles nothing", arguments: 0..<64 as Range<UInt64>)
  func anyMix(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let capacity = [1, 500, 5_000, 1 << 20][random.below(4)]
    let hub = HubHarness { configuration in
      configuration.tailCapacity = capacity
      configuration.catchUpBytes = [100, 1_000, 100_000][Int(seed % 3)]
    }
    let names = ["alice", "bob", "carol"]
    let users = names.indices.flatMap { index in
      (0..<2).map { _ in (names[index], hub.connect(names[index], key: UInt8(index + 1))) }
    }
    for (_, id) in users where random.oneIn(2) { hub.say(id, .listen(.init(ref: nil, after: .unread))) }
    hub.holdsCommits = true
    hub.holdsReads = true
    var sent: [(text: String, sender: SessionID, to: String)] = []
    for step in 1...300 {
      switch random.below(8) {
      case 0...2:
        let (_, id) = users[random.below(users.count)]
        let to = random.oneIn(2) ? "@all" : names[random.below(names.count)]
        hub.post(id, UInt64(step), to: to)
        sent.append(("text \(step)", id, to))
      case 3, 4: hub.commit(1 + random.below(3))
      case 5: hub.answer()
      default: hub.setWritable(users[random.below(users.count)].1, random.oneIn(2))
      }
    }
    for (_, id) in users {
      hub.setWritable(id, true)
      hub.say(id, .listen(.init(ref: nil, after: .unread)))
    }
    hub.holdsCommits = false
    hub.holdsReads = false
    for _ in 0..<3 {
      hub.commit()
      hub.answer()
    }
    for (name, id) in users {
      let expected = sent.filter { $0.sender != id && ($0.to == "@all" || $0.to == name) }.map(\.text)
      #expect(hub.texts(id) == expected, "\(name)")
    }
    #expect(hub.violations == [])
  }
}
