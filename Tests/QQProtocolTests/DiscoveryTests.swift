import QQProtocol
import Testing

@Suite struct DiscoveryTests {
  private static let hub = DiscoveryPacket.Announcement(name: "box", port: 6789, fingerprint: "SHA256:x")

  @Test("a packet is read as it was written")
  func roundTrip() {
    #expect(DiscoveryPacket(DiscoveryPacket.query.bytes) == .query)
    #expect(DiscoveryPacket(DiscoveryPacket.hub(Self.hub).bytes) == .hub(Self.hub))
  }

  @Test(
    "no answer is longer than a query, whatever a hub is called, and all fit into a datagram",
    arguments: [
      "", "box", String(repeating: "\u{1}", count: 300), String(repeating: "\u{2028}", count: 100), "工作站",
      String(repeating: "站", count: 100),
    ])
  func sizes(_ name: String) {
    let fingerprint = "SHA256:" + String(repeating: "A", count: 43)
    let answer = DiscoveryPacket.hub(.init(name: name, port: 65_535, fingerprint: fingerprint)).bytes
    #expect(answer.count <= DiscoveryPacket.query.bytes.count)
    #expect(DiscoveryPacket.query.bytes.count <= DiscoveryPacket.limit)
    guard case .hub(let read) = DiscoveryPacket(answer) else {
      Issue.record("it can't be read")
      return
    }
    #expect(read.port == 65_535)
    #expect(read.fingerprint == fingerprint)
  }

  @Test(
    "what is none is nothing",
    arguments: [
      "", "{}", "[]", #"{"type":"hub"}"#, #"{"type":"query"}"#, #"{"type":"query","protocol":2}"#,
      #"{"type":"hub","protocol":1,"port":0,"fingerprint":"x"}"#,
      #"{"type":"hub","protocol":1,"port":65536,"fingerprint":"x"}"#, #"{"type":"hub","protocol":1,"port":1}"#,
      #"{"type":"message","protocol":1}"#, String(repeating: "[", count: 600),
      #"{"type":"query","protocol":1,"x":""# + String(repeating: "x", count: 1_024) + "\"}",
    ])
  func garbage(_ text: String) {
    #expect(DiscoveryPacket(Array(text.utf8)) == nil)
  }

  @Test("a budget gives a burst, and then so many a second")
  func budget() {
    var budget = AnswerBudget(perSecond: 10, burst: 3)
    func count(_ milliseconds: Int64) -> Int {
      (0..<10).count { _ in budget.take(now: Timestamp(milliseconds: milliseconds)) }
    }
    #expect(count(1_000) == 3)
    #expect(count(1_000) == 0)
    #expect(count(1_100) == 1)
    #expect(count(1_250) == 1)
    #expect(count(1_300) == 1)
    // A clock that is put back gives nothing.
    #expect(count(500) == 0)
    #expect(count(9_000) == 3)
  }
}
