extension EventCatalog {
  /// qq-events(5).
  public func page(date: String, _ sections: Sections) -> String {
    var out = [
      ".\\\" Made by \"make man\" from Sources/QQManual/EventCatalog.swift and man/sections/qq-events.mdoc: edit those.",
      ".Dd \(date)", ".Dt QQ-EVENTS 5", ".Os", ".Sh NAME", ".Nm qq-events",
      ".Nd what qq prints, one JSON object a line", ".Sh DESCRIPTION", sections.description, ".Bl -tag -width Ds",
    ]
    for event in events {
      out += [
        ".It Li \(event.type) Pq \(event.source)", Mdoc.paragraph(event.text), ".Bl -tag -width reply_to -compact",
      ]
      for field in event.fields {
        let kind = field.kind.name + (field.isAlwaysThere ? "" : ", optional")
        out += [".It Li \(field.name) Pq \(kind)", Mdoc.paragraph(field.text)]
      }
      out += [".El"]
    }
    out += [".El"]
    for (name, body) in sections.named { out += [".Sh \(name)", body] }
    return out.joined(separator: "\n") + "\n"
  }

  /// JSON Schema, 2020-12 (https://json-schema.org/draft/2020-12). Fields that aren't named are allowed: later versions
  /// may have more.
  public var schema: String {
    var out = """
      {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What qq prints, one object a line: qq-events(5)",
        "oneOf": [

      """
    out += events.map(schema).joined(separator: ",\n")
    return out + "\n  ]\n}\n"
  }

  private func schema(_ event: Event) -> String {
    let required = (["type"] + event.fields.filter(\.isAlwaysThere).map(\.name)).map(quoted).joined(separator: ", ")
    let properties =
      ["        \"type\": {\"const\": \(quoted(event.type))}"]
      + event.fields.map { field in
        "        \(quoted(field.name)): {\(field.kind.schema), \"description\": \(quoted(field.text))}"
      }
    return """
          {
            "title": \(quoted(event.type)),
            "description": \(quoted(event.text)),
            "type": "object",
            "required": [\(required)],
            "properties": {
      \(properties.joined(separator: ",\n"))
            }
          }
      """
  }

  /// The catalog's texts hold no control characters.
  private func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}

extension EventCatalog.Kind {
  fileprivate var name: String {
    switch self {
    case .text: "string"
    case .integer: "integer"
    case .flag: "true or false"
    case .time: "time"
    case .id: "id"
    case .names: "array of strings"
    case .hash: "hash"
    case .key: "fingerprint"
    case .counts: "object of integers"
    }
  }

  fileprivate var schema: String {
    switch self {
    case .text: #""type": "string""#
    case .integer: #""type": "integer""#
    case .flag: #""type": "boolean""#
    case .time: #""type": "string", "format": "date-time""#
    case .id: #""type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$""#
    case .names: #""type": "array", "items": {"type": "string"}"#
    case .hash: #""type": "string", "pattern": "^qq-tree-sha256:[0-9a-f]{64}$""#
    case .key: #""type": "string", "pattern": "^SHA256:[A-Za-z0-9+/]{43}$""#
    case .counts: #""type": "object", "additionalProperties": {"type": "integer"}"#
    }
  }
}
