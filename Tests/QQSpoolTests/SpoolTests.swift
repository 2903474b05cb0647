import Glibc
import QQHub
import QQProtocol
import QQSpool
import QQTestSupport
import Synchronization
import Testing

@Suite("the spool", .timeLimit(.minutes(10)))
struct SpoolTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/spool" }

  init() throws {
    folder = try TemporaryFolder()
  }

  /// A spool whose answers can be waited for.
  private final class Probe: Sendable {
    let spool: Spool
    private let answers: AsyncStream<SpoolAnswer>
    let problems = Mutex<[String]>([])

    init(_ path: String, kept: [KeptFile] = []) throws {
      let (answers, continuation) = AsyncStream.makeStream(of: SpoolAnswer.self)
      self.answers = answers
      spool = try Spool(path) { _ in }
      spool.start(kept) { continuation.yield($0) }
    }

    func ask(_ request: SpoolRequest) async -> SpoolAnswer? {
      spool.request(request)
      return await next()
    }

    func next() async -> SpoolAnswer? { await answers.first { _ in true } }
  }

  private let content = SplitMix64.bytes(Chunk.size * 5 / 2)

  private func chunks(_ bytes: [UInt8]) -> [(chunk: Chunk, bytes: [UInt8])] {
    stride(from: 0, to: bytes.count, by: Chunk.size).map { start in
      let part = Array(bytes[start..<min(bytes.count, start + Chunk.size)])
      return (Chunk(offset: Int64(start), size: part.count, hash: Digest(of: part)), part)
    }
  }

  private func write(_ probe: Probe, _ seq: Int64, _ bytes: [UInt8], from: Int = 0) async {
    for (chunk, part) in chunks(bytes).dropFirst(from) {
      #expect(
        await probe.ask(.write(seq, session: 9, chunk, part)) == .written(seq, session: 9, end: chunk.end))
    }
  }

  private func names(_ folder: String) -> [String] { self.folder.names("spool/\(folder)") }

  /// Changes a byte of a file where it lies.
  private func damage(_ name: String, at offset: Int) {
    let file = open("\(path)/\(name)", O_RDWR)
    var byte: UInt8 = 0
    pread(file, &byte, 1, offset)
    byte ^= 0xff
    pwrite(file, &byte, 1, offset)
    close(file)
  }

  @Test("what was written is read back, before it is whole and after")
  func roundTrip() async throws {
    let probe = try Probe(path)
    #expect(await probe.ask(.open(7)) == .opened(7, size: 0, hash: TreeHasher().hash))
    await write(probe, 7, content)
    let all = chunks(content)
    let part = KeptFile(seq: 7, hash: nil)
    #expect(
      await probe.ask(.read(part, session: 1, offset: Int64(Chunk.size), size: Chunk.size))
        == .read(7, session: 1, all[1].chunk, all[1].bytes))
    let whole = HubHarness.hash(content)
    #expect(
      await probe.ask(.finish(7, session: 9, ref: 3, size: Int64(content.count), whole))
        == .finished(7, session: 9, ref: 3, size: Int64(content.count), whole))
    probe.spool.request(.keep(7, whole))
    let kept = KeptFile(seq: 7, hash: whole)
    #expect(
      await probe.ask(.read(kept, session: 1, offset: Int64(2 * Chunk.size), size: Chunk.size / 2))
        == .read(7, session: 1, all[2].chunk, all[2].bytes))
    #expect(
      await probe.ask(
        .check(kept, session: 1, offset: Int64(Chunk.size), HubHarness.hash(Array(content.prefix(Chunk.size)))))
        == .checked(7, session: 1, offset: Int64(Chunk.size), isSame: true))
    #expect(
      await probe.ask(.check(kept, session: 1, offset: Int64(Chunk.size), whole))
        == .checked(7, session: 1, offset: Int64(Chunk.size), isSame: false))
    #expect(names("uploads") == [])
    #expect(names("blobs") == ["\(whole.digest)", "\(whole.digest).sums"])
    probe.spool.request(.remove(7, whole))
    #expect(await probe.ask(.measure(token: 1)) != nil)
    await probe.spool.stop()
    #expect(names("blobs") == [])
  }

  @Test("after a restart only chunks whose hashes are right count, whatever the files' sizes say")
  func reopened() async throws {
    var probe = try Probe(path)
    await write(probe, 7, content)
    await probe.spool.stop()
    let part = [KeptFile(seq: 7, hash: nil)]

    probe = try Probe(path, kept: part)
    #expect(
      await probe.ask(.open(7)) == .opened(7, size: Int64(content.count), hash: HubHarness.hash(content)))
    await probe.spool.stop()

    damage("uploads/7.part", at: Chunk.size + 5)
    probe = try Probe(path, kept: part)
    let one = Int64(Chunk.size)
    #expect(
      await probe.ask(.open(7)) == .opened(7, size: one, hash: HubHarness.hash(Array(content.prefix(Chunk.size)))))
    // From there it goes on to its end.
    await write(probe, 7, content, from: 1)
    #expect(
      await probe.ask(.finish(7, session: 9, ref: nil, size: Int64(content.count), HubHarness.hash(content)))
        == .finished(7, session: 9, ref: nil, size: Int64(content.count), HubHarness.hash(content)))
    await probe.spool.stop()

    damage("uploads/7.sums", at: 3)
    probe = try Probe(path, kept: part)
    #expect(await probe.ask(.open(7)) == .opened(7, size: 0, hash: TreeHasher().hash))
    await probe.spool.stop()
  }

  @Test("a crash between the record and the rename is made good at the start; what nobody keeps goes")
  func tidied() async throws {
    var probe = try Probe(path)
    await write(probe, 7, content)
    await write(probe, 8, Array(content.prefix(5)))
    await probe.spool.stop()
    let whole = KeptFile(seq: 7, hash: HubHarness.hash(content))
    probe = try Probe(path, kept: [whole])
    #expect(names("uploads") == [])
    #expect(names("blobs") == ["\(HubHarness.hash(content).digest)", "\(HubHarness.hash(content).digest).sums"])
    let first = chunks(content)[0]
    #expect(
      await probe.ask(.read(whole, session: 1, offset: 0, size: Chunk.size))
        == .read(7, session: 1, first.chunk, first.bytes))
    await probe.spool.stop()
    probe = try Probe(path)
    #expect(names("blobs") == [])
    await probe.spool.stop()
  }

  @Test("a crash in the middle of keeping, or a file that is damaged, loses nothing at the next start")
  func halfKept() async throws {
    var probe = try Probe(path)
    await write(probe, 7, content)
    await write(probe, 8, Array(content.prefix(5)))
    await probe.spool.stop()
    let whole = KeptFile(seq: 7, hash: HubHarness.hash(content))
    rename("\(path)/uploads/7.sums", "\(path)/blobs/\(whole.hash!.digest).sums")
    // Its hash isn't that of the journal: it stays where it is.
    let other = KeptFile(seq: 8, hash: HubHarness.hash([9]))
    unlink("\(path)/uploads/8.sums")
    probe = try Probe(path, kept: [whole, other])
    #expect(names("uploads") == ["8.part"])
    let last = chunks(content)[2]
    #expect(
      await probe.ask(.read(whole, session: 1, offset: last.chunk.offset, size: last.chunk.size))
        == .read(7, session: 1, last.chunk, last.bytes))
    await probe.spool.stop()
  }

  @Test("what was forgotten of many files is read again, and nothing is cut")
  func forgotten() async throws {
    let probe = try Probe(path)
    await write(probe, 7, content)
    for seq in 1_000..<1_300 as Range<Int64> { _ = await probe.ask(.open(seq)) }
    let last = chunks(content)[2]
    #expect(
      await probe.ask(
        .read(KeptFile(seq: 7, hash: nil), session: 1, offset: last.chunk.offset, size: last.chunk.size))
        == .read(7, session: 1, last.chunk, last.bytes))
    #expect(
      await probe.ask(
        .read(
          KeptFile(seq: 7, hash: HubHarness.hash(content)), session: 1, offset: last.chunk.offset, size: last.chunk.size
        ))
        == .read(7, session: 1, last.chunk, last.bytes))
    for seq in 1_000..<1_300 as Range<Int64> { _ = await probe.ask(.open(seq)) }
    let whole = HubHarness.hash(content)
    #expect(
      await probe.ask(.finish(7, session: 9, ref: nil, size: Int64(content.count), whole))
        == .finished(7, session: 9, ref: nil, size: Int64(content.count), whole))
    await probe.spool.stop()
  }

  @Test("what is removed while it is written is gone when all is done")
  func removed() async throws {
    let probe = try Probe(path)
    for (chunk, part) in chunks(content) { probe.spool.request(.write(7, session: 9, chunk, part)) }
    probe.spool.request(.remove(7, nil))
    for _ in chunks(content) { _ = await probe.next() }
    await probe.spool.stop()
    #expect(names("uploads") == [])
  }

  @Test("one content is kept once")
  func shared() async throws {
    let probe = try Probe(path)
    for seq in [7, 8] as [Int64] {
      await write(probe, seq, content)
      probe.spool.request(.keep(seq, HubHarness.hash(content)))
    }
    let first = chunks(content)[0]
    for seq in [7, 8] as [Int64] {
      #expect(
        await probe.ask(
          .read(KeptFile(seq: seq, hash: HubHarness.hash(content)), session: 1, offset: 0, size: Chunk.size))
          == .read(seq, session: 1, first.chunk, first.bytes))
    }
    #expect(names("blobs").count == 2)
    #expect(names("uploads") == [])
    await probe.spool.stop()
  }

  @Test("while a copy is made nothing is removed; content that is wanted again meanwhile stays also afterwards")
  func copied() async throws {
    let probe = try Probe(path)
    var hashes: [TreeHash] = []
    for (seq, bytes) in [(Int64(1), content), (2, Array(content.prefix(9)))] {
      await write(probe, seq, bytes)
      let hash = HubHarness.hash(bytes)
      hashes.append(hash)
      _ = await probe.ask(.finish(seq, session: 9, ref: nil, size: Int64(bytes.count), hash))
      probe.spool.request(.keep(seq, hash))
    }
    probe.spool.holdRemovals()
    for (seq, hash) in zip([Int64(1), 2], hashes) { probe.spool.request(.remove(seq, hash)) }
    // The first content again, under another number.
    await write(probe, 3, content)
    _ = await probe.ask(.finish(3, session: 9, ref: nil, size: Int64(content.count), hashes[0]))
    probe.spool.request(.keep(3, hashes[0]))
    let copy = folder.path + "/copy"
    let outcome = await withCheckedContinuation { done in
      probe.spool.copyContents(to: copy) { done.resume(returning: $0) }
    }
    let (files, bytes) = try outcome.get()
    #expect(files == 2)
    #expect(bytes > Int64(content.count + 9))
    #expect(folder.names("copy").count == 4)
    #expect(names("blobs").count == 4)
    probe.spool.releaseRemovals()
    await probe.spool.stop()
    #expect(names("blobs").sorted() == ["\(hashes[0].digest)", "\(hashes[0].digest).sums"])
    #expect(folder.names("copy").count == 4)
  }

  @Test("what isn't what it says is refused, and what was there before stays")
  func mismatches() async throws {
    let probe = try Probe(path)
    let all = chunks(content)
    #expect(
      await probe.ask(.write(7, session: 9, all[0].chunk, all[1].bytes))
        == .failed(7, session: 9, ref: nil, .mismatch))
    #expect(
      await probe.ask(.write(7, session: 9, all[1].chunk, all[1].bytes))
        == .failed(7, session: 9, ref: nil, .mismatch))
    await write(probe, 7, content)
    #expect(
      await probe.ask(.finish(7, session: 9, ref: 4, size: 5, HubHarness.hash(content)))
        == .failed(7, session: 9, ref: 4, .mismatch))
    #expect(
      await probe.ask(.finish(7, session: 9, ref: 4, size: Int64(content.count), HubHarness.hash([])))
        == .failed(7, session: 9, ref: 4, .mismatch))
    #expect(await probe.ask(.open(7)) == .opened(7, size: Int64(content.count), hash: HubHarness.hash(content)))
    await probe.spool.stop()
  }

  @Test("no piece is taken that would leave the disk less than its reserve")
  func reserve() async throws {
    let (answers, continuation) = AsyncStream.makeStream(of: SpoolAnswer.self)
    let spool = try Spool(path, reserve: .max / 2) { _ in }
    spool.start([]) { continuation.yield($0) }
    let (chunk, bytes) = chunks(content)[0]
    spool.request(.write(7, session: 9, chunk, bytes))
    #expect(await answers.first { _ in true } == .failed(7, session: 9, ref: nil, .noSpace))
    await spool.stop()
  }

  @Test("an empty file is a file")
  func empty() async throws {
    let probe = try Probe(path)
    let nothing = TreeHasher().hash
    #expect(await probe.ask(.open(7)) == .opened(7, size: 0, hash: nothing))
    #expect(
      await probe.ask(.finish(7, session: 9, ref: 4, size: 0, nothing))
        == .finished(7, session: 9, ref: 4, size: 0, nothing))
    probe.spool.request(.keep(7, nothing))
    #expect(
      await probe.ask(.check(KeptFile(seq: 7, hash: nothing), session: 1, offset: 0, nothing))
        == .checked(7, session: 1, offset: 0, isSame: true))
    await probe.spool.stop()
  }

  @Test("the folder of a hub that keeps nothing goes with it, and one that a crash left behind with the next")
  func ephemeral() async throws {
    try folder.makeDirectory("ephemeral-999999999")
    try folder.makeDirectory("ephemeral-1")
    let place = EphemeralFolder(in: folder.path)
    let probe = try Probe(place.path)
    await write(probe, 7, content)
    await probe.spool.stop()
    place.remove()
    var status = stat()
    #expect(stat(place.path, &status) != 0)
    #expect(stat(folder.path + "/ephemeral-999999999", &status) != 0)
    // Of a process that lives.
    #expect(stat(folder.path + "/ephemeral-1", &status) == 0)
  }
}
