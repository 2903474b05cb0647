import Glibc
import Logging
import QQProtocol

/// What a hub has to say while it runs, on standard error: to a person a line of text, to a log a line of JSON with
/// `time`, `level`, `message` and whatever else belongs to it. Never the text of a message, and no secret.
struct LogLines: LogHandler {
  var logLevel = Logger.Level.notice
  var metadata: Logger.Metadata = [:]
  private let isForPeople: Bool

  init(isForPeople: Bool = Descriptor.isTerminal(2)) {
    self.isForPeople = isForPeople
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let line = Self.line(
      event.level, "\(event.message)", fields.map { ($0.key, "\($0.value)") }, time: Clock.now,
      isForPeople: isForPeople)
    // The hub waits for nobody who doesn't read its log: what there is no room for is left out.
    var state = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
    guard poll(&state, 1, 0) > 0 else { return }
    try? Descriptor.write(line, to: 2)
  }

  /// Pure.
  static func line(
    _ level: Logger.Level, _ message: String, _ fields: [(key: String, value: String)], time: Timestamp,
    isForPeople: Bool
  ) -> [UInt8] {
    guard !isForPeople else {
      let more = fields.isEmpty ? "" : " (" + fields.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + ")"
      return Array(("qq: " + TextSafety.visible(message + more) + "\n").utf8)
    }
    var writer = JSONWriter(reserving: 256)
    writer.begin("log")
    writer.field("time", time)
    writer.field("level", level.rawValue)
    writer.field("message", message)
    for (key, value) in fields {
      writer.bytes.append(UInt8(ascii: ","))
      writer.string(key)
      writer.bytes.append(UInt8(ascii: ":"))
      writer.string(value)
    }
    writer.end()
    return writer.bytes
  }
}
