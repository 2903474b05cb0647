import QQProtocol

/// A line of output that may be a JSON object.
public struct JSONLine: Equatable, Sendable, CustomStringConvertible {
  public let bytes: [UInt8]
  public var text: String { String(decoding: bytes, as: UTF8.self) }
  public var description: String { text }

  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  private func value(_ key: StaticString) -> JSONObject.Value? {
    var object = JSONObject()
    guard (try? object.parse(bytes.span.bytes)) != nil else { return nil }
    return object.value(key, bytes.span.bytes)
  }

  /// A field's string; nil where it is absent or no string.
  public subscript(_ key: StaticString) -> String? {
    guard case .string(let range, let isEscaped)? = value(key) else { return nil }
    return JSONObject.text(range, isEscaped: isEscaped, bytes.span.bytes)
  }

  public func integer(_ key: StaticString) -> Int64? {
    if case .integer(let number)? = value(key) { number } else { nil }
  }

  public func bool(_ key: StaticString) -> Bool? {
    if case .bool(let flag)? = value(key) { flag } else { nil }
  }

  public func strings(_ key: StaticString) -> [String]? {
    guard case .array(let range)? = value(key) else { return nil }
    return JSONObject.strings(range, limit: .max, bytes.span.bytes)
  }

  /// The names of its fields.
  public var keys: [String] {
    var object = JSONObject()
    guard (try? object.parse(bytes.span.bytes)) != nil else { return [] }
    return object.keys(bytes.span.bytes)
  }
}
