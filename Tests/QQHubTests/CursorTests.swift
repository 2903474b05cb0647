import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite struct CursorTests {
  private let ok = { (frames: [HubFrame]) -> HubFrame.Ok? in
    for case .ok(let ok) in frames { return ok }
    return nil
  }

  /// The cursor moves that were proposed, as `name:seq`.
  private func moves(_ hub: HubHarness) -> [[String]] {
    hub.committed.compactMap { committed in
      if case .cursors(let moves) = committed.record.body { moves.map { "\($0.name):\($0.seq)" } } else { nil }
    }
  }

  private func listen(
    _ hub: HubHarness, _ id: SessionID, _ cursor: String? = nil, reader: String? = nil, holds: Bool = true
  ) -> HubFrame.Ok? {
    hub.say(id, .listen(.init(ref: 1, after: .unread, cursor: cursor, reader: reader, holds: holds)))
    return ok(hub.take(id))
  }

  @Test("a reader goes on where it acknowledged, in this life of the hub and the next")
  func goesOn() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, holds: true)
    for number in 1...4 { hub.post(alice, UInt64(number), to: "bob") }
    let seqs = hub.take(bob).seqs
    hub.say(bob, .ack(seq: seqs[1]))
    hub.advance(200)
    hub.disconnect(bob)
    for _ in 0..<2 {
      let again = hub.connect("bob", key: 2)
      hub.say(again, .listen(.init(ref: 7, after: .unread, holds: true)))
      let frames = hub.take(again)
      #expect(frames.first == .ok(.init(ref: 7, seq: seqs[1])))
      #expect(frames.texts == ["text 3", "text 4"])
      // Without a hold it starts there too, and moves nothing.
      let other = hub.connect("bob", key: 2)
      #expect(hub.listen(other).texts == ["text 3", "text 4"])
      hub.say(other, .ack(seq: seqs[3]))
      hub.advance(1_000)
      hub.restart()
    }
    #expect(moves(hub) == [["listen:\(seqs[1])"]])
    #expect(hub.violations == [])
  }

  @Test("the first holds a cursor, the second follows without moving it, and is told; another name is another cursor")
  func follower() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    let ids = (0..<4).map { _ in hub.connect("bob", key: 2) }
    #expect(listen(hub, ids[0])?.isFollowing == false)
    #expect(listen(hub, ids[1])?.isFollowing == true)
    #expect(listen(hub, ids[2], "other")?.isFollowing == false)
    #expect(listen(hub, ids[3], reader: "x")?.isFollowing == true)
    hub.post(alice, 1, to: "bob")
    let seq = hub.hub.applied
    hub.say(ids[1], .ack(seq: seq))
    hub.say(ids[3], .ack(seq: seq))
    hub.advance(1_000)
    #expect(moves(hub) == [])
    hub.say(ids[0], .ack(seq: seq))
    hub.say(ids[2], .ack(seq: seq))
    hub.advance(1_000)
    #expect(moves(hub) == [["listen:\(seq)", "other:\(seq)"]])
    // Once it is free, the oldest of those who follow has it, and is told.
    _ = hub.take(ids[1])
    hub.disconnect(ids[0])
    #expect(hub.take(ids[1]) == [.ok(.init(ref: 1))])
    #expect(hub.take(ids[3]).allSatisfy { if case .ok = $0 { false } else { true } })
    let next = hub.connect("bob", key: 2)
    #expect(listen(hub, next)?.isFollowing == true)
    hub.post(alice, 2, to: "bob")
    hub.say(ids[1], .ack(seq: hub.hub.applied))
    hub.say(ids[3], .ack(seq: hub.hub.applied))
    hub.advance(1_000)
    #expect(moves(hub).last == ["listen:\(hub.committed.map(\.seq).max()! - 1)"])
    hub.disconnect(ids[1])
    #expect(hub.take(ids[3]).last == .ok(.init(ref: 1)))
    #expect(hub.violations == [])
  }

  @Test("a follower that isn't told yet where it stands is told that it holds the cursor with that")
  func promotedWhileLocating() {
    let hub = HubHarness()
    let ids = (0..<2).map { _ in hub.connect("bob", key: 2) }
    #expect(listen(hub, ids[0])?.isFollowing == false)
    hub.holdsReads = true
    hub.say(ids[1], .listen(.init(ref: 5, after: .time(Timestamp(milliseconds: 0)), holds: true)))
    hub.disconnect(ids[0])
    #expect(hub.take(ids[1]) == [])
    hub.answer()
    #expect(ok(hub.take(ids[1])) == .init(ref: 5, seq: 2, isFollowing: false))
  }

  @Test("where a cursor stands can be asked without reading, and makes nobody online")
  func asked() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, cursor: "log", holds: true)
    hub.post(alice, 1, to: "bob")
    let seq = hub.take(bob).seqs[0]
    hub.say(bob, .ack(seq: seq))
    hub.advance(200)
    hub.disconnect(bob)
    let again = hub.connect("bob", key: 2)
    hub.say(again, .cursor(ref: 3, name: "log"), .cursor(ref: 4, name: nil))
    #expect(hub.take(again) == [.ok(.init(ref: 3, seq: seq)), .ok(.init(ref: 4, seq: 2))])
    hub.say(alice, .who(.init(ref: 1)))
    #expect(hub.take(alice).last == .ok(.init(ref: 1)))
    #expect(hub.take(alice).isEmpty)
  }

  @Test("the same reader, connected again, takes over from its lost connection")
  func takesOver() {
    let hub = HubHarness()
    let watcher = hub.connect("watcher", key: 3)
    hub.say(watcher, .who(.init(ref: 1, watch: true)))
    let old = hub.connect("bob", key: 2)
    #expect(listen(hub, old, reader: "r")?.isFollowing == false)
    _ = hub.take(watcher)
    let new = hub.connect("bob", key: 2)
    #expect(listen(hub, new, reader: "r")?.isFollowing == false)
    #expect(hub.errors(old).map(\.code) == ["replaced"])
    #expect(hub.isClosed(old))
    // Nobody was gone meanwhile.
    #expect(hub.take(watcher) == [])
    hub.post(watcher, 1, to: "bob")
    #expect(hub.texts(new) == ["text 1"])
    hub.say(new, .ack(seq: hub.hub.applied))
    hub.advance(200)
    #expect(moves(hub).count == 1)
    let other = hub.connect("bob", key: 2)
    #expect(listen(hub, other, reader: "s")?.isFollowing == true)
    #expect(hub.violations == [])
  }

  @Test("moves of 200 ms are one record, or ride with whatever is committed before")
  func coalesced() {
    let hub = HubHarness()
    let (alice, bob, carol) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3))
    for id in [carol, bob] { hub.listen(id, holds: true) }
    for number in 1...5 { hub.post(alice, UInt64(number), to: "bob", "carol") }
    let seqs = hub.take(bob).seqs
    #expect(hub.hub.deadline == nil)
    hub.say(carol, .ack(seq: seqs[0]))
    #expect(hub.hub.deadline == hub.now + 200)
    hub.advance(100)
    for seq in seqs { hub.say(bob, .ack(seq: seq)) }
    hub.advance(99)
    #expect(moves(hub) == [])
    hub.advance(1)
    #expect(moves(hub) == [["listen:\(seqs[4])", "listen:\(seqs[0])"]])
    #expect(hub.hub.deadline == nil)
    hub.say(carol, .ack(seq: seqs[1]))
    let count = hub.appended.count
    hub.post(alice, 6, to: "bob")
    #expect(hub.appended.count == count + 1)
    #expect(moves(hub).last == ["listen:\(seqs[1])"])
    #expect(hub.hub.deadline == nil)
  }

  @Test("a cursor never goes back, nor beyond the newest record")
  func bounds() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, holds: true)
    for number in 1...3 { hub.post(alice, UInt64(number), to: "bob") }
    let seqs = hub.take(bob).seqs
    hub.say(bob, .ack(seq: 1 << 53 - 1))
    hub.advance(200)
    #expect(moves(hub) == [["listen:\(seqs[2])"]])
    hub.say(bob, .ack(seq: seqs[0]), .ack(seq: 0))
    hub.advance(1_000)
    hub.holdsCommits = true
    hub.post(alice, 4, to: "bob")
    hub.post(alice, 5, to: "bob")
    hub.commit()
    let later = hub.take(bob).seqs
    hub.say(bob, .ack(seq: later[1]))
    hub.advance(200)
    // The move to `later[1]` is on its way.
    hub.say(bob, .ack(seq: later[0]))
    hub.advance(200)
    hub.commit()
    #expect(moves(hub) == [["listen:\(seqs[2])"], ["listen:\(later[1])"]])
    hub.disconnect(bob)
    #expect(hub.listen(hub.connect("bob", key: 2)).texts == [])
  }

  @Test("what was acknowledged a moment ago isn't unread, though it isn't committed yet")
  func notYetCommitted() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, holds: true)
    for number in 1...3 { hub.post(alice, UInt64(number), to: "bob") }
    let seqs = hub.take(bob).seqs
    hub.say(bob, .ack(seq: seqs[0]))
    hub.disconnect(bob)
    let second = hub.connect("bob", key: 2)
    #expect(hub.listen(second, holds: true).texts == ["text 2", "text 3"])
    hub.holdsCommits = true
    hub.say(second, .ack(seq: seqs[1]))
    hub.disconnect(second)
    hub.advance(200)
    let third = hub.connect("bob", key: 2)
    #expect(hub.listen(third, holds: true).texts == ["text 3"])
    hub.commit()
    hub.advance(200)
    hub.disconnect(third)
    #expect(hub.listen(hub.connect("bob", key: 2)).texts == ["text 3"])
    #expect(moves(hub).last == ["listen:\(seqs[1])"])
  }

  @Test("acknowledging without listening, or without the hold, does nothing")
  func noHold() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.post(alice, 1, to: "bob")
    hub.say(bob, .ack(seq: hub.hub.applied))
    hub.listen(bob)
    hub.say(bob, .ack(seq: hub.hub.applied))
    hub.advance(1_000)
    #expect(moves(hub) == [])
    #expect(hub.take(bob) == [])
  }
}
