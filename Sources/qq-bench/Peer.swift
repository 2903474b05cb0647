/// A server that can be measured, by the protocol it speaks. What differs between them is how a client introduces
/// itself, how a message is framed, and what comes back; the traffic itself is the same code for all.
protocol Peer {
  var kind: PeerKind { get }

  /// Newlines of a delivery as a listener sees it. Deliveries are counted by them.
  var newlinesPerDelivery: Int { get }

  /// What comes back to a sender that asks for acknowledgements.
  var acknowledgement: Acknowledgement { get }

  /// Bytes that stand near the start of whatever the server says when it refuses something.
  var refusal: [UInt8] { get }

  /// A connection that gets every message from now on. Still blocking.
  func openListener(_ index: Int) throws -> Connection

  /// A connection to send on. Still blocking.
  func openSender(_ index: Int, acknowledged: Bool) throws -> Connection

  /// A message to everybody with `text`, which holds no newline and nothing that JSON would escape.
  func frame(text: [UInt8], sender: Int, acknowledged: Bool) throws -> FrameTemplate
}

enum PeerKind: String, CaseIterable {
  case qq
  case nats
  case mqtt
}

enum Acknowledgement {
  /// The server says nothing: senders are paced by what listeners got.
  case none
  case lines(perMessage: Int)
  case bytes(perMessage: Int)
}

/// One message as it goes over the wire, and where in it something differs from message to message. All are of one
/// length, so a window of them is stamped in place instead of being built.
struct FrameTemplate {
  var bytes: [UInt8]
  /// 26 characters: a ULID.
  var idAt: Int?
  /// 10 digits.
  var refAt: Int?
  /// 2 bytes: MQTT's packet identifier, never 0.
  var packetIDAt: Int?

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }
}

/// A text of `size` bytes that doesn't repeat itself so soon that it would compress.
func benchText(size: Int) -> [UInt8] {
  let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789 ".utf8)
  return (0..<size).map { letters[($0 &* 7 &+ $0 / 37) % letters.count] }
}
