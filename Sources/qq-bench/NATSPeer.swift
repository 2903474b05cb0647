/// Speaks to `nats-server` (docs.nats.io/reference/reference-protocols/nats-protocol). Core NATS acknowledges nothing;
/// a sender that asks for acknowledgements publishes to a JetStream stream, which answers each message.
struct NATSPeer: Peer {
  var endpoint: Endpoint
  private let tls: TLSContext?
  private static let subject = "bench"
  private static let stream = "durable"

  init(endpoint: Endpoint) throws {
    self.endpoint = endpoint
    tls = endpoint.usesTLS ? try TLSContext(applicationProtocol: nil) : nil
  }

  var kind: PeerKind { .nats }
  /// `MSG bench 1 64` and the payload.
  var newlinesPerDelivery: Int { 2 }
  var acknowledgement: Acknowledgement { .lines(perMessage: 2) }
  var refusal: [UInt8] { Array("-ERR".utf8) }

  func openListener(_ index: Int) throws -> Connection {
    try open(subscribe: Self.subject)
  }

  func openSender(_ index: Int, acknowledged: Bool) throws -> Connection {
    try open(subscribe: acknowledged ? inbox(index) : nil)
  }

  func frame(text: [UInt8], sender: Int, acknowledged: Bool) -> FrameTemplate {
    let head = acknowledged ? "PUB \(Self.stream) \(inbox(sender)) \(text.count)" : "PUB \(Self.subject) \(text.count)"
    return FrameTemplate(bytes: Array(head.utf8) + [0x0D, 0x0A] + text + [0x0D, 0x0A])
  }

  /// Makes the stream that acknowledged messages go to, kept in files.
  func makeStream() throws {
    let connection = try open(subscribe: "_INBOX.make")
    let request = #"{"name":"BENCH","subjects":["\#(Self.stream)"],"storage":"file","retention":"limits"}"#
    try connection.send("PUB $JS.API.STREAM.CREATE.BENCH _INBOX.make \(request.utf8.count)\r\n\(request)\r\n")
    _ = try connection.receiveLine()
    let answer = try connection.receiveLine()
    guard !answer.contains(#""error""#) else { throw BenchError("JetStream: \(answer)") }
  }

  private func inbox(_ index: Int) -> String { "_INBOX.sender\(index)" }

  private func open(subscribe subject: String?) throws -> Connection {
    let connection = try Connection(to: endpoint)
    _ = try connection.receiveLine()
    if let tls { try connection.startTLS(tls, as: nil) }
    try connection.send(
      #"CONNECT {"verbose":false,"pedantic":false,"lang":"swift","version":"1","protocol":1}"# + "\r\n")
    if let subject { try connection.send("SUB \(subject) 1\r\n") }
    try connection.send("PING\r\n")
    while true {
      let line = try connection.receiveLine()
      if line == "PONG" { return connection }
      if line.hasPrefix("-ERR") { throw BenchError("nats-server refused: \(line)") }
    }
  }
}
