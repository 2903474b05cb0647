import QQHub
import QQProtocol
import QQSpool
import QQTestSupport
import Synchronization
import Testing

@Suite("the spool's answers", .timeLimit(.minutes(10)))
struct SpoolSinkTests {
  /// A wrapper more a request around the closure that takes the answers overflowed a stack after 37,000.
  @Test("a hundred thousand requests are answered, the last as cheaply as the first")
  func manyRequests() async throws {
    let folder = try TemporaryFolder()
    let spool = try Spool(folder.path + "/spool") { _ in }
    let (answers, continuation) = AsyncStream.makeStream(of: UInt64.self)
    spool.start([]) { answer in
      if case .measured(let token, _) = answer { continuation.yield(token) }
    }
    let requests: UInt64 = 100_000
    for token in 1...requests { spool.request(.measure(token: token)) }
    var seen: Set<UInt64> = []
    for await token in answers {
      seen.insert(token)
      if seen.count == requests { break }
    }
    #expect(seen == Set(1...requests))
    await spool.stop()
  }
}
