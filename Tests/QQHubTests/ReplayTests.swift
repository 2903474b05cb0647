import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

/// Applying the same records to the same snapshot gives the same state, however they are cut into batches.
@Suite struct ReplayTests {
  /// A hub that a bit of everything happened to, and where nobody is any more.
  private func busy(_ seed: UInt64) -> HubHarness {
    var random = SplitMix64(seed: seed)
    let hub = HubHarness { $0.plaintext = .loopback }
    hub.holdsCommits = true
    let names = ["alice", "bob", "carol", "dave", "eve", "visitor"]
    var sessions: [SessionID] = []
    for step in 1...400 {
      let name = names[random.below(names.count)]
      guard !sessions.isEmpty, !random.oneIn(8) else {
        let id = hub.open("192.168.1.\(3 + random.below(4))", key: name == "visitor" ? nil : UInt8(1 + random.below(9)))
        hub.say(id, .hello(.init(nick: name, isExplicit: random.oneIn(3), host: "box")))
        sessions.append(id)
        continue
      }
      let id = sessions[random.below(sessions.count)]
      let targets = [name, "@all", "@ops", "@\(name)", "192.168.1.4", "nobody"]
      switch random.below(12) {
      case 0...4:
        let number = UInt64(random.below(step))
        let to = (0...random.below(3)).map { _ in targets[random.below(targets.count)] }
        hub.say(
          id, .send(.init(ref: 1, id: .init(high: 0, low: number), to: to, text: "\(number % 3)", lastSeen: true)))
      case 5: hub.say(id, .join(ref: 1, group: random.oneIn(2) ? "@ops" : "@\(name)"))
      case 6: hub.say(id, .leave(ref: 1, group: random.oneIn(2) ? "@ops" : "@\(name)"))
      case 7: hub.say(id, .nick(ref: 1, nick: "\(name)\(random.below(3))"))
      case 8: hub.say(id, .listen(.init(ref: 1, after: .unread, cursor: random.oneIn(2) ? nil : "c", holds: true)))
      case 9: hub.say(id, .ack(seq: Seq(random.below(step))))
      case 10: hub.commit(1 + random.below(4))
      default:
        hub.advance(Int64(random.below(300)))
        if random.oneIn(4) { hub.disconnect(id) }
      }
    }
    for id in sessions where !hub.isClosed(id) { hub.disconnect(id) }
    for _ in 0..<3 {
      hub.advance(1_000)
      hub.commit()
    }
    return hub
  }

  private func configuration(_ instance: UInt32) -> HubConfiguration {
    var configuration = HubConfiguration(name: "hub", instance: instance)
    configuration.localAddresses = Set([IPAddress("192.168.1.2")].compactMap { $0 })
    return configuration
  }

  /// What applying the records changes, cut into batches of at most `longest`.
  private func changes(
    _ records: [Committed], onto snapshot: Snapshot, longest: Int, _ random: inout SplitMix64
  ) -> [Change] {
    var hub = Hub(configuration(77), snapshot)
    var changes: [Change] = []
    var start = 0
    while start < records.count {
      let end = min(records.count, start + 1 + random.below(longest))
      // As the journal after a start: nothing is projected yet, so that nothing is known from before.
      let batch = records[start..<end].map { Committed(seq: $0.seq, record: $0.record) }
      for effect in hub.receive(
        .committed(.init(records: batch, projected: snapshot.applied)), now: Timestamp(milliseconds: 0))
      {
        switch effect {
        case .project(let projection):
          changes += projection.changes
          #expect(projection.through == records[end - 1].seq)
        case .publish, .forget: break
        default: Issue.record("a replay answers nobody: \(effect)")
        }
      }
      start = end
    }
    return changes
  }

  @Test("records that are replayed change what they changed at first", arguments: 0..<24 as Range<UInt64>)
  func sameChanges(_ seed: UInt64) {
    let hub = busy(seed)
    #expect(hub.committed.map(\.seq) == Array(1...Seq(hub.committed.count)))
    #expect(hub.committed.count > 100)
    let original = hub.projections.flatMap(\.changes)
    var random = SplitMix64(seed: seed)
    for longest in [1, 7, 1_000] {
      #expect(changes(hub.committed, onto: Snapshot(epoch: "epoch"), longest: longest, &random) == original)
    }
    #expect(hub.violations == [])
  }

  @Test(
    "a hub that starts from a snapshot does from there on what one does that was never stopped",
    arguments: 0..<24 as Range<UInt64>)
  func fromSnapshot(_ seed: UInt64) {
    let hub = busy(seed)
    var lived = hub.hub
    var started = Hub(lived.configuration, hub.journal.load())
    let now = hub.now
    func both(_ event: HubEvent) {
      lived.beginTurn()
      started.beginTurn()
      let (one, other) = (lived.receive(event, now: now), started.receive(event, now: now))
      #expect(one.filter(\.isObservable) == other.filter(\.isObservable))
      // The journal's answer comes to both.
      for case .append(let records) in one {
        let committed = records.enumerated().map {
          Committed(seq: lived.applied + 1 + Seq($0.offset), record: $0.element)
        }
        both(.committed(.init(records: committed, projected: lived.applied)))
      }
    }
    guard let address = IPAddress("192.168.1.5") else { return }
    for id in 1_000..<1_010 as Range<SessionID> {
      both(.opened(id, Peer(address: address, key: Array(repeating: UInt8(id - 999), count: 32))))
      both(.frames(id, [.hello(.init(nick: "name"))]))
      both(.frames(id, [.who(.init(ref: 1, all: true, watch: true)), .listen(.init(ref: 2, after: .now))]))
      both(.frames(id, [.join(ref: 3, group: "@ops"), .nick(ref: 4, nick: "nick\(id)")]))
      for target in ["@all", "@ops", "192.168.1.4", "alicf", "127.0.0.1", "visitor"] {
        let send = ClientFrame.Send(
          ref: 5, id: .init(high: id, low: UInt64(target.utf8.count)), to: [target, "bob"], text: "x",
          wantsReceipts: true)
        both(.frames(id, [.send(send)]))
      }
    }
    for id in 1_000..<1_010 as Range<SessionID> { both(.closed(id)) }
  }

  @Test("a duplicate is one also where the store can't know the first yet")
  func unprojected() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    hub.post(alice, 1, to: "@all")
    guard let message = hub.committed.last, let admission = hub.committed.first else { return }
    var replayed = Hub(configuration(5), Snapshot(epoch: "epoch"))
    let records = [
      admission, message, Committed(seq: 3, record: message.record), Committed(seq: 4, record: message.record),
    ]
    var changes: [Change] = []
    for record in records {
      let batch = CommittedBatch(records: [record], projected: 0)
      for case .project(let projection) in replayed.receive(.committed(batch), now: hub.now) {
        changes += projection.changes
      }
    }
    #expect(changes.count { if case .message = $0 { true } else { false } } == 1)
    #expect(replayed.applied == 4)
  }
}

extension Effect {
  /// Segments are numbered from the start of a process.
  fileprivate var isObservable: Bool {
    switch self {
    case .write, .publish, .forget: false
    default: true
    }
  }
}
