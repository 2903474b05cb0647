import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

/// What somebody can make a hub keep is bounded, and goes when nobody needs it any more.
@Suite("bounds") struct BoundsTests {
  private func groups(_ hub: HubHarness) -> [String] {
    hub.journal.load().groups.map(\.name)
  }

  @Test("a group in which nothing was said goes with the last who leaves, at once and from the store")
  func unusedGroups() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.say(alice, .join(ref: nil, group: "@ops"))
    hub.say(bob, .join(ref: nil, group: "@OPS"))
    hub.say(alice, .leave(ref: nil, group: "@ops"))
    #expect(hub.hub.footprint.groups == 1 && hub.hub.footprint.stays == 1)
    hub.say(bob, .leave(ref: nil, group: "@ops"))
    #expect(hub.hub.footprint.groups == 0 && hub.hub.footprint.stays == 0)
    #expect(groups(hub) == [] && hub.journal.load().memberships == [])
    for number in 0..<900 {
      hub.say(alice, .join(ref: nil, group: "@g\(number)"), .leave(ref: nil, group: "@g\(number)"))
    }
    #expect(hub.errors(alice) == [])
    #expect(hub.hub.footprint.groups == 0 && groups(hub) == [])
    // A name that was forgotten is a group like any other.
    hub.say(bob, .join(ref: nil, group: "@ops"))
    hub.say(alice, .join(ref: nil, group: "@ops"))
    hub.listen(bob)
    hub.post(alice, 1, to: "@Ops")
    #expect(hub.texts(bob) == ["text 1"])
  }

  @Test("a group in which something was said stays for who was in it, until that is kept no longer")
  func usedGroups() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    for id in [alice, bob] { hub.say(id, .join(ref: nil, group: "@ops")) }
    hub.post(alice, 1, to: "@ops")
    for id in [alice, bob] { hub.say(id, .leave(ref: nil, group: "@ops")) }
    let left = hub.hub.applied
    hub.restart()
    let again = hub.connect("bob", key: 2)
    hub.say(again, .history(.init(ref: 1, target: "@ops")))
    #expect(hub.texts(again) == ["text 1"])
    // Something of the time is kept still.
    hub.receive(.removed(before: left))
    #expect(hub.hub.footprint.groups == 1 && hub.hub.footprint.stays == 1)
    hub.receive(.removed(before: left + 1))
    #expect(hub.hub.footprint.groups == 0 && hub.hub.footprint.stays == 0)
    #expect(groups(hub) == [])
    hub.post(again, 2, to: "alice")
    #expect(hub.errors(again) == [])
    hub.restart()
    #expect(hub.hub.footprint.groups == 0)
    #expect(hub.violations == [])
  }

  @Test("a retry of what was said in a group is answered as it was, also when nobody knows any more who was in it")
  func retryAfterPruning() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    hub.say(alice, .join(ref: nil, group: "@ops"))
    hub.post(alice, 1, to: "@ops")
    hub.say(alice, .leave(ref: nil, group: "@ops"))
    _ = hub.take(alice)
    hub.receive(.removed(before: hub.hub.applied + 1))
    #expect(hub.hub.footprint.groups == 0)
    hub.post(alice, 1, to: "@ops")
    let sent = hub.take(alice).compactMap { if case .sent(let sent) = $0 { sent.isDuplicate } else { nil } }
    #expect(sent == [true])
  }

  @Test("who has read what is kept no longer is not waited for again")
  func receiptsAfterRemoval() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    func waited() -> [[String]?] {
      hub.post(alice, 1, to: "bob", wantsReceipts: true)
      return hub.take(alice).compactMap { if case .sent(let sent) = $0 { sent.awaiting } else { nil } }
    }
    #expect(waited() == [["bob"]])
    hub.listen(bob, holds: true)
    hub.say(bob, .ack(seq: hub.hub.applied))
    hub.advance(1_000)
    hub.receive(.removed(before: hub.hub.applied + 1))
    #expect(waited() == [[]])
  }

  @Test("what is pruned is pruned in parts, between which others have their turn, and on every hub alike")
  func pruning() {
    let hub = HubHarness()
    for number in 0..<3_000 {
      let key = [UInt8(number & 0xff), UInt8(number >> 8)] + [UInt8](repeating: 7, count: 30)
      let id = hub.open("127.0.0.1", keyBytes: key)
      hub.say(id, .hello(.init(nick: "user-\(number)", isExplicit: true)), .join(ref: nil, group: "@g"))
      if number == 0 { hub.post(id, 1, to: "@g") }
      hub.say(id, .leave(ref: nil, group: "@g"))
      hub.disconnect(id)
    }
    #expect(hub.hub.footprint.stays == 3_000)
    hub.receive(.removed(before: hub.hub.applied + 1))
    #expect(hub.hub.footprint.stays == 0 && hub.hub.footprint.groups == 0)
    let prunes = hub.committed.filter { if case .prune = $0.record.body { true } else { false } }
    #expect(prunes.count == 3)
    // A second time there is nothing to do, and nothing is written down.
    hub.receive(.removed(before: hub.hub.applied + 1))
    #expect(hub.committed.count { if case .prune = $0.record.body { true } else { false } } == 3)
    let fresh = Hub(HubConfiguration(name: "hub", instance: 9), hub.journal.load())
    #expect(fresh.footprint.stays == 0 && fresh.footprint.groups == 0)
  }

  @Test("a user has so many cursors: of more, the one that is furthest behind begins anew")
  func cursors() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    for number: UInt64 in 1...50 {
      let reader = hub.open("127.0.0.1", key: 1)
      hub.say(reader, .hello(.init(nick: "alice")))
      hub.listen(reader, cursor: "c\(number)", holds: true)
      hub.post(alice, number, to: "alice")
      hub.say(reader, .ack(seq: hub.hub.applied))
      hub.advance(1_000)
      hub.disconnect(reader)
    }
    let kept = hub.journal.load().cursors.map(\.name)
    #expect(Set(kept) == Set((19...50).map { "c\($0)" }))
    #expect(hub.hub.footprint.cursors == 32)
    let reader = hub.open("127.0.0.1", key: 1)
    hub.say(reader, .hello(.init(nick: "alice")))
    #expect(hub.listen(reader, cursor: "c1").count == 51)
  }

  @Test("cursors that stand before what is kept go, but for the furthest")
  func oldCursors() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    for name in ["slow", "fast", "last"] {
      hub.post(alice, UInt64(name.utf8.reduce(0) { $0 + UInt($1) }), to: "alice")
      let reader = hub.connect("alice", key: 1)
      hub.listen(reader, cursor: name, holds: true)
      hub.say(reader, .ack(seq: hub.hub.applied))
      hub.advance(1_000)
    }
    func names() -> [String] { hub.journal.load().cursors.map(\.name).sorted() }
    #expect(names() == ["fast", "last", "slow"])
    hub.receive(.removed(before: hub.hub.applied + 1))
    #expect(names() == ["last"] && hub.hub.footprint.cursors == 1)
    hub.post(alice, 1_000, to: "alice")
    hub.receive(.removed(before: hub.hub.applied + 1))
    #expect(names() == ["last"])
  }

  @Test("a user joins so many groups at once, and more with time")
  func joins() {
    let hub = HubHarness { $0.joins = RateLimit(burst: 5, hourly: 3_600) }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    func refused(_ id: SessionID, _ count: Int) -> Int {
      for number in 0..<count { hub.say(id, .join(ref: nil, group: "@g\(number)")) }
      return hub.errors(id).count { $0.code == "quota" }
    }
    #expect(refused(alice, 9) == 4)
    #expect(refused(bob, 5) == 0)
    hub.advance(3_000)
    #expect(refused(alice, 9) == 6)
  }

  @Test("from one source so many come for the first time, owners and the invited aside")
  func newcomers() {
    let owner = [UInt8](repeating: 99, count: 32)
    let hub = HubHarness {
      $0.newcomers = RateLimit(burst: 3, hourly: 60)
      $0.ownerKeys = [owner]
      $0.plaintext = .admitted
    }
    func code(_ address: String, _ key: UInt8?) -> String? {
      let id = hub.open(address, key: key)
      hub.say(id, .hello(.init(nick: "n")))
      if case .error(let failure)? = hub.take(id).first { return failure.code }
      return nil
    }
    #expect((1...3).map { code("192.168.1.7", $0) } == [nil, nil, nil])
    #expect(code("192.168.1.7", 4) == "too_many_sessions")
    #expect(code("192.168.1.7", nil) == "too_many_sessions")
    #expect(code("192.168.1.8", 5) == nil)
    // Who is known comes as often as ever.
    #expect(code("192.168.1.7", 1) == nil)
    #expect(code("192.168.1.7", 99) == nil)
    hub.advance(61_000)
    #expect(code("192.168.1.7", 4) == nil)
    #expect(code("192.168.1.7", 6) == "too_many_sessions")
  }

  @Test("buckets that are full are not kept")
  func buckets() {
    let hub = HubHarness { $0.newcomers = RateLimit(burst: 10, hourly: 3_600_000) }
    var most = 0
    for number in 0..<5_000 {
      let key = [UInt8(number & 0xff), UInt8(number >> 8)] + [UInt8](repeating: 7, count: 30)
      let id = hub.open("192.168.\(1).\(number % 250)", keyBytes: key)
      hub.say(id, .hello(.init(nick: "u")))
      hub.disconnect(id)
      hub.advance(10)
      most = max(most, hub.hub.footprint.buckets)
    }
    #expect(most <= 2_050)
  }

  @Test("guests of a hub that ended are not there after its restart, nor those whose connection ended too soon")
  func guests() {
    let hub = HubHarness { $0.plaintext = .admitted }
    _ = hub.connect("gus", key: nil)
    #expect(hub.hub.footprint.guests == 1)
    hub.restart()
    #expect(hub.hub.footprint.guests == 0)
    let alice = hub.connect("alice", key: 1)
    #expect(hub.journal.load().users.map(\.nick) == ["alice"])
    hub.holdsCommits = true
    let early = hub.open("127.0.0.1", key: nil)
    hub.say(early, .hello(.init(nick: "early")))
    hub.disconnect(early)
    hub.commit()
    hub.holdsCommits = false
    #expect(hub.hub.footprint.guests == 0)
    hub.post(alice, 1, to: "early")
    #expect(hub.errors(alice).map(\.code) == ["unknown_target"])
    #expect(hub.journal.load().users.map(\.nick) == ["alice"])
  }

  @Test("an owner sends a guest away")
  func guestRemoved() {
    let owner = [UInt8](repeating: 99, count: 32)
    let hub = HubHarness {
      $0.ownerKeys = [owner]
      $0.plaintext = .admitted
    }
    let (olga, gus) = (hub.connect("olga", key: 99), hub.connect("gus", key: nil))
    hub.say(olga, .remove(ref: 1, user: "gus"))
    #expect(hub.take(olga) == [.ok(.init(ref: 1, nick: "gus"))])
    #expect(hub.errors(gus).map(\.code) == ["removed"] && hub.isClosed(gus))
    #expect(hub.hub.footprint.guests == 0)
    #expect(hub.notes.contains(.removed(nick: "gus", by: "olga")))
  }

  @Test("a member has so many open invites, where members invite")
  func memberInvites() {
    let hub = HubHarness { $0.everybodyInvites = true }
    let alice = hub.connect("alice", key: 1)
    for number: UInt8 in 0..<105 {
      hub.say(alice, .invite(ref: 1, hash: Digest(of: [number]), nick: nil, lifetime: 60_000))
    }
    #expect(hub.errors(alice).map(\.code) == Array(repeating: "quota", count: 5))
    hub.advance(61_000)
    hub.say(alice, .invite(ref: 1, hash: Digest(of: [200]), nick: nil, lifetime: 60_000))
    #expect(hub.errors(alice) == [])
  }

  @Test("an offer under the id of one that is on its way is measured too, and counts what the largest of them would")
  func offersUnderWay() {
    let hub = HubHarness {
      $0.files.file = 1_000
      $0.files.user = 1_500
    }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.holdsSpool = true
    hub.holdsCommits = true
    // The first of each reaches nobody: the second is what is stored.
    #expect(hub.offer(alice, 1, to: "nobody", size: 1) == [])
    #expect(hub.offer(alice, 1, to: "bob", size: 2_000).errorCodes == ["file_too_large"])
    #expect(hub.offer(alice, 1, to: "bob", size: 900) == [])
    #expect(hub.offer(alice, 2, to: "nobody", size: 1) == [])
    #expect(hub.offer(alice, 2, to: "bob", size: 900).errorCodes == ["quota"])
    hub.answerSpool()
    hub.commit()
    hub.holdsSpool = false
    hub.holdsCommits = false
    hub.say(bob, .files(ref: 1, after: 0))
    let kept = hub.take(bob).compactMap { if case .file(let file) = $0 { file.info.size } else { nil } }
    #expect(kept == [900])
    _ = hub.take(alice)
    // What came to nothing counts no longer.
    #expect(hub.offer(alice, 3, to: "bob", size: 601).errorCodes == ["quota"])
    #expect(hub.offer(alice, 4, to: "bob", size: 600).errorCodes == [])
    // The retry of one that is kept is that one, whatever it says.
    #expect(hub.offer(alice, 4, to: "bob", size: 600).errorCodes == [])
    #expect(hub.offer(alice, 4, to: "bob", size: 2_000).errorCodes == ["id_conflict"])
    #expect(hub.violations == [])
  }
}
