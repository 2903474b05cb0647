import QQClient
import QQProtocol
import Testing

private func message(_ seq: Int64) -> HubFrame {
  .message(
    .init(
      id: MessageID(high: 0, low: UInt64(seq)), seq: seq, time: Timestamp(milliseconds: 0), from: "alice",
      address: "127.0.0.1", to: ["bob"], text: "hi"))
}

@Suite("Reader")
struct ReaderTests {
  @Test("it starts where it was told to, and goes on after the last event it showed")
  func resumes() {
    var reader = Reader(start: .unread, cursor: "c", holds: true, name: "r")
    #expect(reader.connected(epoch: "e").frame.after == .unread)
    #expect(reader.received(.ok(.init(ref: 0, seq: 5))) == .skip)
    #expect(reader.received(message(7)) == .show)
    let again = reader.connected(epoch: "e")
    #expect(again.frame.after == .seq(7))
    #expect(again.frame.reader == "r")
    #expect(!again.isNewEpoch)
  }

  @Test("before the first event it goes on from where the hub began")
  func resumesFromStart() {
    var reader = Reader(start: .now, holds: false, name: "r")
    _ = reader.connected(epoch: "e")
    _ = reader.received(.ok(.init(ref: 0, seq: 40)))
    #expect(reader.connected(epoch: "e").frame.after == .seq(40))
  }

  @Test("it learns once where what was unread ends, also on another connection than it asked on")
  func live() {
    var reader = Reader(start: .unread, holds: true, name: "r", awaitsLive: true)
    #expect(reader.connected(epoch: "e").frame.tellsLive)
    #expect(reader.received(.ok(.init(ref: 0, seq: 5))) == .skip)
    #expect(reader.received(message(7)) == .show)
    #expect(reader.connected(epoch: "e").frame.tellsLive)
    #expect(reader.received(.ok(.init(ref: 0, seq: 7))) == .skip)
    #expect(reader.received(.ok(.init(ref: 0, isLive: true))) == .live)
    #expect(!reader.connected(epoch: "e").frame.tellsLive)
    #expect(reader.received(.ok(.init(ref: 0, isLive: true))) == .skip)
  }

  @Test("an event is shown once")
  func once() {
    var reader = Reader(start: .unread, holds: true, name: "r")
    _ = reader.connected(epoch: "e")
    _ = reader.received(.ok(.init(ref: 0, seq: 0)))
    #expect(reader.received(message(1)) == .show)
    #expect(reader.received(message(1)) == .skip)
    #expect(reader.received(.gap(from: 2, to: 9)) == .show)
    #expect(reader.received(message(9)) == .skip)
    #expect(reader.received(message(10)) == .show)
  }

  @Test("acknowledgements are of what was processed, once, and repeated after a lost connection")
  func acknowledges() {
    var reader = Reader(start: .unread, holds: true, name: "r")
    _ = reader.connected(epoch: "e")
    _ = reader.received(.ok(.init(ref: 0, seq: 0)))
    #expect(reader.acknowledgement() == nil)
    _ = reader.received(message(3))
    reader.done(3)
    #expect(reader.acknowledgement() == 3)
    #expect(reader.acknowledgement() == nil)
    reader.lost()
    #expect(reader.acknowledgement() == 3)
  }

  @Test("a follower says so once and acknowledges nothing")
  func follows() {
    var reader = Reader(start: .unread, holds: true, name: "r")
    _ = reader.connected(epoch: "e")
    #expect(reader.received(.ok(.init(ref: 0, seq: 0, isFollowing: true))) == .following)
    _ = reader.received(message(3))
    reader.done(3)
    #expect(reader.acknowledgement() == nil)
  }

  @Test("in another epoch it begins with what is unread there")
  func newEpoch() {
    var reader = Reader(start: .seq(0), holds: true, name: "r")
    _ = reader.connected(epoch: "e")
    _ = reader.received(.ok(.init(ref: 0, seq: 0)))
    _ = reader.received(message(90))
    let other = reader.connected(epoch: "f")
    #expect(other.isNewEpoch)
    #expect(other.frame.after == .unread)
    _ = reader.received(.ok(.init(ref: 0, seq: 0)))
    #expect(reader.received(message(2)) == .show)
  }
}

@Suite("Backoff and endpoints")
struct EndpointTests {
  @Test("waiting doubles up to its limit, and begins anew after a welcome")
  func backoff() {
    var backoff = Backoff(first: 100, limit: 1_000)
    #expect((0..<6).map { _ in backoff.next(random: 0.999_999) } == [99, 199, 399, 799, 999, 999])
    #expect(backoff.next(random: 0) == 50)
    backoff.reset()
    #expect(backoff.next(random: 0.999_999) == 99)
  }

  @Test(
    "hubs are named by host, address and port",
    arguments: [
      ("hub.lan", "hub.lan", 6789), ("hub.lan:7000", "hub.lan", 7000), ("192.168.1.5", "192.168.1.5", 6789),
      ("::1", "::1", 6789), ("[::1]:7000", "::1", 7000), ("[fe80::1]", "fe80::1", 6789),
    ])
  func good(_ text: String, _ host: String, _ port: Int) {
    #expect(Endpoint(text) == Endpoint(host: host, port: port))
  }

  @Test("what names no hub is refused", arguments: ["", "hub:", "hub:0", "hub:65536", "a:b:c", "[::1", "a b", "x/y"])
  func bad(_ text: String) {
    #expect(Endpoint(text) == nil)
  }
}
