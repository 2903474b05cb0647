/// What a configuration file says: `{"hub": "hub.lan", "nick": "alice", "timeout": "10s", "plaintext": false}`.
/// Fields it doesn't know are ignored.
struct Configuration: Equatable, Sendable {
  var hub: String?
  var nick: String?
  var timeout: String?
  var plaintext: Bool?

  init() {}

  /// Throws a `CommandFailure` with status 78 for what is no such object.
  init(_ bytes: [UInt8], path: String) throws {
    try self.init(SettingsFile(bytes, path: path))
  }

  private init(_ file: SettingsFile) throws {
    hub = try file.value("hub", "a string") { $0 }
    nick = try file.value("nick", "a string") { $0 }
    timeout = try file.value("timeout", "a string") { $0 }
    plaintext = try file.flag("plaintext")
  }

  /// What the file at `path` says; nothing where there is none.
  static func load(_ path: String) throws -> Configuration {
    try SettingsFile.load(path).map { try Configuration($0) } ?? Configuration()
  }

  /// Fields that are absent come from `other`.
  func over(_ other: Configuration) -> Configuration {
    var result = self
    result.hub = hub ?? other.hub
    result.nick = nick ?? other.nick
    result.timeout = timeout ?? other.timeout
    result.plaintext = plaintext ?? other.plaintext
    return result
  }
}
