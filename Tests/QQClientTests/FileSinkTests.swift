import Glibc
import QQProtocol
import QQTestSupport
import Testing

@testable import QQClient

/// The real receiver, on a real disk.
@Suite("saving a file") struct FileSinkTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/in" }
  private let id = MessageID(high: 1, low: 2)

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeDirectory("in")
    try folder.write("secret", to: "outside")
  }

  private func chunks(_ bytes: [UInt8]) -> [(chunk: Chunk, bytes: [UInt8])] {
    stride(from: 0, to: bytes.count, by: Chunk.size).map { start in
      let part = Array(bytes[start..<min(bytes.count, start + Chunk.size)])
      return (Chunk(offset: Int64(start), size: part.count, hash: Digest(of: part)), part)
    }
  }

  private func sink(_ info: FileInfo, name: String? = nil, seq: Int64 = 1) throws -> FileSink {
    try FileSink(folder: path, name: name, info, id: id, seq: seq)
  }

  @discardableResult
  private func save(_ info: FileInfo, _ bytes: [UInt8], name: String? = nil, seq: Int64 = 1) throws -> String? {
    var sink = try sink(info, name: name, seq: seq)
    let start = Int(sink.hasher.length) / Chunk.size
    for (chunk, part) in chunks(bytes).dropFirst(start) { try sink.write(chunk, part) }
    return try sink.finish(HubHarness.hash(bytes))
  }

  private func info(_ name: String, _ bytes: [UInt8], mode: Int64 = 0o644) -> FileInfo {
    FileInfo(name: name, size: Int64(bytes.count), mode: mode, modified: Timestamp(milliseconds: 1_000_000_123_000))
  }

  /// A folder as it is sent.
  private func stream(_ entries: [Manifest.Entry], _ contents: [UInt8] = []) -> (info: FileInfo, bytes: [UInt8]) {
    let manifest = Manifest(entries: entries).bytes
    let bytes = manifest + contents
    return (
      FileInfo(name: "folder", size: Int64(bytes.count), manifest: Int64(manifest.count), mode: 0o755), bytes
    )
  }

  /// In the folder where files are saved, or below it.
  private func saved(_ below: String = "") -> [String] { folder.names("in" + below) }

  private func status(_ name: String) -> stat {
    var status = stat()
    lstat("\(path)/\(name)", &status)
    return status
  }

  private func read(_ name: String) throws -> [UInt8] {
    let file = try OpenFile.open("\(path)/\(name)", O_RDONLY, as: .input)
    return try file.read(Int(try file.status().st_size), at: 0)
  }

  private func kind(_ body: () throws -> Void) -> FileError.Kind? {
    do {
      try body()
      return nil
    } catch {
      return (error as? FileError)?.kind
    }
  }

  private let content = SplitMix64.bytes(Chunk.size * 5 / 2)

  @Test("a file has its name, content, mode and time once it is whole, and nothing is left beside it")
  func whole() throws {
    #expect(try save(info("a.bin", content, mode: 0o750), content) == "\(path)/a.bin")
    #expect(try read("a.bin") == content)
    #expect(status("a.bin").st_mode & 0o777 == 0o750)
    #expect(status("a.bin").modified == 1_000_000_123_000)
    #expect(try save(info("空", []), []) == "\(path)/空")
    #expect(saved() == ["a.bin", "空"])
  }

  @Test("what is there is never replaced: another name is found, or none is needed where it is the same")
  func collisions() throws {
    try save(info("a.txt", [1]), [1])
    #expect(try save(info("a.txt", [2]), [2], seq: 2) == "\(path)/a (1).txt")
    #expect(try save(info("a.txt", [3]), [3], seq: 3) == "\(path)/a (2).txt")
    #expect(try save(info("a.txt", [2]), [2], seq: 4) == "\(path)/a (1).txt")
    #expect(try read("a.txt") == [1])
    #expect(saved() == ["a (1).txt", "a (2).txt", "a.txt"])
    #expect(kind { try save(info("b", [1]), [1], name: "a.txt", seq: 5) } == .output)
    // A link under the name is not followed, and not replaced either.
    symlink(folder.path + "/outside", path + "/link")
    #expect(try save(info("link", [9]), [9], seq: 6) == "\(path)/link (1)")
    #expect(kind { try save(info("x", [9]), [9], name: "link", seq: 7) } == .output)
    // A folder under the name of a file, and the other way round.
    try folder.makeDirectory("in/dir")
    #expect(try save(info("dir", [9]), [9], seq: 8) == "\(path)/dir (1)")
    var (offered, bytes) = stream([.init(path: "f", kind: .file(size: 1))], [7])
    offered.name = "a.txt"
    #expect(try save(offered, bytes, seq: 9) == "\(path)/a (3).txt")
    #expect(try read("a (3).txt/f") == [7])
  }

  @Test("a name that isn't safe is refused before a byte is written", arguments: FileSinkTests.hostile)
  func hostileNames(_ name: String) throws {
    #expect(kind { _ = try sink(info(name, [1])) } == .data)
    #expect(saved() == [])
    // This user may call it what the user likes.
    #expect(try save(info(name, [1]), [1], name: "mine") == "\(path)/mine")
  }

  private static let hostile = [
    "", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "a\nb", "\u{1b}]0;x\u{7}", "a\u{202e}b", ".bashrc", "-rf",
    "CON",
    "nul.txt", String(repeating: "x", count: 256), "a\0",
  ]

  @Test("a folder arrives with all that is in it, empty files and folders, links, modes and times")
  func wholeFolder() throws {
    let time = Timestamp(milliseconds: 1_000_000_000_000)
    let (info, bytes) = stream(
      [
        .init(path: "a", kind: .file(size: 3), mode: 0o755, modified: time),
        .init(path: "empty", kind: .file(size: 0), mode: 0o600, modified: time),
        .init(path: "sub", kind: .folder, mode: 0o555, modified: time),
        .init(path: "sub/big", kind: .file(size: Int64(content.count)), modified: time),
        .init(path: "sub/deep", kind: .folder, mode: 0o755, modified: time),
        .init(path: "sub/link", kind: .link("../a"), mode: 0o777),
      ], [1, 2, 3] + content)
    #expect(try save(info, bytes) == "\(path)/folder")
    #expect(saved() == ["folder"])
    #expect(saved("/folder") == ["a", "empty", "sub"])
    #expect(saved("/folder/sub") == ["big", "deep", "link"])
    #expect(try read("folder/a") == [1, 2, 3])
    #expect(try read("folder/sub/big") == content)
    #expect(try read("folder/sub/link") == [1, 2, 3])
    #expect(status("folder/a").st_mode & 0o777 == 0o755)
    #expect(status("folder/empty").st_size == 0)
    #expect(status("folder/sub").st_mode & 0o777 == 0o755)
    #expect(status("folder/sub").modified == time.milliseconds)
    #expect(status("folder/sub/big").modified == time.milliseconds)
  }

  @Test(
    "a folder whose manifest leads elsewhere is refused whole",
    arguments: [
      [.init(path: "../x", kind: .file(size: 1))], [.init(path: "/tmp/x", kind: .file(size: 1))],
      [.init(path: "a/../../x", kind: .file(size: 1))], [.init(path: "a\\b", kind: .file(size: 1))],
      [.init(path: "a\nb", kind: .file(size: 1))],
      [.init(path: "l", kind: .link("../../outside")), .init(path: "y", kind: .file(size: 1))],
      [.init(path: "l", kind: .link("/etc")), .init(path: "y", kind: .file(size: 1))],
      [.init(path: "l", kind: .link(".")), .init(path: "l/x", kind: .file(size: 1))],
      [.init(path: "x", kind: .file(size: 0)), .init(path: "x", kind: .file(size: 1))],
      [.init(path: "x", kind: .file(size: 0)), .init(path: "x/y", kind: .file(size: 1))],
    ] as [[Manifest.Entry]])
  func hostileManifests(_ entries: [Manifest.Entry]) throws {
    let (info, bytes) = stream(entries, [7])
    #expect(kind { try save(info, bytes) } == .data)
    #expect(saved().allSatisfy { $0.hasPrefix(FileName.partPrefix) })
    #expect(folder.names("") == ["in", "outside"])
  }

  @Test("a manifest that promises more or less than was offered is refused")
  func wrongSize() throws {
    var (info, bytes) = stream([.init(path: "x", kind: .file(size: 2))], [7])
    #expect(kind { try save(info, bytes) } == .data)
    (info, bytes) = stream([.init(path: "x", kind: .file(size: 0))], [7])
    #expect(kind { try save(info, bytes, seq: 2) } == .data)
  }

  @Test("a file that was cut off is gone on from, after its whole chunks were hashed again")
  func resumed() throws {
    let offered = info("a.bin", content)
    do {
      var first = try sink(offered)
      for (chunk, part) in chunks(content).prefix(2) { try first.write(chunk, part) }
    }
    #expect(saved() == ["\(FileName.partPrefix)\(id)-1"])
    do {
      let second = try sink(offered)
      #expect(second.hasher.length == Int64(2 * Chunk.size))
      #expect(second.hasher.hash == HubHarness.hash(Array(content.prefix(2 * Chunk.size))))
    }
    // What the hub doesn't know again is written anew.
    do {
      var third = try sink(offered)
      try third.restart(at: 0)
      for (chunk, part) in chunks(content) { try third.write(chunk, part) }
      #expect(try third.finish(HubHarness.hash(content)) == "\(path)/a.bin")
    }
    #expect(try read("a.bin") == content)
  }

  @Test("a hub that goes on before the beginning is not believed", arguments: [-Int64(Chunk.size), -1, .min])
  func negative(_ offset: Int64) throws {
    var sink = try sink(FileInfo(name: "a.bin", size: Int64(content.count)))
    for (chunk, part) in chunks(content).prefix(1) { try sink.write(chunk, part) }
    #expect(throws: FileError.self) { try sink.restart(at: offset) }
    try sink.restart(at: 0)
    for (chunk, part) in chunks(content) { try sink.write(chunk, part) }
    #expect(try sink.finish(HubHarness.hash(content)) == "\(path)/a.bin")
  }

  @Test("a folder is gone on from wherever it was cut off", arguments: [0, 1, 2, 3])
  func resumedFolder(_ written: Int) throws {
    let entries: [Manifest.Entry] =
      (0..<20).map { .init(path: "f\($0)", kind: .file(size: Int64(content.count / 20))) } + [
        .init(path: "z", kind: .folder, mode: 0o755), .init(path: "z/e", kind: .file(size: 0)),
      ]
    let (info, bytes) = stream(entries, Array(content.prefix(content.count / 20 * 20)))
    do {
      var first = try sink(info)
      for (chunk, part) in chunks(bytes).prefix(written) { try first.write(chunk, part) }
    }
    do {
      let second = try sink(info)
      #expect(second.hasher.length == Int64(min(written, 2) * Chunk.size))
    }
    #expect(try save(info, bytes) == "\(path)/folder")
    for index in 0..<20 {
      let size = content.count / 20
      #expect(try read("folder/f\(index)") == Array(content[index * size..<(index + 1) * size]))
    }
    #expect(saved() == ["folder"])
  }

  @Test("files and folders that nobody may write to are gone on from as well, and are their owner's in the end")
  func readOnly() throws {
    let half = Int64(content.count / 2)
    let (info, bytes) = stream(
      [
        .init(path: "d", kind: .folder, mode: 0o555), .init(path: "d/x", kind: .file(size: half), mode: 0o444),
        .init(path: "d/e", kind: .file(size: 0), mode: 0o444),
        .init(path: "d/y", kind: .file(size: half), mode: 0o444),
      ], content)
    do {
      var first = try sink(info)
      for (chunk, part) in chunks(bytes).prefix(2) { try first.write(chunk, part) }
      // As if it had been killed while it gave the modes.
      chmod("\(path)/\(FileName.partPrefix)\(id)-1/tree/d", 0o555)
    }
    #expect(try save(info, bytes) == "\(path)/folder")
    for name in ["x", "e", "y"] { #expect(status("folder/d/\(name)").st_mode & 0o777 == 0o644) }
    #expect(status("folder/d").st_mode & 0o777 == 0o755)
    #expect(try read("folder/d/y") == Array(content.suffix(Int(half))))
  }

  @Test("a part that isn't this account's own, or another process is at, is left alone")
  func foreignParts() throws {
    let part = "\(FileName.partPrefix)\(id)-1"
    symlink(folder.path + "/outside", "\(path)/\(part)")
    #expect(kind { _ = try sink(info("a", [1])) } == .output)
    unlink("\(path)/\(part)")
    link(folder.path + "/outside", "\(path)/\(part)")
    #expect(kind { _ = try sink(info("a", [1])) } == .output)
    unlink("\(path)/\(part)")
    var busy = try sink(info("a", [1]))
    // Nothing has come: there is no part.
    #expect(saved() == [])
    var other = try sink(info("a", [1]))
    try busy.write(chunks([1])[0].chunk, chunks([1])[0].bytes)
    #expect(kind { _ = try sink(info("a", [1])) } == .busy)
    #expect(kind { try other.write(chunks([1])[0].chunk, chunks([1])[0].bytes) } == .busy)
    busy.discard()
    #expect(saved() == [])
    mkdir("\(path)/\(part)", 0o777)
    chmod("\(path)/\(part)", 0o777)
    let (offered, _) = stream([])
    #expect(kind { _ = try sink(offered) } == .output)
    let text = try OpenFile.open(folder.path + "/outside", O_RDONLY, as: .input).read(10, at: 0)
    #expect(text == Array("secret".utf8))
  }

  @Test("a folder's links, planted or its own, are never followed while it is written")
  func plantedLinks() throws {
    let half = Int64(content.count / 2)
    let (info, bytes) = stream(
      [
        .init(path: "d", kind: .folder, mode: 0o755), .init(path: "d/x", kind: .file(size: half)),
        .init(path: "d/y", kind: .file(size: half)),
      ], content)
    let part = "\(path)/\(FileName.partPrefix)\(id)-1"
    mkdir(part, 0o700)
    mkdir(part + "/tree", 0o700)
    symlink(folder.path, part + "/tree/d")
    var sink = try sink(info)
    try sink.write(chunks(bytes)[0].chunk, chunks(bytes)[0].bytes)
    rename(part + "/tree/d", part + "/tree/e")
    symlink(folder.path, part + "/tree/d")
    #expect(
      kind {
        for (chunk, part) in chunks(bytes).dropFirst() { try sink.write(chunk, part) }
        _ = try sink.finish(HubHarness.hash(bytes))
      } == .output)
    #expect(folder.names("") == ["in", "outside"])
  }
}
