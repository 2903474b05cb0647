import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite("files")
struct FileTests {
  /// Two and a half chunks that are the seed's own.
  private func content(_ seed: UInt64 = 1, _ count: Int = Chunk.size * 5 / 2) -> [UInt8] {
    SplitMix64.bytes(count, seed: seed)
  }

  private func hash(_ bytes: [UInt8], _ length: Int? = nil) -> TreeHash {
    var hasher = TreeHasher()
    let bytes = bytes.prefix(length ?? bytes.count)
    for start in stride(from: 0, to: bytes.count, by: Chunk.size) {
      let chunk = bytes[start..<min(bytes.count, start + Chunk.size)]
      hasher.add(Digest(of: chunk), size: chunk.count)
    }
    return hasher.hash
  }

  private func id(_ number: UInt64) -> MessageID { MessageID(high: 5, low: number) }

  private func offer(
    _ hub: HubHarness, _ session: SessionID, _ number: UInt64, to: String..., size: Int64? = Int64(Chunk.size * 5 / 2),
    name: String = "a.bin", receipts: Bool = false
  ) -> [HubFrame] {
    hub.say(
      session,
      .send(
        .init(
          ref: Int64(number), id: id(number), to: to, text: "", wantsReceipts: receipts,
          file: FileInfo(name: name, size: size, mode: 0o644))))
    return hub.take(session)
  }

  private func upload(_ hub: HubHarness, _ session: SessionID, _ number: UInt64, _ bytes: [UInt8], from: Int = 0) {
    for start in stride(from: from, to: bytes.count, by: Chunk.size) {
      hub.put(session, at: Int64(start), Array(bytes[start..<min(bytes.count, start + Chunk.size)]))
    }
  }

  /// Offers, uploads and ends.
  private func send(_ hub: HubHarness, _ session: SessionID, _ number: UInt64, to: String, _ bytes: [UInt8]) -> Seq {
    _ = hub.take(session)
    guard case .sent(let sent)? = offer(hub, session, number, to: to, size: Int64(bytes.count)).first else { return 0 }
    hub.say(session, .upload(ref: 100, id: id(number)))
    upload(hub, session, number, bytes)
    hub.say(session, .finish(ref: 101, size: Int64(bytes.count), hash: hash(bytes)))
    return sent.seq
  }

  private func errors(_ frames: [HubFrame]) -> [String] {
    frames.compactMap { if case .error(let failure) = $0 { failure.code } else { nil } }
  }

  private func ends(_ frames: [HubFrame]) -> [TreeHash] {
    frames.compactMap { if case .end(_, let hash) = $0 { hash } else { nil } }
  }

  @Test("an offer reaches its audience at once, the completion when the hub has it all; the bytes come to who asks")
  func whole() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    let bytes = content()
    let seq = send(hub, alice, 1, to: "bob", bytes)
    let answers = hub.take(alice)
    #expect(answers.last == .ok(.init(ref: 101, seq: seq, hash: hash(bytes))))
    #expect(
      answers.contains(
        .ok(.init(ref: 100, seq: seq, more: true, offset: 0, hash: hash([])))))
    let events = hub.take(bob)
    guard case .file(let file)? = events.first, case .complete(let complete)? = events.last else {
      Issue.record("\(events)")
      return
    }
    #expect((file.id, file.seq, file.from, file.to) == (id(1), seq, "alice", ["bob"]))
    #expect((complete.id, complete.size, complete.hash) == (id(1), Int64(bytes.count), hash(bytes)))
    #expect(complete.seq > file.seq)

    hub.say(bob, .get(.init(ref: 7, file: .seq(seq))))
    #expect(hub.takePieces(bob).flatMap(\.bytes) == bytes)
    #expect(ends(hub.take(bob)) == [hash(bytes)])
    #expect(hub.violations == [])
  }

  @Test("a receiver follows while the upload runs, up to what is verified")
  func follows() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    let bytes = content()
    _ = offer(hub, alice, 1, to: "bob")
    hub.say(bob, .get(.init(ref: 1, file: .id(id(1)))))
    #expect(hub.takePieces(bob).isEmpty)
    hub.say(alice, .upload(ref: 2, id: id(1)))
    hub.put(alice, at: 0, Array(bytes.prefix(Chunk.size)))
    #expect(hub.takePieces(bob).map(\.chunk.offset) == [0])
    upload(hub, alice, 1, bytes, from: Chunk.size)
    #expect(hub.takePieces(bob).map(\.chunk.offset) == [Int64(Chunk.size), Int64(2 * Chunk.size)])
    #expect(ends(hub.take(bob)) == [])
    hub.say(alice, .finish(ref: 3, size: Int64(bytes.count), hash: hash(bytes)))
    #expect(ends(hub.take(bob)) == [hash(bytes)])
  }

  @Test("a receiver that doesn't take its bytes is given no more, and nobody else waits")
  func backpressure() {
    let hub = HubHarness()
    let (alice, bob, carol) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3))
    let bytes = content()
    let seq = send(hub, alice, 1, to: "@all", bytes)
    hub.setWritable(bob, false)
    hub.say(bob, .get(.init(ref: 1, file: .seq(seq))))
    hub.say(carol, .get(.init(ref: 1, file: .seq(seq))))
    #expect(hub.takePieces(bob).count == 1)
    #expect(hub.takePieces(carol).count == 3)
    hub.setWritable(bob, true)
    #expect(hub.takePieces(bob).count == 2)
  }

  @Test("an upload goes on from what was verified, also on another connection and after the hub was restarted")
  func resumed() {
    let hub = HubHarness()
    var alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    let bytes = content()
    _ = offer(hub, alice, 1, to: "bob")
    hub.say(alice, .upload(ref: 1, id: id(1)))
    hub.put(alice, at: 0, Array(bytes.prefix(Chunk.size)))
    hub.disconnect(alice)
    hub.restart()
    alice = hub.connect("alice", key: 1)
    let again = offer(hub, alice, 1, to: "bob")
    guard case .sent(let sent)? = again.first else {
      Issue.record("\(again)")
      return
    }
    #expect(sent.isDuplicate)
    #expect(sent.status == "offered")
    hub.say(alice, .upload(ref: 2, id: id(1)))
    #expect(
      hub.take(alice) == [
        .ok(.init(ref: 2, seq: sent.seq, more: true, offset: Int64(Chunk.size), hash: hash(bytes, Chunk.size)))
      ])
    upload(hub, alice, 1, bytes, from: Chunk.size)
    hub.say(alice, .finish(ref: 3, size: Int64(bytes.count), hash: hash(bytes)))
    #expect(hub.take(alice).last == .ok(.init(ref: 3, seq: sent.seq, hash: hash(bytes))))
    // Once more, as the same command would: there is nothing left to do.
    hub.say(alice, .upload(ref: 4, id: id(1)))
    #expect(hub.take(alice) == [.ok(.init(ref: 4, seq: sent.seq, offset: Int64(bytes.count), hash: hash(bytes)))])
  }

  @Test("a receiver goes on from what it has where that is the hub's too, and from the beginning where it isn't")
  func getsRest() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    let bytes = content()
    let seq = send(hub, alice, 1, to: "bob", bytes)
    let first = Int64(Chunk.size)
    hub.say(bob, .get(.init(ref: 1, file: .seq(seq), offset: first, hash: hash(bytes, Chunk.size))))
    #expect(hub.take(bob).contains(.ok(.init(ref: 1, seq: seq, offset: first))))
    #expect(hub.takePieces(bob).map(\.chunk.offset) == [first, 2 * first])
    hub.say(bob, .get(.init(ref: 2, file: .seq(seq), offset: first, hash: hash([1, 2, 3]))))
    #expect(hub.take(bob).contains(.ok(.init(ref: 2, seq: seq, offset: 0))))
    #expect(hub.takePieces(bob).map(\.chunk.offset) == [0, first, 2 * first])
  }

  @Test("a piece that is not what its header says is refused, and what came before stays")
  func corrupted() {
    let hub = HubHarness()
    var alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    let bytes = content()
    _ = offer(hub, alice, 1, to: "bob")
    hub.say(alice, .upload(ref: 1, id: id(1)))
    hub.put(alice, at: 0, Array(bytes.prefix(Chunk.size)))
    hub.spool.damagesNext = true
    hub.put(alice, at: Int64(Chunk.size), Array(bytes[Chunk.size..<2 * Chunk.size]))
    #expect(errors(hub.take(alice)) == ["hash_mismatch"])
    #expect(hub.isClosed(alice))
    alice = hub.connect("alice", key: 1)
    hub.say(alice, .upload(ref: 2, id: id(1)))
    guard case .ok(let ok)? = hub.take(alice).last else { return }
    #expect(ok.offset == Int64(Chunk.size))
  }

  @Test(
    "pieces out of their order, too long, too short or without an upload end the connection",
    arguments: [(1, Chunk.size), (0, 0), (0, 100), (3, Chunk.size)])
  func misplaced(_ start: Int, _ size: Int) {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    _ = offer(hub, alice, 1, to: "bob")
    if size > 0 { hub.say(alice, .upload(ref: 1, id: id(1))) }
    hub.put(alice, at: Int64(start * Chunk.size), Array(repeating: 1, count: max(1, size)))
    #expect(errors(hub.take(alice)) == ["bad_field"])
    #expect(hub.isClosed(alice))
  }

  @Test("only who offered a file may send its bytes, only whom it was offered to may get them")
  func rights() {
    let hub = HubHarness()
    let (alice, bob, eve) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("eve", key: 3))
    let bytes = content()
    let seq = send(hub, alice, 1, to: "bob", bytes)
    for key in [ClientFrame.FileKey.id(id(1)), .seq(seq)] {
      hub.say(eve, .get(.init(ref: 1, file: key)))
      #expect(errors(hub.take(eve)) == ["unknown_file"])
    }
    hub.say(eve, .upload(ref: 2, id: id(1)), .saved(ref: 3, seq: seq), .files(ref: 4))
    let answers = hub.take(eve)
    #expect(errors(answers) == ["unknown_file", "unknown_file"])
    #expect(answers.last == .ok(.init(ref: 4)))
    #expect(answers.count == 3)
    // Knowing the content gives nothing: the same bytes are offered to eve, and are sent again in full.
    _ = offer(hub, bob, 2, to: "eve", size: Int64(bytes.count))
    hub.say(bob, .upload(ref: 5, id: id(2)))
    guard case .ok(let ok)? = hub.take(bob).last else { return }
    #expect(ok.offset == 0)
  }

  @Test("a new user gets nothing that was offered to everybody before")
  func latecomer() {
    let hub = HubHarness()
    let alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    let seq = send(hub, alice, 1, to: "@all", content())
    let late = hub.connect("late", key: 9)
    hub.say(late, .get(.init(ref: 1, file: .seq(seq))))
    #expect(errors(hub.take(late)) == ["unknown_file"])
  }

  @Test("a receipt comes once the receiver has saved it, not when it has heard of it")
  func receipts() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob, holds: true)
    let bytes = content()
    guard case .sent(let sent)? = offer(hub, alice, 1, to: "bob", receipts: true).first else { return }
    #expect(sent.awaiting == ["bob"])
    #expect(sent.status == "offered")
    hub.say(alice, .upload(ref: 100, id: id(1)))
    upload(hub, alice, 1, bytes)
    hub.say(alice, .finish(ref: 101, size: Int64(bytes.count), hash: hash(bytes)))
    hub.say(bob, .ack(seq: sent.seq + 1))
    hub.advance(500)
    _ = hub.take(alice)
    hub.say(bob, .saved(ref: 3, seq: sent.seq))
    guard case .receipt(let receipt)? = hub.take(alice).first else {
      Issue.record("no receipt")
      return
    }
    #expect((receipt.id, receipt.nick) == (id(1), "bob"))
    #expect(hub.take(bob).last == .ok(.init(ref: 3, seq: sent.seq)))
    // Asked again, nobody is waited for.
    guard case .sent(let again)? = offer(hub, alice, 1, to: "bob", receipts: true).first else { return }
    #expect(again.awaiting == [])
    #expect(again.status == "stored")
  }

  @Test("the sender hears how far a receiver is, a few times a second")
  func progress() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    _ = offer(hub, alice, 1, to: "bob", receipts: true)
    let bytes = content()
    hub.say(alice, .upload(ref: 100, id: id(1)))
    upload(hub, alice, 1, bytes)
    hub.say(bob, .get(.init(ref: 1, file: .id(id(1)))))
    _ = hub.take(alice)
    hub.say(bob, .got(offset: Int64(Chunk.size)), .got(offset: Int64(2 * Chunk.size)))
    #expect(hub.take(alice) == [.progress(id: id(1), nick: "bob", bytes: Int64(Chunk.size))])
    hub.advance(300)
    hub.say(bob, .got(offset: .max))
    #expect(hub.take(alice) == [.progress(id: id(1), nick: "bob", bytes: Int64(bytes.count))])
  }

  @Test("what wasn't saved is listed, also to who comes later, until it is")
  func pending() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.disconnect(bob)
    let seq = send(hub, alice, 1, to: "bob", content())
    hub.restart()
    let again = hub.connect("bob", key: 2)
    hub.say(again, .files(ref: 1))
    guard case .file(let file)? = hub.take(again).first else {
      Issue.record("not listed")
      return
    }
    #expect((file.seq, file.ref, file.info.name) == (seq, 1, "a.bin"))
    _ = hub.take(again)
    hub.say(again, .saved(ref: 2, seq: seq))
    #expect(hub.take(again) == [.ok(.init(ref: 2, seq: seq))])
    hub.say(again, .files(ref: 4))
    #expect(hub.take(again) == [.ok(.init(ref: 4))])
  }

  @Test("a file goes a while after everybody has it, and one content is kept as long as a file has it")
  func discarded() {
    let hub = HubHarness()
    let (alice, bob, carol) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3))
    let bytes = content()
    let first = send(hub, alice, 1, to: "bob", bytes)
    let second = send(hub, alice, 2, to: "carol", bytes)
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
    #expect(errors(hub.take(carol)) == ["unknown_file"])
  }

  @Test("a file that everybody has goes also where the hub was restarted meanwhile")
  func discardedLater() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    let seq = send(hub, alice, 1, to: "bob", content())
    hub.say(bob, .saved(ref: 1, seq: seq))
    hub.restart()
    #expect(hub.hub.keptFiles.count == 1)
    hub.advance(61_000)
    #expect(hub.hub.keptFiles == [])
    #expect(hub.spool.blobs.isEmpty)
  }

  @Test("a user may have so many files with the hub and no more")
  func count() {
    let hub = HubHarness { $0.files.userCount = 2 }
    let alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    for number in [1, 2, 1] as [UInt64] { #expect(errors(offer(hub, alice, number, to: "bob")) == []) }
    #expect(errors(offer(hub, alice, 3, to: "bob")) == ["quota"])
  }

  @Test("a file that not everybody has goes with time, and who is at it is told")
  func expired() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    _ = offer(hub, alice, 1, to: "bob")
    hub.say(alice, .upload(ref: 1, id: id(1)))
    hub.put(alice, at: 0, Array(content().prefix(Chunk.size)))
    hub.receive(.expire(before: hub.now))
    #expect(hub.hub.keptFiles.count == 1)
    hub.advance(1_000)
    hub.receive(.expire(before: hub.now))
    hub.advance(1)
    #expect(hub.hub.keptFiles == [])
    #expect(errors(hub.take(alice)) == ["file_gone"])
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
    #expect(errors(offer(hub, alice, 1, to: "bob", size: 5_000_001)) == ["file_too_large"])
    #expect(errors(offer(hub, alice, 2, to: "bob", size: 4_000_000)) == [])
    #expect(errors(offer(hub, alice, 3, to: "bob", size: 2_000_001)) == ["quota"])
    // The retry of what was taken is taken.
    #expect(errors(offer(hub, alice, 2, to: "bob", size: 4_000_000)) == [])
    #expect(errors(offer(hub, bob, 4, to: "alice", size: 4_000_001)) == ["quota"])
    hub.spool.free = 6_000_000
    // 4 of the 5 million that may be used are promised.
    #expect(errors(offer(hub, bob, 5, to: "alice", size: 1_000_001)) == ["no_space"])
    #expect(errors(offer(hub, bob, 6, to: "alice", size: 1_000_000)) == [])
  }

  @Test("a pipe that grows beyond what is taken is ended, a full disk keeps what came")
  func grows() {
    let hub = HubHarness { $0.files.file = Int64(Chunk.size) }
    let alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    _ = offer(hub, alice, 1, to: "bob", size: nil)
    hub.say(alice, .upload(ref: 1, id: id(1)))
    hub.put(alice, at: 0, Array(repeating: 1, count: Chunk.size))
    hub.put(alice, at: Int64(Chunk.size), [1])
    #expect(errors(hub.take(alice)) == ["file_too_large"])

    let again = hub.connect("alice", key: 1)
    _ = offer(hub, again, 2, to: "bob", size: Int64(Chunk.size))
    hub.spool.free = 10
    hub.say(again, .upload(ref: 1, id: id(2)))
    hub.put(again, at: 0, Array(repeating: 1, count: Chunk.size))
    #expect(errors(hub.take(again)) == ["no_space"])
  }

  @Test("the newer of two connections that send one file goes on, the older is told")
  func replaced() {
    let hub = HubHarness()
    let (old, new) = (hub.connect("alice", key: 1), hub.connect("alice", key: 1))
    _ = hub.connect("bob", key: 2)
    _ = offer(hub, old, 1, to: "bob")
    hub.holdsSpool = true
    hub.say(old, .upload(ref: 1, id: id(1)))
    hub.say(new, .upload(ref: 2, id: id(1)))
    #expect(errors(hub.take(old)) == ["replaced"])
    hub.answerSpool()
    guard case .ok(let ok)? = hub.take(new).first else {
      Issue.record("not answered")
      return
    }
    #expect((ok.ref, ok.offset, ok.more) == (2, 0, true))
    #expect(hub.violations == [])
  }

  @Test("a message keeps its way while files move; history and unread have both")
  func mixed() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.post(alice, 50, to: "bob")
    _ = send(hub, alice, 1, to: "bob", content())
    hub.post(alice, 51, to: "bob")
    hub.disconnect(bob)
    hub.restart()
    let again = hub.connect("bob", key: 2)
    hub.say(again, .history(.init(ref: 1, target: "alice")))
    let kinds = hub.take(again).map { frame in
      switch frame {
      case .message: "message"
      case .file: "file"
      case .complete: "complete"
      default: "other"
      }
    }
    #expect(kinds == ["message", "file", "complete", "message", "other"])
    hub.say(again, .listen(.init(ref: 2, after: .unread)))
    #expect(hub.take(again).count == 5)
  }
}
