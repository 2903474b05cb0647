/// A page's hand-written part: the text before the first `.Sh`, which goes on with the description, and its sections by
/// their names.
public struct Sections: Equatable, Sendable {
  public var description: String
  public var named: [(name: String, body: String)]

  public init(_ text: String) {
    description = ""
    named = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix(".Sh ") {
        named.append((String(line.dropFirst(4)), ""))
      } else if named.isEmpty {
        description += line + "\n"
      } else {
        named[named.count - 1].body += line + "\n"
      }
    }
    description = Self.trimmed(description)
    named = named.map { ($0.name, Self.trimmed($0.body)) }
  }

  subscript(name: String) -> String? { named.first { $0.name == name }?.body }

  private static func trimmed(_ text: String) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    while lines.last?.isEmpty == true { lines.removeLast() }
    while lines.first?.isEmpty == true { lines.removeFirst() }
    return lines.joined(separator: "\n")
  }

  public static func == (a: Sections, b: Sections) -> Bool {
    a.description == b.description && a.named.map(\.name) == b.named.map(\.name)
      && a.named.map(\.body) == b.named.map(\.body)
  }
}

/// The examples of a page: what stands between `.Bd -literal` and `.Ed` in its section EXAMPLES.
public struct Example: Equatable, Sendable {
  /// Lines of shell.
  public var script: String
  /// Goes on until it is ended: the line `.\" until ended` stands before it.
  public var isEndless: Bool

  public static func all(in page: String) -> [Example] {
    var examples: [Example] = []
    var script: [Substring]?
    var isEndless = false
    var isInExamples = false
    for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix(".Sh ") { isInExamples = line == ".Sh EXAMPLES" }
      guard isInExamples else { continue }
      if line == ".\\\" until ended" { isEndless = true }
      if line.hasPrefix(".Bd -literal") {
        script = []
      } else if line == ".Ed", let lines = script {
        examples.append(
          Example(
            script: lines.joined(separator: "\n").replacing("\\e", with: "\\").replacing("\\&", with: ""),
            isEndless: isEndless))
        script = nil
        isEndless = false
      } else {
        script?.append(line)
      }
    }
    return examples
  }
}
