import Glibc
import QQClient
import QQProtocol
import Synchronization

/// Standard input, read when somebody asks for more: what isn't asked for stays in the pipe.
struct StandardInput: Sendable {
  /// Up to 64 KiB; nil at the end. Ends also when it is cancelled, though the thread that reads may go on: nobody reads
  /// after that.
  func read() async throws -> [UInt8]? {
    let answer = OneAnswer<[UInt8]?>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiter in
        answer.wait(waiter)
        Thread.detach { answer.give(Result { try Self.readOnce() }) }
      }
    } onCancel: {
      answer.give(.failure(CancellationError()))
    }
  }

  /// What is typed or pasted on a terminal, which doesn't show it: lines until it is whole, or nothing follows at once.
  /// The rest of a paste isn't left to whoever reads next. `ask` is called when the terminal is ready for it.
  func readSecret(ask: () -> Void, isWhole: (String) -> Bool) async throws -> String {
    var before = termios()
    guard tcgetattr(0, &before) == 0 else {
      ask()
      return try await readLine()
    }
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO)
    // A signal of these would leave the terminal silent.
    withUnsafeMutableBytes(of: &silent.c_cc) { characters in
      // _POSIX_VDISABLE.
      for character in [VQUIT, VSUSP] { characters[Int(character)] = 0 }
    }
    tcsetattr(0, TCSAFLUSH, &silent)
    defer { tcsetattr(0, TCSAFLUSH, &before) }
    ask()
    var text = try await readLine()
    while !isWhole(text), !text.isEmpty, Self.isReadable(within: Self.pasteGap) {
      text += "\n" + (try await readLine())
    }
    _ = Self.isReadable(within: Self.pasteGap)
    return text
  }

  /// Between the lines of a paste, in milliseconds.
  private static let pasteGap: CInt = 50

  private static func isReadable(within limit: CInt) -> Bool {
    var state = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
    return poll(&state, 1, limit) > 0
  }

  /// A line without its newline, or what there is at the end; of a terminal, which gives lines.
  func readLine() async throws -> String {
    var line: [UInt8] = []
    while let bytes = try await read() {
      line += bytes
      if line.contains(0x0a) { break }
    }
    return String(decoding: line.prefix { $0 != 0x0a }, as: UTF8.self)
  }

  private static func readOnce() throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(0, &bytes, bytes.count)
      if count > 0 { return Array(bytes[..<count]) }
      if count == 0 { return nil }
      if errno == EAGAIN {
        var state = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        poll(&state, 1, -1)
      } else if errno != EINTR {
        throw CommandFailure(
          .noInput, "cannot read standard input: \(String(cString: strerror(errno)).lowercased())")
      }
    }
  }

  /// All of it; throws, with what to say, where it is longer than `limit` bytes.
  func readAll(limit: Int, tooLong message: String) async throws -> [UInt8] {
    var all: [UInt8] = []
    while let bytes = try await read() {
      all += bytes
      guard all.count <= limit else {
        throw CommandFailure(.data, message)
      }
    }
    return all
  }
}

/// The first of several answers, for one who waits.
private final class OneAnswer<Value: Sendable>: Sendable {
  private let state = Mutex(
    (waiter: nil as CheckedContinuation<Value, any Error>?, answer: nil as Result<Value, any Error>?))

  func wait(_ waiter: CheckedContinuation<Value, any Error>) {
    let answer = state.withLock { state in
      if state.answer == nil { state.waiter = waiter }
      return state.answer
    }
    if let answer { waiter.resume(with: answer) }
  }

  func give(_ answer: Result<Value, any Error>) {
    let waiter = state.withLock { state in
      if state.answer == nil { state.answer = answer }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(with: answer)
  }
}

/// Lines of input with their numbers, from chunks. Of a line that is longer than `limit` bytes only so many and one
/// more are kept.
struct InputLines: Sendable {
  private var rest: [UInt8] = []
  private let limit: Int
  private(set) var number = 0

  init(limit: Int = ProtocolLimits.line) {
    self.limit = limit
  }

  /// The lines a chunk completes, without their newlines.
  mutating func feed(_ chunk: [UInt8]) -> [(number: Int, bytes: [UInt8])] {
    var lines: [(number: Int, bytes: [UInt8])] = []
    var start = chunk.startIndex
    while let end = chunk[start...].firstIndex(of: UInt8(ascii: "\n")) {
      number += 1
      keep(chunk[start..<end])
      lines.append((number, rest))
      rest = []
      start = end + 1
    }
    keep(chunk[start...])
    return lines
  }

  private mutating func keep(_ bytes: ArraySlice<UInt8>) {
    rest += bytes.prefix(max(0, limit + 1 - rest.count))
  }

  /// What comes after the last newline.
  mutating func finish() -> (number: Int, bytes: [UInt8])? {
    guard !rest.isEmpty else { return nil }
    number += 1
    defer { rest = [] }
    return (number, rest)
  }
}
