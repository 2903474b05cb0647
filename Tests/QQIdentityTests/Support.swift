import FoundationEssentials
import Glibc
import NIOPosix

/// A directory of a test's own, gone with it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() {
    var template = Array("/tmp/qq-identity-XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of `name` in here.
  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}

func mode(_ path: String) -> UInt32 {
  var status = stat()
  precondition(stat(path, &status) == 0)
  return status.st_mode & 0o7777
}

/// Makes a file as any editor would.
func put(_ text: String, _ path: String, mode: UInt32 = 0o600) throws {
  try Data(text.utf8).write(to: URL(filePath: path))
  precondition(chmod(path, mode) == 0)
}

func contents(_ path: String) throws -> String {
  String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
}

/// Runs `body` on `count` threads at once, with the thread's number.
func onThreads<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) async throws -> [Value] {
  let pool = NIOThreadPool(numberOfThreads: count)
  pool.start()
  let values = try await withThrowingTaskGroup(of: Value.self) { group in
    for number in 0..<count {
      group.addTask { try await pool.runIfActive { try body(number) } }
    }
    return try await group.reduce(into: []) { $0.append($1) }
  }
  try await pool.shutdownGracefully()
  return values
}
