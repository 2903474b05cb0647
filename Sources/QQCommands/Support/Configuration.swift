import QQIdentity
import QQProtocol

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
    var object = JSONObject()
    do {
      try object.parse(bytes.span.bytes)
    } catch {
      throw CommandFailure(.config, "\(path) is not one strict JSON object")
    }
    func string(_ key: StaticString) throws -> String? {
      switch object.value(key, bytes.span.bytes) {
      case .string(let range, let isEscaped): JSONObject.text(range, isEscaped: isEscaped, bytes.span.bytes)
      case nil: nil
      default: throw CommandFailure(.config, "\(path): \"\(key)\" must be a string")
      }
    }
    hub = try string("hub")
    nick = try string("nick")
    timeout = try string("timeout")
    switch object.value("plaintext", bytes.span.bytes) {
    case .bool(let value): plaintext = value
    case nil: plaintext = nil
    default: throw CommandFailure(.config, "\(path): \"plaintext\" must be true or false")
    }
  }

  /// What the file at `path` says; nothing where there is none.
  static func load(_ path: String) throws -> Configuration {
    let bytes: [UInt8]
    do throws(IdentityError) {
      bytes = try PrivateFile.read(path, limit: 1 << 20)
    } catch .missing {
      return Configuration()
    } catch {
      throw CommandFailure(.config, error.message)
    }
    return try Configuration(bytes, path: path)
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
