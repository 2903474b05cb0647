import QQClient
import QQProtocol

/// What a command prints. The only place that knows JSON from text: data goes to standard output, a line each and
/// flushed at once; everything else to standard error.
struct Output: Sendable {
  let isJSON: Bool
  private let isQuiet: Bool
  private let isVerbose: Bool
  private var renderer: TextRenderer

  init(_ settings: OutputSettings, _ environment: Environment) {
    let isTerminal = Descriptor.isTerminal(1)
    isJSON = settings.format.map { $0 == .json } ?? !isTerminal
    isQuiet = settings.isQuiet
    isVerbose = settings.isVerbose
    renderer = TextRenderer(
      usesColor: isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb",
      isTerminal: isTerminal)
  }

  /// The same, with users' keys also in text.
  var withKeys: Output {
    var output = self
    output.renderer.showsKeys = true
    return output
  }

  // MARK: Data

  /// Events as the hub sent them, in one write.
  func show(_ lines: some Sequence<HubLine>) throws {
    var writer = JSONWriter()
    for line in lines {
      if isJSON {
        writer.line(line.bytes)
        writer.bytes.append(UInt8(ascii: "\n"))
      } else if let frame = line.frame {
        writer.bytes += renderer.line(frame).utf8
      }
    }
    if !writer.bytes.isEmpty { try Descriptor.write(writer.bytes, to: 1) }
  }

  func show(_ frame: HubFrame) throws {
    var writer = JSONWriter(reserving: 256)
    if isJSON {
      frame.encode(into: &writer)
    } else {
      writer.bytes += renderer.line(frame).utf8
    }
    if !writer.bytes.isEmpty { try Descriptor.write(writer.bytes, to: 1) }
  }

  /// An object of this program's own, and how a person reads it.
  func show(text: String, json: (inout JSONWriter) -> Void) throws {
    var writer = JSONWriter(reserving: 256)
    if isJSON {
      json(&writer)
    } else {
      // The lines are this program's; what stands in them may come from a hub.
      writer.bytes += (TextSafety.visible(text, keepNewlines: true) + "\n").utf8
    }
    try Descriptor.write(writer.bytes, to: 1)
  }

  // MARK: Diagnostics

  /// What went wrong. Text of others is made safe: it may have come from the hub.
  func complain(_ message: String) {
    Self.complain(message)
  }

  static func complain(_ message: String) {
    try? Descriptor.write(Array("qq: \(TextSafety.visible(message))\n".utf8), to: 2)
  }

  /// A question, which is answered on the same line.
  func ask(_ question: String) {
    try? Descriptor.write(Array("qq: \(TextSafety.visible(question))".utf8), to: 2)
  }

  /// What is worth knowing, unless `-q`.
  func note(_ message: String) {
    if !isQuiet { complain(message) }
  }

  /// What only `-v` shows.
  func detail(_ message: String) {
    if isVerbose { complain(message) }
  }
}

enum OutputFormat: Sendable {
  case json
  case text
}
