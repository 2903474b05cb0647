import Glibc
import Testing

@testable import QQIdentity

@Suite("Private files")
struct PrivateFileTests {
  let directory = TemporaryDirectory()

  @Test("what is written can be read, by its owner alone, and nothing else is left behind")
  func writes() throws {
    let path = directory("file")
    try PrivateFile.write(Array("one".utf8), to: path, replacing: false)
    #expect(try contents(path) == "one")
    #expect(mode(path) == 0o600)
    #expect(try PrivateFile.read(path, limit: 3) == Array("one".utf8))
    #expect(try directory.names == ["file"])
  }

  @Test("the mode doesn't depend on the umask")
  func ignoresUmask() throws {
    try PrivateFile.write([], to: directory("wide"), mode: 0o644, replacing: true)
    #expect(mode(directory("wide")) == 0o644)
  }

  @Test("a file is replaced only when asked to")
  func replaces() throws {
    let path = directory("file")
    try PrivateFile.write(Array("one".utf8), to: path, replacing: true)
    #expect(throws: IdentityError.exists(path: path)) {
      try PrivateFile.write(Array("two".utf8), to: path, replacing: false)
    }
    #expect(try contents(path) == "one")
    try PrivateFile.write(Array("two".utf8), to: path, replacing: true)
    #expect(try contents(path) == "two")
    #expect(try directory.names == ["file"])
  }

  @Test("a symbolic link is not written through")
  func replacesLink() throws {
    try put("target", directory("target"))
    #expect(symlink(directory("target"), directory("link")) == 0)
    #expect(throws: IdentityError.exists(path: directory("link"))) {
      try PrivateFile.write([], to: directory("link"), replacing: false)
    }
    try PrivateFile.write(Array("new".utf8), to: directory("link"), replacing: true)
    #expect(try contents(directory("target")) == "target")
    #expect(try contents(directory("link")) == "new")
  }

  @Test("of writers at once exactly one makes the file")
  func race() async throws {
    let path = directory("file")
    let winners = try await onThreads(8) { number in
      do {
        try PrivateFile.write([UInt8](repeating: UInt8(number), count: 5_000), to: path, replacing: false)
        return [number]
      } catch IdentityError.exists {
        return []
      }
    }.flatMap(\.self)
    #expect(winners.count == 1)
    #expect(try PrivateFile.read(path, limit: 5_000) == [UInt8](repeating: UInt8(winners[0]), count: 5_000))
    #expect(try directory.names == ["file"])
  }

  @Test("a file that is too large, missing or none is an error")
  func refusesToRead() throws {
    try put("four", directory("file"))
    #expect(throws: IdentityError.tooLarge(path: directory("file"), limit: 3)) {
      try PrivateFile.read(directory("file"), limit: 3)
    }
    #expect(throws: IdentityError.missing(path: directory("none"))) {
      try PrivateFile.read(directory("none"), limit: 3)
    }
    #expect(throws: IdentityError.notAFile(path: directory.path)) { try PrivateFile.read(directory.path, limit: 3) }
    #expect(mkfifo(directory("pipe"), 0o600) == 0)
    #expect(throws: IdentityError.notAFile(path: directory("pipe"))) {
      try PrivateFile.read(directory("pipe"), limit: 3)
    }
  }

  @Test("the system's refusal carries the path and the errno")
  func systemError() throws {
    let error = #expect(throws: IdentityError.self) {
      try PrivateFile.write([], to: directory("no/file"), replacing: true)
    }
    guard case .system(.open, let path, ENOENT) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(path.hasPrefix(directory("no/")))
    #expect(error?.message == "cannot open \(path): No such file or directory")
  }

  @Test("directories are made with their parents, private, and may exist")
  func makesDirectories() throws {
    try PrivateFile.makeDirectory(directory("a/b/c/"))
    #expect([directory("a"), directory("a/b"), directory("a/b/c")].map(mode) == [0o700, 0o700, 0o700])
    #expect(chmod(directory("a"), 0o755) == 0)
    try PrivateFile.makeDirectory(directory("a"))
    #expect(mode(directory("a")) == 0o755)
    try put("", directory("file"))
    #expect(throws: IdentityError.notADirectory(path: directory("file"))) {
      try PrivateFile.makeDirectory(directory("file"))
    }
  }

  @Test("a lock that another holds for too long is an error, and free afterwards")
  func locks() throws {
    let path = directory("lock")
    try PrivateFile.withLock(path) { () throws(IdentityError) -> Void in
      #expect(throws: IdentityError.busy(path: path)) { try PrivateFile.withLock(path, attempts: 1) {} as Void }
    }
    try PrivateFile.withLock(path, attempts: 0) {}
  }
}
