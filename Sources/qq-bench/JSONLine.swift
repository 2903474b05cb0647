import Glibc

/// One line of output: fields in the order given.
struct JSONLine {
  enum Value: ExpressibleByStringLiteral {
    case string(String)
    case int(Int)
    case number(Double)
    case bool(Bool)

    init(stringLiteral value: String) {
      self = .string(value)
    }
  }

  var fields: [(String, Value)]

  init(_ fields: [(String, Value)]) {
    self.fields = fields
  }

  var text: String {
    "{" + fields.map { "\(quoted($0.0)):\(render($0.1))" }.joined(separator: ",") + "}"
  }

  /// Prints the line at once, so that a reader sees every figure as soon as it is known.
  func emit() {
    show(text + "\n")
  }

  private func render(_ value: Value) -> String {
    switch value {
    case .string(let text): return quoted(text)
    case .int(let number): return String(number)
    case .bool(let flag): return flag ? "true" : "false"
    case .number(let number): return number.isFinite ? plain(number) : "0"
    }
  }

  private func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

/// A number with three decimals at most and none where it is large: what a figure is worth.
func plain(_ number: Double) -> String {
  if abs(number) >= 1000 || number == number.rounded() { return String(Int(number.rounded())) }
  let thousandths = Int((number * 1000).rounded())
  let sign = thousandths < 0 ? "-" : ""
  var fraction = String(abs(thousandths) % 1000)
  fraction = String(repeating: "0", count: 3 - fraction.count) + fraction
  while fraction.hasSuffix("0") { fraction.removeLast() }
  return sign + String(abs(thousandths) / 1000) + (fraction.isEmpty ? "" : "." + fraction)
}

/// Tells whoever watches what is going on, on stderr: stdout carries figures alone.
func note(_ text: String) {
  _ = writeAll(2, "qq-bench: \(text)\n")
}

/// Prints on stdout. Where nobody reads it any more there is nothing left to measure for.
func show(_ text: String) {
  guard writeAll(1, text) else { _exit(0) }
}
