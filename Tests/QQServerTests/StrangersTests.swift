import QQProtocol
import Testing

@testable import QQServer

@Suite struct StrangersTests {
  private func address(_ number: UInt32) -> IPAddress { IPAddress(v4: 0x0a00_0000 + number) }

  @Test("one source takes its own share alone: its oldest goes")
  func source() {
    var strangers = Strangers(limit: 100, sourceLimit: 3)
    #expect([1, 2, 3].map { strangers.insert($0, from: address(1)) } == [nil, nil, nil])
    #expect(strangers.insert(4, from: address(2)) == nil)
    #expect(strangers.insert(5, from: address(1)) == 1)
    #expect(strangers.count == 4)
  }

  @Test("where there are too many in all, the oldest of whoever has most goes, not whoever comes")
  func all() {
    var strangers = Strangers(limit: 4, sourceLimit: 10)
    for id: UInt64 in 1...3 { #expect(strangers.insert(id, from: address(1)) == nil) }
    #expect(strangers.insert(4, from: address(2)) == nil)
    #expect(strangers.insert(5, from: address(3)) == 1)
    #expect(strangers.insert(6, from: address(4)) == 2)
    #expect(strangers.count == 4)
  }

  @Test("who is welcomed or gone takes no place")
  func removed() {
    var strangers = Strangers(limit: 2, sourceLimit: 2)
    for id: UInt64 in 1...1_000 {
      #expect(strangers.insert(id, from: address(1)) == nil)
      #expect(strangers.remove(id) == id)
      #expect(strangers.remove(id) == nil)
    }
    #expect(strangers.count == 0)
  }

  @Test("a /64 of IPv6 is one source")
  func network() throws {
    var strangers = Strangers(limit: 100, sourceLimit: 1)
    let (one, other, third) = (IPAddress("fd00::1"), IPAddress("fd00::ffff:2"), IPAddress("fd00:0:0:1::1"))
    #expect(strangers.insert(1, from: try #require(one)) == nil)
    #expect(strangers.insert(2, from: try #require(other)) == 1)
    #expect(strangers.insert(3, from: try #require(third)) == nil)
  }
}
