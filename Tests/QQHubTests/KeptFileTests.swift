import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite("files that the hub keeps")
struct KeptFileTests {
  @Test("only who offered a file may send its bytes, only whom it was offered to may get them")
  func rights() {
    let hub = HubHarness()
    let (alice, bob, eve) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("eve", key: 3))
    let bytes = HubHarness.content()
    let seq = hub.sendFile(alice, 1, to: "bob", bytes)
    for key in [ClientFrame.FileKey.id(HubHarness.fileID(1)), .seq(seq)] {
      hub.say(eve, .get(.init(ref: 1, file: key)))
      #expect(hub.take(eve).errorCodes == ["unknown_file"])
    }
    hub.say(eve, .upload(ref: 2, id: HubHarness.fileID(1)), .saved(ref: 3, seq: seq), .files(ref: 4, after: 0))
    let answers = hub.take(eve)
    #expect(answers.errorCodes == ["unknown_file", "unknown_file"])
    #expect(answers.last == .ok(.init(ref: 4)))
    #expect(answers.count == 3)
    // Knowing the content gives nothing: the same bytes are offered to eve, and are sent again in full.
    _ = hub.offer(bob, 2, to: "eve", size: Int64(bytes.count))
    hub.say(bob, .upload(ref: 5, id: HubHarness.fileID(2)))
    guard case .ok(let ok)? = hub.take(bob).last else { return }
    #expect(ok.offset == 0)
  }

  @Test("a new user gets nothing that was offered to everybody before")
  func latecomer() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    let seq = hub.sendFile(alice, 1, to: "@all", HubHarness.content())
    let late = hub.connect("late", key: 9)
    hub.say(late, .get(.init(ref: 1, file: .seq(seq))))
    #expect(hub.take(late).errorCodes == ["unknown_file"])
  }

  @Test("a receipt comes once the receiver has saved it, not when it has heard of it")
  func receipts() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, holds: true)
    let bytes = HubHarness.content()
    guard case .sent(let sent)? = hub.offer(alice, 1, to: "bob", receipts: true).first else { return }
    #expect(sent.awaiting == ["bob"])
    #expect(sent.status == "offered")
    hub.say(alice, .upload(ref: 100, id: HubHarness.fileID(1)))
    hub.upload(alice, bytes)
    hub.say(alice, .finish(ref: 101, size: Int64(bytes.count), hash: HubHarness.hash(bytes)))
    hub.say(bob, .ack(seq: sent.seq + 1))
    hub.advance(500)
    _ = hub.take(alice)
    hub.say(bob, .saved(ref: 3, seq: sent.seq))
    guard case .receipt(let receipt)? = hub.take(alice).first else {
      Issue.record("no receipt")
      return
    }
    #expect((receipt.id, receipt.nick) == (HubHarness.fileID(1), "bob"))
    #expect(hub.take(bob).last == .ok(.init(ref: 3, seq: sent.seq)))
    // Asked again, nobody is waited for.
    guard case .sent(let again)? = hub.offer(alice, 1, to: "bob", receipts: true).first else { return }
    #expect(again.awaiting == [])
    #expect(again.status == "stored")
  }

  @Test("what wasn't saved is listed, also to who comes later, until it is")
  func pending() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.disconnect(bob)
    let seq = hub.sendFile(alice, 1, to: "bob", HubHarness.content())
    hub.restart()
    let again = hub.connect("bob", key: 2)
    hub.say(again, .files(ref: 1, after: 0))
    guard case .file(let file)? = hub.take(again).first else {
      Issue.record("not listed")
      return
    }
    #expect((file.seq, file.ref, file.info.name) == (seq, 1, "a.bin"))
    _ = hub.take(again)
    hub.say(again, .saved(ref: 2, seq: seq))
    #expect(hub.take(again) == [.ok(.init(ref: 2, seq: seq))])
    hub.say(again, .files(ref: 4, after: 0))
    #expect(hub.take(again) == [.ok(.init(ref: 4))])
  }

  @Test("a file goes a while after everybody has it, and one content is kept as long as a file has it")
  func discarded() {
    let hub = HubHarness()
    let (alice, bob, carol) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3))
    let bytes = HubHarness.content()
    let first = hub.sendFile(alice, 1, to: "bob", bytes)
    let second = hub.sendFile(alice, 2, to: "carol", bytes)
    #expect(hub.spool.blobs.count == 1)
    hub.say(bob, .saved(ref: 1, seq: first))
    hub.advance(59_000)
    hub.say(bob, .get(.init(ref: 2, file: .seq(first))))
    #expect(hub.takePieces(bob).count == 3)
    hub.disconnect(bob)
    hub.advance(130_000)
    #expect(hub.hub.keptFiles.map(\.seq) == [second])
    #expect(hub.spool.blobs.count == 1)
    hub.say(carol, .saved(ref: 1, seq: second))
    hub.advance(61_000)
    #expect(hub.hub.keptFiles == [])
    #expect(hub.spool.blobs.isEmpty)
    hub.say(carol, .get(.init(ref: 3, file: .seq(second))))
    #expect(hub.take(carol).errorCodes == ["unknown_file"])
  }

  @Test("a file that everybody has goes also where the hub was restarted meanwhile")
  func discardedLater() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    let seq = hub.sendFile(alice, 1, to: "bob", HubHarness.content())
    hub.say(bob, .saved(ref: 1, seq: seq))
    hub.restart()
    #expect(hub.hub.keptFiles.count == 1)
    hub.advance(61_000)
    #expect(hub.hub.keptFiles == [])
    #expect(hub.spool.blobs.isEmpty)
  }

  @Test("what is pending is told in parts; what is asked at once waits until the channel takes more")
  func parts() {
    let hub = HubHarness { $0.catchUpBytes = 2_000 }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    for number in 1...20 as ClosedRange<UInt64> { _ = hub.offer(alice, number, to: "bob", name: "n\(number)") }
    var seen: [String] = []
    var after: Seq? = 0
    while let start = after {
      hub.say(bob, .files(ref: 1, after: start))
      let answer = hub.take(bob)
      seen += answer.compactMap { if case .file(let file) = $0 { file.info.name } else { nil } }
      guard case .ok(let ok)? = answer.last else { break }
      after = ok.more ? ok.seq : nil
      #expect(answer.count < 12)
    }
    #expect(seen == (1...20).map { "n\($0)" })
    hub.setWritable(bob, false)
    let frames = Array(repeating: ClientFrame.files(ref: 2, after: 0), count: 1_000)
    hub.receive(.frames(bob, frames))
    let first = hub.take(bob).count
    #expect(first > 100 && first < 2_500)
    hub.setWritable(bob, true)
    #expect(first + hub.take(bob).count > 4_000)
  }

  @Test("a file that will never be whole is withdrawn by who offered it, and who waits for it is told")
  func withdrawn() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    _ = hub.offer(alice, 1, to: "bob", size: nil)
    hub.say(alice, .upload(ref: 1, id: HubHarness.fileID(1)))
    hub.put(alice, at: 0, Array(repeating: 1, count: Chunk.size))
    hub.say(bob, .get(.init(ref: 1, file: .id(HubHarness.fileID(1)))))
    _ = (hub.take(alice), hub.take(bob))
    hub.say(bob, .withdraw(ref: 2, id: HubHarness.fileID(1)))
    #expect(hub.take(bob).errorCodes == ["unknown_file"])
    let other = hub.connect("alice", key: 1)
    hub.say(other, .withdraw(ref: 3, id: HubHarness.fileID(1)))
    #expect(hub.take(other) == [.ok(.init(ref: 3))])
    #expect(hub.take(bob).errorCodes == ["file_gone"])
    #expect(hub.hub.keptFiles == [])
    #expect(hub.spool.parts.isEmpty)
    let seq = hub.sendFile(other, 2, to: "bob", HubHarness.content())
    hub.say(other, .withdraw(ref: 4, id: HubHarness.fileID(2)))
    #expect(hub.take(other).errorCodes == ["unknown_file"])
    #expect(hub.hub.keptFiles.map(\.seq) == [seq])
  }

  @Test("a user may have so many files with the hub and no more")
  func count() {
    let hub = HubHarness { $0.files.userCount = 2 }
    let alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    for number in [1, 2, 1] as [UInt64] { #expect(hub.offer(alice, number, to: "bob").errorCodes == []) }
    #expect(hub.offer(alice, 3, to: "bob").errorCodes == ["quota"])
  }

  @Test("a file that not everybody has goes with time, and who is at it is told")
  func expired() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    _ = hub.offer(alice, 1, to: "bob")
    hub.say(alice, .upload(ref: 1, id: HubHarness.fileID(1)))
    hub.put(alice, at: 0, Array(HubHarness.content().prefix(Chunk.size)))
    hub.receive(.expire(before: hub.now))
    #expect(hub.hub.keptFiles.count == 1)
    hub.advance(1_000)
    hub.receive(.expire(before: hub.now))
    hub.advance(1)
    #expect(hub.hub.keptFiles == [])
    #expect(hub.take(alice).errorCodes == ["file_gone"])
    #expect(hub.spool.parts.isEmpty)
    _ = bob
  }

  @Test("sizes, quotas and the room on the disk are judged at the offer")
  func limits() {
    let hub = HubHarness { configuration in
      configuration.files.file = 5_000_000
      configuration.files.user = 6_000_000
      configuration.files.total = 8_000_000
      configuration.files.reserve = 1_000_000
    }
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    #expect(hub.offer(alice, 1, to: "bob", size: 5_000_001).errorCodes == ["file_too_large"])
    #expect(hub.offer(alice, 2, to: "bob", size: 4_000_000).errorCodes == [])
    #expect(hub.offer(alice, 3, to: "bob", size: 2_000_001).errorCodes == ["quota"])
    // The retry of what was taken is taken.
    #expect(hub.offer(alice, 2, to: "bob", size: 4_000_000).errorCodes == [])
    #expect(hub.offer(bob, 4, to: "alice", size: 4_000_001).errorCodes == ["quota"])
    hub.spool.free = 6_000_000
    hub.say(alice, .upload(ref: 9, id: HubHarness.fileID(2)))
    // 4 of the 5 million that may be used are promised.
    #expect(hub.offer(bob, 5, to: "alice", size: 1_000_001).errorCodes == ["no_space"])
    #expect(hub.offer(bob, 6, to: "alice", size: 1_000_000).errorCodes == [])
  }

  @Test("a pipe that grows beyond what is taken is ended, a full disk keeps what came")
  func grows() {
    let hub = HubHarness { $0.files.file = Int64(Chunk.size) }
    let alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    _ = hub.offer(alice, 1, to: "bob", size: nil)
    hub.say(alice, .upload(ref: 1, id: HubHarness.fileID(1)))
    hub.put(alice, at: 0, Array(repeating: 1, count: Chunk.size))
    hub.put(alice, at: Int64(Chunk.size), [1])
    #expect(hub.take(alice).errorCodes == ["file_too_large"])

    let again = hub.connect("alice", key: 1)
    _ = hub.offer(again, 2, to: "bob", size: Int64(Chunk.size))
    hub.spool.free = 10
    hub.say(again, .upload(ref: 1, id: HubHarness.fileID(2)))
    hub.put(again, at: 0, Array(repeating: 1, count: Chunk.size))
    #expect(hub.take(again).errorCodes == ["no_space"])
  }
}
