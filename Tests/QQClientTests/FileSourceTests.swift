import Glibc
import QQProtocol
import QQTestSupport
import Testing

@testable import QQClient

@Suite("reading what is sent") struct FileSourceTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/in" }
  private let id = MessageID(high: 1, low: 2)
  private let content = SplitMix64.bytes(Chunk.size * 5 / 2)

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeDirectory("in")
  }

  private func kind(_ body: () throws -> Void) -> FileError.Kind? {
    do {
      try body()
      return nil
    } catch {
      return (error as? FileError)?.kind
    }
  }

  @Test("a source reads what a sink can write: a tree there and back is the same")
  func thereAndBack() throws {
    try folder.makeDirectory("tree")
    try folder.makeDirectory("tree/sub")
    try folder.makeDirectory("tree/sub/空")
    try folder.write("hello", to: "tree/a.txt")
    try folder.write(String(repeating: "x", count: 3 << 20), to: "tree/sub/big")
    try folder.write("", to: "tree/sub/nothing")
    symlink("sub/big", folder.path + "/tree/link")
    symlink("/etc/passwd", folder.path + "/tree/out")
    chmod(folder.path + "/tree/a.txt", 0o700)

    var plain = try FileSource(path: folder.path + "/tree", name: nil, links: false)
    #expect(plain.skipped.count == 2)
    var source = try FileSource(path: folder.path + "/tree/", name: nil, links: true)
    #expect(source.skipped.count == 1)
    #expect(source.info.name == "tree")
    var sink = try FileSink(folder: path, name: nil, source.info, id: id, seq: 1)
    while let (chunk, bytes) = try source.next() { try sink.write(chunk, bytes) }
    #expect(try sink.finish(source.hasher.hash) == "\(path)/tree")
    unlink(folder.path + "/tree/out")
    var before = try FileSource(path: folder.path + "/tree", name: nil, links: true)
    var after = try FileSource(path: path + "/tree", name: nil, links: true)
    while try before.next() != nil {}
    while try after.next() != nil {}
    #expect(before.hasher.hash == after.hasher.hash)
    // The same once more is there already.
    var again = try FileSink(folder: path, name: nil, source.info, id: id, seq: 2)
    var second = try FileSource(path: folder.path + "/tree", name: nil, links: true)
    while let (chunk, bytes) = try second.next() { try again.write(chunk, bytes) }
    #expect(try again.finish(second.hasher.hash) == "\(path)/tree")
    while try plain.next() != nil {}
    #expect(plain.hasher.hash != before.hasher.hash)
  }

  @Test("a source that changes while it is sent is an error, as is one that isn't what the hub has")
  func changed() throws {
    try folder.write(String(repeating: "x", count: 3 << 20), to: "big")
    var source = try FileSource(path: folder.path + "/big", name: nil, links: false)
    _ = try source.next()
    try folder.write(String(repeating: "y", count: 1 << 20), to: "big")
    #expect(kind { while try source.next() != nil {} } == .changed)

    try folder.write(String(repeating: "x", count: 3 << 20), to: "big")
    var second = try FileSource(path: folder.path + "/big", name: nil, links: false)
    let right = HubHarness.hash([UInt8](repeating: UInt8(ascii: "x"), count: Chunk.size))
    try second.resume(at: Int64(Chunk.size), right)
    #expect(second.hasher.length == Int64(Chunk.size))
    #expect(kind { try second.resume(at: Int64(2 * Chunk.size), right) } == .changed)
  }

  @Test("what can't be sent is told with its path")
  func unsendable() throws {
    #expect(kind { _ = try FileSource(path: folder.path + "/nosuch", name: nil, links: false) } == .input)
    mkfifo(folder.path + "/fifo", 0o600)
    #expect(kind { _ = try FileSource(path: folder.path + "/fifo", name: nil, links: false) } == .input)
    try folder.makeDirectory("bad")
    let name: [CChar] = Array("\(folder.path)/bad/".utf8CString.dropLast()) + [-1, -2, 0]
    let file = open(name, O_WRONLY | O_CREAT, 0o600)
    #expect(file >= 0)
    close(file)
    #expect(kind { _ = try FileSource(path: folder.path + "/bad", name: nil, links: false) } == .data)
  }

  @Test("a pipe can be gone back in only as far as the hub hasn't confirmed")
  func pipe() throws {
    var ends: [Int32] = [0, 0]
    #expect(Glibc.pipe(&ends) == 0)
    let (input, output) = (ends[0], ends[1])
    let content = content
    let writer = try startThread {
      var rest = content[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
        if count <= 0 { break }
        rest = rest.dropFirst(count)
      }
      close(output)
    }
    var source = FileSource(pipe: input, name: "p")
    var read: [[UInt8]] = []
    while let (_, bytes) = try source.next() { read.append(bytes) }
    #expect(read.flatMap { $0 } == content)
    try source.resume(at: Int64(Chunk.size), HubHarness.hash(Array(content.prefix(Chunk.size))))
    #expect(try source.next()?.bytes == read[1])
    source.release(before: Int64(2 * Chunk.size))
    #expect(kind { try source.resume(at: 0, TreeHasher().hash) } == .changed)
    pthread_join(writer, nil)
    close(input)
  }
}

private func startThread(_ body: @escaping @Sendable () -> Void) throws -> pthread_t {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let status = pthread_create(
    &thread, nil,
    { raw in
      if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  try #require(status == 0)
  return thread
}
