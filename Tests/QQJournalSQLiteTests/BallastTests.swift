import Glibc
import QQTestSupport
import Testing

@testable import QQJournalSQLite

@Suite("ballast") struct BallastTests {
  @Test("it takes real room where there is plenty, goes once, and comes back")
  func life() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/journal.db"
    func blocks() -> Int {
      var status = stat()
      return stat(path + "-ballast", &status) == 0 ? Int(status.st_blocks) * 512 : 0
    }
    var ballast = Ballast(besides: path)
    ballast.restore(free: 8 << 20, reserve: 4 << 20)
    #expect(!ballast.isThere && blocks() == 0)
    let isEarly = ballast.release()
    #expect(!isEarly)
    ballast.restore(free: 1 << 30, reserve: 4 << 20)
    #expect(ballast.isThere && blocks() >= 4 << 20)
    #expect(try folder.mode("journal.db-ballast") & 0o777 == 0o600)
    // The next process finds it.
    var next = Ballast(besides: path)
    #expect(next.isThere)
    let (first, second) = (next.release(), next.release())
    #expect(first && !second && blocks() == 0)
    next.restore(free: .max, reserve: 0)
    #expect(!next.isThere)
    next.restore(free: .max, reserve: .max)
    #expect(!next.isThere)
    next.restore(free: .max, reserve: 4 << 20)
    #expect(next.isThere)
  }
}
