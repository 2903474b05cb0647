import Glibc
import QQProtocol

/// Standard input, read when somebody asks for more: what isn't asked for stays in the pipe.
struct StandardInput: Sendable {
  /// Up to 64 KiB; nil at the end.
  func read() async throws -> [UInt8]? {
    let outcome = await Thread.run { () -> Result<[UInt8]?, CommandFailure> in
      var bytes = [UInt8](repeating: 0, count: 64 << 10)
      while true {
        let count = Glibc.read(0, &bytes, bytes.count)
        if count > 0 { return .success(Array(bytes[..<count])) }
        if count == 0 { return .success(nil) }
        if errno == EAGAIN {
          var state = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
          poll(&state, 1, -1)
        } else if errno != EINTR {
          return .failure(
            CommandFailure(.noInput, "cannot read standard input: \(String(cString: strerror(errno)).lowercased())"))
        }
      }
    }
    return try outcome.get()
  }

  /// All of it; throws where it is longer than `limit` bytes.
  func readAll(limit: Int) async throws -> [UInt8] {
    var all: [UInt8] = []
    while let bytes = try await read() {
      all += bytes
      guard all.count <= limit else {
        throw CommandFailure(
          .data, "standard input is longer than a message may be (\(limit) bytes): --lines sends a message a line")
      }
    }
    return all
  }
}

/// Lines of input with their numbers, from chunks.
struct InputLines: Sendable {
  private var rest: [UInt8] = []
  private(set) var number = 0

  /// The lines a chunk completes, without their newlines.
  mutating func feed(_ chunk: [UInt8]) -> [(number: Int, bytes: [UInt8])] {
    var lines: [(number: Int, bytes: [UInt8])] = []
    var start = chunk.startIndex
    while let end = chunk[start...].firstIndex(of: UInt8(ascii: "\n")) {
      number += 1
      lines.append((number, rest + chunk[start..<end]))
      rest = []
      start = end + 1
    }
    rest += chunk[start...]
    return lines
  }

  /// What comes after the last newline.
  mutating func finish() -> (number: Int, bytes: [UInt8])? {
    guard !rest.isEmpty else { return nil }
    number += 1
    defer { rest = [] }
    return (number, rest)
  }

  /// Bytes of a line that isn't whole yet.
  var pending: Int { rest.count }
}
