import Crypto
import QQClient
import QQProtocol
import Synchronization

/// Makes messages of what the command line and standard input say. Throws `CommandFailure` with status 65 for what the
/// hub would refuse.
final class MessageSource: Sendable {
  private let targets: [String]
  private let aliases: Aliases
  private let key: String?
  private let replyTo: MessageID?
  private let generator: Mutex<MessageIDGenerator>

  init(targets: [String], aliases: Aliases = Aliases(), key: String?, replyTo: MessageID?) {
    self.targets = targets.map(aliases.resolve)
    self.aliases = aliases
    self.key = key
    self.replyTo = replyTo
    generator = Mutex(MessageIDGenerator(random: (.random(in: 0...(.max)), .random(in: 0...(.max)))))
  }

  func message(_ bytes: [UInt8]) throws -> OutgoingMessage {
    let text = try Self.text(bytes, what: "the message")
    let id = key.map { Self.id(key: $0) } ?? newID()
    return try Self.sendable(OutgoingMessage(id: id, to: targets, text: text, replyTo: replyTo), what: "the message")
  }

  /// With a key, a line's id is the key's and the line's number's.
  func line(_ bytes: [UInt8], number: Int) throws -> OutgoingMessage? {
    let bytes = bytes.last == UInt8(ascii: "\r") ? Array(bytes.dropLast()) : bytes
    let text = try Self.text(bytes, what: "line \(number)")
    let id = key.map { Self.id(key: "\($0)\u{0}\(number)") } ?? newID()
    return try Self.sendable(
      OutgoingMessage(id: id, to: targets, text: text, replyTo: replyTo, line: number), what: "line \(number)")
  }

  /// An object as `listen` prints it, or `{"to":…,"text":…}`; nil for an event that is no message.
  func object(_ bytes: [UInt8], number: Int) throws -> OutgoingMessage? {
    if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { return nil }
    func fault(_ reason: String) -> CommandFailure { CommandFailure(.data, "line \(number): \(reason)") }
    var object = JSONObject()
    let span = bytes.span.bytes
    do {
      try object.parse(span)
    } catch {
      throw fault("not one strict JSON object")
    }
    func string(_ name: StaticString) throws -> String? {
      switch object.value(name, span) {
      case .string(let range, let isEscaped): JSONObject.text(range, isEscaped: isEscaped, span)
      case nil: nil
      default: throw fault("\"\(name)\" must be a string")
      }
    }
    if let type = try string("type"), type != "message" { return nil }
    guard let text = try string("text") else { throw fault("\"text\" is missing") }
    guard text.utf8.count <= ProtocolLimits.text else {
      throw fault("the text is longer than \(ProtocolLimits.text) bytes")
    }
    var to = targets
    switch object.value("to", span) {
    case .string(let range, let isEscaped): to = Target.split(JSONObject.text(range, isEscaped: isEscaped, span))
    case .array(let range):
      guard let strings = JSONObject.strings(range, limit: ProtocolLimits.targets, span) else {
        throw fault("\"to\" must hold strings, at most \(ProtocolLimits.targets)")
      }
      to = strings
    case nil: break
    default: throw fault("\"to\" must be a string or an array of strings")
    }
    to = to.map(aliases.resolve)
    guard !to.isEmpty else { throw fault("\"to\" is missing, and no TARGETS were given") }
    let reply = try string("reply_to")
    guard reply == nil || reply.flatMap({ MessageID($0) }) != nil else {
      throw fault("\"reply_to\" must be a message's id")
    }
    let id = try string("id").map { MessageID($0) ?? Self.id(key: $0) } ?? newID()
    return try Self.sendable(
      OutgoingMessage(id: id, to: to, text: text, replyTo: reply.flatMap { MessageID($0) }, line: number),
      what: "line \(number)")
  }

  private static func text(_ bytes: [UInt8], what: String) throws -> String {
    guard bytes.count <= ProtocolLimits.text else {
      throw CommandFailure(.data, "\(what) is longer than \(ProtocolLimits.text) bytes")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure(.data, "\(what) is not valid UTF-8")
    }
    return text
  }

  /// A control character takes six bytes in JSON. A line that is too long for the protocol would end the connection, and
  /// with it the stream.
  private static func sendable(_ message: OutgoingMessage, what: String) throws -> OutgoingMessage {
    guard ClientFrame.Send.fitsLine(to: message.to, text: message.text) else {
      throw CommandFailure(.data, "\(what) takes more than \(ProtocolLimits.line) bytes once it is escaped as JSON")
    }
    return message
  }

  /// The id that a key stands for: the first 128 bits of its SHA-256. An id in its own form is that id, so that what a
  /// failed command printed can be given back.
  static func id(key: String) -> MessageID {
    if let id = MessageID(key) { return id }
    let digest = Array(SHA256.hash(data: Array(key.utf8)))
    func word(_ start: Int) -> UInt64 { digest[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    return MessageID(high: word(0), low: word(8))
  }

  /// A name for one reading process.
  static func newReaderName() -> String {
    MessageID(high: .random(in: 0...(.max)), low: .random(in: 0...(.max))).description
  }

  /// An id of a command's own.
  static func freshID() -> MessageID {
    MessageSource(targets: [], key: nil, replyTo: nil).newID()
  }

  private func newID() -> MessageID {
    let time = Clock.now
    let random = (UInt64.random(in: 0...(.max)), UInt64.random(in: 0...(.max)))
    return generator.withLock { $0.next(time: time, random: random) }
  }
}
