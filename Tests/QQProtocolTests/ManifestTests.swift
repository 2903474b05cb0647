import QQProtocol
import Testing

@Suite struct ManifestTests {
  private func read(_ text: String) -> Result<Manifest, ManifestFault> {
    do throws(ManifestFault) {
      return .success(try Manifest(checking: Array(text.utf8)))
    } catch {
      return .failure(error)
    }
  }

  private static let entries: [Manifest.Entry] = [
    .init(path: "a.txt", kind: .file(size: 5), mode: 0o600, modified: Timestamp(milliseconds: 1_500)),
    .init(path: "sub", kind: .folder, mode: 0o755),
    .init(path: "sub/名字 \"x\".txt", kind: .file(size: 0)),
    .init(path: "sub/.hidden", kind: .file(size: 7)),
    .init(path: "sub/up", kind: .link("../a.txt"), mode: 0o777),
  ]

  @Test("what is written is read back")
  func roundTrip() throws {
    let manifest = Manifest(entries: Self.entries)
    #expect(try Manifest(checking: manifest.bytes) == manifest)
    #expect(try Manifest(checking: []) == Manifest(entries: []))
  }

  @Test("names that lead elsewhere are refused wherever they stand", arguments: FileNameTests.hostile)
  func hostile(_ name: String) {
    guard !name.utf8.contains(UInt8(ascii: "/")) || name.hasPrefix("/") || name.contains("..") else { return }
    for path in [name, "d/\(name)", "\(name)/x"] {
      let manifest = Manifest(entries: [.init(path: "d", kind: .folder), .init(path: path, kind: .file(size: 1))])
      #expect(throws: ManifestFault.self) { try Manifest(checking: manifest.bytes) }
    }
  }

  @Test(
    "what can't be unpacked safely is refused",
    arguments: [
      #"{"path":"a","size":1,"mode":0}"# + "\n" + #"{"path":"a","size":1,"mode":0}"# + "\n",
      #"{"path":"d/a","size":1,"mode":0}"# + "\n",
      #"{"path":"a","size":1,"mode":0}"# + "\n" + #"{"path":"a/b","size":1,"mode":0}"# + "\n",
      #"{"path":"l","link":"d","mode":0}"# + "\n" + #"{"path":"l/b","size":1,"mode":0}"# + "\n",
      #"{"path":"a","size":-1,"mode":0}"# + "\n",
      #"{"path":"a","size":9007199254740991,"mode":0}"# + "\n" + #"{"path":"b","size":1,"mode":0}"# + "\n",
      #"{"path":"a","size":1}"# + "\n", #"{"path":"a","mode":1}"# + "\n", #"{"path":1,"size":1,"mode":0}"# + "\n",
      #"{"path":"a","size":1,"mode":0}"#, "x\n", "[]\n", "{}\n",
      #"{"path":"\#(Array(repeating: "d", count: 65).joined(separator: "/"))","size":1,"mode":0}"# + "\n",
    ])
  func refused(_ text: String) {
    guard case .failure = read(text) else {
      Issue.record("accepted")
      return
    }
  }

  @Test(
    "a link stays in the folder: up first, then down, never further up than it lies deep",
    arguments: [
      ("a", 0, true), ("./a", 0, true), ("a/b", 0, true), ("..", 0, false), ("../a", 0, false), ("../a", 1, true),
      ("../../a", 1, false), ("a/..", 0, false), ("a/../..", 3, false), ("/a", 5, false), ("", 0, false),
      (".", 0, true),
      ("./../a", 1, true), ("a//b", 0, true), ("a\0b", 0, false),
    ])
  func links(_ target: String, _ depth: Int, _ isInside: Bool) {
    #expect(Manifest.staysInside(target, depth: depth) == isInside)
  }

  @Test("the bytes of a folder's stream are found in its files, for any part of it")
  func layout() {
    let manifest = Manifest(entries: Self.entries)
    let layout = FolderLayout(manifest, manifestSize: 10)
    #expect(layout.size == 22)
    #expect(
      layout.pieces(0..<22) == [
        .init(entry: nil, range: 0..<10), .init(entry: 0, range: 0..<5), .init(entry: 3, range: 0..<7),
      ])
    #expect(layout.pieces(12..<17) == [.init(entry: 0, range: 2..<5), .init(entry: 3, range: 0..<2)])
    #expect(layout.pieces(22..<30) == [])
    // Every byte once, in order, however it is cut.
    for cut in 0...22 {
      let joined = layout.pieces(0..<Int64(cut)) + layout.pieces(Int64(cut)..<22)
      #expect(joined.reduce(0) { $0 + $1.range.count } == 22)
    }
  }
}
