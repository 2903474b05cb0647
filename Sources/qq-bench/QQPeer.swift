/// Speaks to `qq serve`: JSON Lines. Every client is a user of its own; under TLS it has a key of its own.
struct QQPeer: Peer {
  var endpoint: Endpoint
  private let tls: TLSContext?

  init(endpoint: Endpoint) throws {
    self.endpoint = endpoint
    tls = endpoint.usesTLS ? try TLSContext(applicationProtocol: "qq/1") : nil
  }

  var kind: PeerKind { .qq }
  var newlinesPerDelivery: Int { 1 }
  var acknowledgement: Acknowledgement { .lines(perMessage: 1) }
  var refusal: [UInt8] { Array(#""type":"error""#.utf8) }

  func openListener(_ index: Int) throws -> Connection {
    let connection = try introduce("listener\(index)")
    try connection.send(#"{"type":"listen","ref":1,"after":"now"}"# + "\n")
    try expect(#""type":"ok""#, on: connection)
    return connection
  }

  func openSender(_ index: Int, acknowledged: Bool) throws -> Connection {
    try introduce("sender\(index)")
  }

  func frame(text: [UInt8], sender: Int, acknowledged: Bool) -> FrameTemplate {
    let zeros = String(repeating: "0", count: ULIDSource.length)
    let reference = #"{"type":"send","ref":"#
    let identifier = #"1000000000,"id":""#
    var frame = FrameTemplate(
      reference + identifier + zeros + #"","to":["@all"],"text":""# + String(decoding: text, as: UTF8.self) + "\"}\n")
    frame.refAt = reference.utf8.count
    frame.idAt = reference.utf8.count + identifier.utf8.count
    return frame
  }

  private func introduce(_ nick: String) throws -> Connection {
    let connection = try Connection(to: endpoint)
    if let tls { try connection.startTLS(tls, as: SelfSignedCertificate.make(name: nick)) }
    try connection.send(#"{"type":"hello","protocol":1,"nick":"\#(nick)","agent":"qq-bench"}"# + "\n")
    try expect(#""type":"welcome""#, on: connection)
    return connection
  }

  private func expect(_ type: String, on connection: Connection) throws {
    while true {
      let line = try connection.receiveLine()
      if line.contains(type) { return }
      if line.contains(#""type":"error""#) { throw BenchError("the hub refused: \(line)") }
    }
  }
}
