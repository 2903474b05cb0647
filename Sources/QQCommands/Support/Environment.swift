import Glibc
import QQProtocol

/// The environment, where files live, and whose account this is.
struct Environment: Sendable {
  private let variables: [String: String]

  init(_ variables: [String: String]) {
    self.variables = variables
  }

  static func current() -> Environment {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
      entry += 1
    }
    return Environment(variables)
  }

  /// A variable that is set and not empty.
  subscript(name: String) -> String? {
    variables[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  subscript(name: String, default fallback: String) -> String { self[name] ?? fallback }

  /// XDG base directories: https://specifications.freedesktop.org/basedir-spec/latest/. A relative one is ignored.
  func directory(_ variable: String, home path: String) -> String {
    if let directory = self[variable], directory.hasPrefix("/") { return directory + "/qq" }
    return "\(home)/\(path)/qq"
  }

  var stateDirectory: String { directory("XDG_STATE_HOME", home: ".local/state") }
  var configDirectory: String { directory("XDG_CONFIG_HOME", home: ".config") }

  private var home: String {
    if let home = self["HOME"] { return home }
    guard let entry = getpwuid(getuid()), let home = entry.pointee.pw_dir else { return "/" }
    return String(cString: home)
  }

  /// The account's name from the password database: `$USER` says who somebody was, not who is asking.
  static var account: String {
    guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "user\(getuid())" }
    return String(cString: name)
  }

  static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    let text = name.withUnsafeBufferPointer {
      String(decoding: $0.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return String(text.prefix { $0 != "." })
  }
}
