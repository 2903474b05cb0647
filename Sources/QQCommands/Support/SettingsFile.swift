import QQIdentity
import QQProtocol

/// One strict JSON object that a person wrote. What is wrong with it is a `CommandFailure` with status 78 that names the
/// file and the field.
struct SettingsFile {
  private let path: String
  private let bytes: [UInt8]
  private var object = JSONObject()

  init(_ bytes: [UInt8], path: String) throws {
    self.bytes = bytes
    self.path = path
    do {
      try object.parse(bytes.span.bytes)
    } catch {
      throw CommandFailure(.config, "\(path) is not one strict JSON object")
    }
  }

  /// nil where there is none.
  static func load(_ path: String) throws -> SettingsFile? {
    let bytes: [UInt8]
    do throws(IdentityError) {
      bytes = try PrivateFile.read(path, limit: 1 << 20)
    } catch .missing {
      return nil
    } catch {
      throw CommandFailure(.config, error.message)
    }
    return try SettingsFile(bytes, path: path)
  }

  /// Throws where a field is none of these.
  func allow(_ fields: [String]) throws {
    for key in object.keys(bytes.span.bytes) where !fields.contains(key) {
      let nearest = NearestName.nearest(to: key, among: fields).map { " (did you mean \"\($0)\"?)" } ?? ""
      throw CommandFailure(.config, "\(path): there is no \"\(key)\"\(nearest): qq-config(5) lists what there is")
    }
  }

  /// A string that `read` makes something of. `what`: what it must be, for an error.
  func value<Value>(_ key: StaticString, _ what: String, _ read: (String) -> Value?) throws -> Value? {
    switch object.value(key, bytes.span.bytes) {
    case nil: return nil
    case .string(let range, let isEscaped):
      guard let value = read(JSONObject.text(range, isEscaped: isEscaped, bytes.span.bytes)) else {
        throw wrong(key, what)
      }
      return value
    default: throw wrong(key, what)
    }
  }

  /// An array of such strings.
  func values<Value>(_ key: StaticString, _ what: String, _ read: (String) -> Value?) throws -> [Value]? {
    switch object.value(key, bytes.span.bytes) {
    case nil: return nil
    case .array(let range):
      guard let texts = JSONObject.strings(range, limit: 10_000, bytes.span.bytes) else { throw wrong(key, what) }
      return try texts.map { text in
        guard let value = read(text) else { throw wrong(key, "\(what), which \"\(text)\" isn't one of") }
        return value
      }
    default: throw wrong(key, what)
    }
  }

  func flag(_ key: StaticString) throws -> Bool? {
    switch object.value(key, bytes.span.bytes) {
    case nil: nil
    case .bool(let value): value
    default: throw wrong(key, "true or false")
    }
  }

  private func wrong(_ key: StaticString, _ what: String) -> CommandFailure {
    CommandFailure(.config, "\(path): \"\(key)\" must be \(what)")
  }
}
