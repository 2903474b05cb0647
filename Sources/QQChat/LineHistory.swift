import Glibc
import QQIdentity

/// What was typed to one hub, in a file that only its owner may read: an entry a line, newlines as `\n`, backslashes
/// doubled, the newest last. Bounded in entries and bytes. Losing it hurts nobody, so what fails is left.
struct LineHistory: Sendable {
  static let most = 1_000
  private static let mostBytes = 512 << 10
  private static let longestEntry = 8 << 10

  private let path: String
  private var appended = 0

  /// `directory`: where the histories are.
  init(directory: String, hub: String) {
    path = "\(directory)/\(Self.fileName(hub))"
  }

  /// A hub's name holds what its user typed: nothing of it may lead elsewhere.
  static func fileName(_ hub: String) -> String {
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_[]".utf8)
    var name = ""
    for byte in hub.utf8 {
      if allowed.contains(byte) {
        name.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        name += "%" + String(byte, radix: 16)
      }
    }
    return name + ".history"
  }

  /// The entries, oldest first. Brings the file within its bounds.
  mutating func load() -> [String] {
    appended = 0
    guard let bytes = try? PrivateFile.read(path, limit: 4 * Self.mostBytes) else { return [] }
    let (entries, isWhole) = Self.newest(bytes)
    if !isWhole {
      try? PrivateFile.write(Array(entries.map { Self.line($0) }.joined().utf8), to: path, replacing: true)
    }
    return entries
  }

  /// Keeps what was typed now: a program that is killed hasn't forgotten it.
  mutating func add(_ entry: String) {
    let line = Self.line(entry)
    guard line.utf8.count <= Self.longestEntry else { return }
    if appended > Self.mostBytes { _ = load() }
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    try? PrivateFile.makeDirectory(String(path[..<slash]))
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return }
    // One write: of two chats that type at once neither tears the other's line.
    let bytes = Array(line.utf8)
    _ = write(file, bytes, bytes.count)
    close(file)
    appended += bytes.count
  }

  /// The newest entries that are within the bounds; `isWhole`: that is all of them.
  static func newest(_ bytes: [UInt8]) -> (entries: [String], isWhole: Bool) {
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    var entries: [String] = []
    var size = 0
    for line in lines.reversed() {
      size += line.count + 1
      guard entries.count < most, size <= mostBytes else { break }
      entries.append(entry(String(decoding: line, as: UTF8.self)))
    }
    return (entries.reversed(), entries.count == lines.count)
  }

  static func line(_ entry: String) -> String {
    entry.replacing("\\", with: "\\\\").replacing("\n", with: "\\n") + "\n"
  }

  static func entry(_ line: String) -> String {
    var entry = ""
    var isEscaped = false
    for character in line {
      if isEscaped {
        entry.append(character == "n" ? "\n" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        entry.append(character)
      }
    }
    return entry
  }
}
