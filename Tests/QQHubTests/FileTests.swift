import QQHub
import QQJournal
import QQProtocol
import QQTestSupport
import Testing

@Suite("files on their way")
struct FileTests {
  @Test("an offer reaches its audience at once, the completion when the hub has it all; the bytes come to who asks")
  func whole() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    hub.listen(bob)
    let bytes = HubHarness.content()
    let seq = hub.sendFile(alice, 1, to: "bob", bytes)
    let answers = hub.take(alice)
    #expect(answers.last == .ok(.init(ref: 101, seq: seq, hash: HubHarness.hash(bytes))))
    #expect(
      answers.contains(
        .ok(.init(ref: 100, seq: seq, more: true, offset: 0, hash: HubHarness.hash([])))))
    let events = hub.take(bob)
    guard case .file(let file)? = events.first, case .complete(let complete)? = events.last else {
      Issue.record("\(events)")
      return
    }
    #expect((file.id, file.seq, file.from, file.to) == (HubHarness.fileID(1), seq, "alice", ["bob"]))
    #expect(
      (complete.id, complete.size, complete.hash) == (HubHarness.fileID(1), Int64(bytes.count), HubHarness.hash(bytes)))
    #expect(complete.seq > file.seq)

    hub.say(bob, .get(.init(ref: 7, file: .seq(seq))))
    #expect(hub.takePieces(bob).flatMap(\.bytes) == bytes)
    #expect(hub.take(bob).endHashes == [HubHarness.hash(bytes)])
    #expect(hub.violations == [])
  }

  @Test("a receiver follows while the upload runs, up to what is verified")
  func follows() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    let bytes = HubHarness.content()
    _ = hub.offer(alice, 1, to: "bob")
    hub.say(bob, .get(.init(ref: 1, file: .id(HubHarness.fileID(1)))))
    #expect(hub.takePieces(bob).isEmpty)
    hub.say(alice, .upload(ref: 2, id: HubHarness.fileID(1)))
    hub.put(alice, at: 0, Array(bytes.prefix(Chunk.size)))
    #expect(hub.takePieces(bob).map(\.chunk.offset) == [0])
    hub.upload(alice, bytes, from: Chunk.size)
    #expect(hub.takePieces(bob).map(\.chunk.offset) == [Int64(Chunk.size), Int64(2 * Chunk.size)])
    #expect(hub.take(bob).endHashes == [])
    hub.say(alice, .finish(ref: 3, size: Int64(bytes.count), hash: HubHarness.hash(bytes)))
    #expect(hub.take(bob).endHashes == [HubHarness.hash(bytes)])
  }

  @Test("a receiver that doesn't take its bytes is given no more, and nobody else waits")
  func backpressure() {
    let hub = HubHarness()
    let (alice, bob, carol) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2), hub.connect("carol", key: 3))
    let bytes = HubHarness.content()
    let seq = hub.sendFile(alice, 1, to: "@all", bytes)
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
    let bytes = HubHarness.content()
    _ = hub.offer(alice, 1, to: "bob")
    hub.say(alice, .upload(ref: 1, id: HubHarness.fileID(1)))
    hub.put(alice, at: 0, Array(bytes.prefix(Chunk.size)))
    hub.disconnect(alice)
    hub.restart()
    alice = hub.connect("alice", key: 1)
    let again = hub.offer(alice, 1, to: "bob")
    guard case .sent(let sent)? = again.first else {
      Issue.record("\(again)")
      return
    }
    #expect(sent.isDuplicate)
    #expect(sent.status == "offered")
    hub.say(alice, .upload(ref: 2, id: HubHarness.fileID(1)))
    #expect(
      hub.take(alice) == [
        .ok(
          .init(ref: 2, seq: sent.seq, more: true, offset: Int64(Chunk.size), hash: HubHarness.hash(bytes, Chunk.size)))
      ])
    hub.upload(alice, bytes, from: Chunk.size)
    hub.say(alice, .finish(ref: 3, size: Int64(bytes.count), hash: HubHarness.hash(bytes)))
    #expect(hub.take(alice).last == .ok(.init(ref: 3, seq: sent.seq, hash: HubHarness.hash(bytes))))
    // Once more, as the same command would: there is nothing left to do.
    hub.say(alice, .upload(ref: 4, id: HubHarness.fileID(1)))
    #expect(
      hub.take(alice) == [.ok(.init(ref: 4, seq: sent.seq, offset: Int64(bytes.count), hash: HubHarness.hash(bytes)))])
  }

  @Test("a receiver goes on from what it has where that is the hub's too, and from the beginning where it isn't")
  func getsRest() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    let bytes = HubHarness.content()
    let seq = hub.sendFile(alice, 1, to: "bob", bytes)
    let first = Int64(Chunk.size)
    hub.say(bob, .get(.init(ref: 1, file: .seq(seq), offset: first, hash: HubHarness.hash(bytes, Chunk.size))))
    #expect(hub.take(bob).contains(.ok(.init(ref: 1, seq: seq, offset: first))))
    #expect(hub.takePieces(bob).map(\.chunk.offset) == [first, 2 * first])
    hub.say(bob, .get(.init(ref: 2, file: .seq(seq), offset: first, hash: HubHarness.hash([1, 2, 3]))))
    #expect(hub.take(bob).contains(.ok(.init(ref: 2, seq: seq, offset: 0))))
    #expect(hub.takePieces(bob).map(\.chunk.offset) == [0, first, 2 * first])
  }

  @Test("a piece that is not what its header says is refused, and what came before stays")
  func corrupted() {
    let hub = HubHarness()
    var alice = hub.connect("alice", key: 1)
    _ = hub.connect("bob", key: 2)
    let bytes = HubHarness.content()
    _ = hub.offer(alice, 1, to: "bob")
    hub.say(alice, .upload(ref: 1, id: HubHarness.fileID(1)))
    hub.put(alice, at: 0, Array(bytes.prefix(Chunk.size)))
    hub.spool.damagesNext = true
    hub.put(alice, at: Int64(Chunk.size), Array(bytes[Chunk.size..<2 * Chunk.size]))
    #expect(hub.take(alice).errorCodes == ["hash_mismatch"])
    #expect(hub.isClosed(alice))
    alice = hub.connect("alice", key: 1)
    hub.say(alice, .upload(ref: 2, id: HubHarness.fileID(1)))
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
    _ = hub.offer(alice, 1, to: "bob")
    if size > 0 { hub.say(alice, .upload(ref: 1, id: HubHarness.fileID(1))) }
    hub.put(alice, at: Int64(start * Chunk.size), Array(repeating: 1, count: max(1, size)))
    #expect(hub.take(alice).errorCodes == ["bad_field"])
    #expect(hub.isClosed(alice))
  }

  @Test("the sender hears how far a receiver is, a few times a second")
  func progress() {
    let hub = HubHarness()
    let (alice, bob) = (hub.connect("alice", key: 1), hub.connect("bob", key: 2))
    _ = hub.offer(alice, 1, to: "bob", receipts: true)
    let bytes = HubHarness.content()
    hub.say(alice, .upload(ref: 100, id: HubHarness.fileID(1)))
    hub.upload(alice, bytes)
    hub.say(bob, .get(.init(ref: 1, file: .id(HubHarness.fileID(1)))))
    _ = hub.take(alice)
    hub.say(bob, .got(offset: Int64(Chunk.size)), .got(offset: Int64(2 * Chunk.size)))
    #expect(hub.take(alice) == [.progress(id: HubHarness.fileID(1), nick: "bob", bytes: Int64(Chunk.size))])
    hub.advance(300)
    hub.say(bob, .got(offset: .max))
    #expect(hub.take(alice) == [.progress(id: HubHarness.fileID(1), nick: "bob", bytes: Int64(bytes.count))])
  }

  @Test("the newer of two connections that send one file goes on, the older is told")
  func replaced() {
    let hub = HubHarness()
    let (old, new) = (hub.connect("alice", key: 1), hub.connect("alice", key: 1))
    _ = hub.connect("bob", key: 2)
    _ = hub.offer(old, 1, to: "bob")
    hub.holdsSpool = true
    hub.say(old, .upload(ref: 1, id: HubHarness.fileID(1)))
    hub.say(new, .upload(ref: 2, id: HubHarness.fileID(1)))
    #expect(hub.take(old).errorCodes == ["replaced"])
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
    _ = hub.sendFile(alice, 1, to: "bob", HubHarness.content())
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
