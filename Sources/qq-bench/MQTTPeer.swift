/// Speaks MQTT 3.1.1 (OASIS standard, 2014) to `mosquitto`: QoS 0 to listeners, QoS 1 where a sender asks for
/// acknowledgements. The payload's last byte is a newline, by which deliveries are counted; a size at which the header
/// would hold one too is refused.
struct MQTTPeer: Peer {
  var endpoint: Endpoint
  private let tls: TLSContext?
  private static let topic = "bench"

  init(endpoint: Endpoint) throws {
    self.endpoint = endpoint
    tls = endpoint.usesTLS ? try TLSContext(applicationProtocol: nil) : nil
  }

  var kind: PeerKind { .mqtt }
  var newlinesPerDelivery: Int { 1 }
  /// PUBACK.
  var acknowledgement: Acknowledgement { .bytes(perMessage: 4) }
  /// MQTT 3.1.1 has none: a server that refuses closes.
  var refusal: [UInt8] { [] }

  func openListener(_ index: Int) throws -> Connection {
    let connection = try introduce("listener\(index)")
    try connection.send(MQTTPacket.subscribe(topic: Self.topic, packetID: 1))
    let answer = try connection.receive(5)
    guard answer[0] == 0x90, answer[4] < 3 else { throw BenchError("mosquitto refused the subscription") }
    return connection
  }

  func openSender(_ index: Int, acknowledged: Bool) throws -> Connection {
    try introduce("sender\(index)")
  }

  func frame(text: [UInt8], sender: Int, acknowledged: Bool) throws -> FrameTemplate {
    let payload = Array(text.dropLast()) + [0x0A]
    // What a listener gets, which is always QoS 0.
    let delivery = MQTTPacket.publish(topic: Self.topic, payload: payload)
    guard delivery.count(where: { $0 == 0x0A }) == 1 else {
      throw BenchError("MQTT deliveries of \(text.count) bytes can't be counted by newlines: take another size")
    }
    guard acknowledged else { return FrameTemplate(bytes: delivery) }
    var frame = FrameTemplate(bytes: MQTTPacket.publish(topic: Self.topic, payload: payload, packetID: 1))
    frame.packetIDAt = frame.bytes.count - payload.count - 2
    return frame
  }

  private func introduce(_ client: String) throws -> Connection {
    let connection = try Connection(to: endpoint)
    if let tls { try connection.startTLS(tls, as: nil) }
    try connection.send(MQTTPacket.connect(client: client))
    let answer = try connection.receive(4)
    guard answer[0] == 0x20, answer[3] == 0 else { throw BenchError("mosquitto refused the connection") }
    return connection
  }
}

/// The control packets a client needs.
enum MQTTPacket {
  /// CONNECT: a clean session and no keep-alive.
  static func connect(client: String) -> [UInt8] {
    packet(0x10, string("MQTT") + [4, 0x02, 0, 0] + string(client))
  }

  /// SUBSCRIBE at QoS 0.
  static func subscribe(topic: String, packetID: UInt16) -> [UInt8] {
    packet(0x82, [UInt8(packetID >> 8), UInt8(packetID & 0xFF)] + string(topic) + [0])
  }

  /// PUBLISH, at QoS 1 where there is a packet identifier.
  static func publish(topic: String, payload: [UInt8], packetID: UInt16? = nil) -> [UInt8] {
    guard let packetID else { return packet(0x30, string(topic) + payload) }
    return packet(0x32, string(topic) + [UInt8(packetID >> 8), UInt8(packetID & 0xFF)] + payload)
  }

  /// The remaining length of section 2.2.3: seven bits a byte, lowest first.
  static func length(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = count
    repeat {
      let low = UInt8(rest & 0x7F)
      rest >>= 7
      bytes.append(rest > 0 ? low | 0x80 : low)
    } while rest > 0
    return bytes
  }

  private static func string(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
  }

  private static func packet(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
    [type] + length(body.count) + body
  }
}
