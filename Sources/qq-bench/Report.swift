/// What a suite has found: medians over its rounds, and how the targets stand.
struct Report {
  var samples: [String: [Double]] = [:]
  /// Names in the order of their first appearance.
  private var order: [String] = []

  mutating func add(_ name: String, _ value: Double) {
    if samples[name] == nil { order.append(name) }
    samples[name, default: []].append(value)
  }

  var medians: [String: Double] { samples.compactMapValues { median($0) } }

  /// A line for each median and each target.
  func lines(_ targets: [Target]) -> [JSONLine] {
    let medians = self.medians
    var lines = order.map { name in
      JSONLine([
        ("type", "median"), ("name", .string(name)), ("value", .number(medians[name] ?? 0)),
        ("least", .number(samples[name]?.min() ?? 0)), ("most", .number(samples[name]?.max() ?? 0)),
        ("rounds", .int(samples[name]?.count ?? 0)),
      ])
    }
    for target in targets {
      guard let verdict = target.verdict(medians) else { continue }
      var fields: [(String, JSONLine.Value)] = [
        ("type", "target"), ("title", .string(target.title)), ("figure", .number(verdict.figure)),
      ]
      if let reference = verdict.reference {
        fields += [("reference", .number(reference)), ("ratio", .number(verdict.compared))]
      }
      fields += [("target", .string(bound(target))), ("verdict", .string(verdict.isReached ? "pass" : "short"))]
      lines.append(JSONLine(fields))
    }
    return lines
  }

  /// The table for the README.
  func markdown(_ targets: [Target], machine: Machine, rounds: Int) -> String {
    let medians = self.medians
    var text = """
      Medians of \(rounds) interleaved rounds on \(machine.processor), \(machine.cores) cores, \
      \(machine.memoryMiB / 1024) GiB, Linux \(machine.kernel), \(machine.system), data on \
      \(TemporaryFolder.fileSystem); the load generator shares the cores.

      | what | qq | compared with | ratio | target | |
      | --- | ---: | ---: | ---: | --- | --- |

      """
    for target in targets {
      guard let verdict = target.verdict(medians) else {
        text += "| \(target.title) | | | | \(bound(target)) | not measured |\n"
        continue
      }
      let figure = "\(readable(verdict.figure)) \(target.unit)"
      let reference = verdict.reference.map { "\(readable($0))" } ?? ""
      let ratio = verdict.reference == nil ? "" : readable(verdict.compared)
      let word = verdict.isReached ? "pass" : "**short**"
      let beside = target.beside.compactMap { name in medians[name].map { "\(name) \(readable($0))" } }
      let title = beside.isEmpty ? target.title : "\(target.title) (\(beside.joined(separator: ", ")))"
      text += "| \(title) | \(figure) | \(reference) | \(ratio) | \(bound(target)) | \(word) |\n"
    }
    return text
  }

  private func bound(_ target: Target) -> String {
    let unit = target.reference == nil ? " \(target.unit)" : " times"
    switch target.bound {
    case .atLeast(let value): return "at least \(readable(value))\(unit)"
    case .atMost(let value): return "at most \(readable(value))\(unit)"
    }
  }

  /// Three significant digits, or thousands parted by commas.
  func readable(_ value: Double) -> String {
    if abs(value) >= 1000 {
      var digits = String(Int(value.rounded()))
      var parts: [String] = []
      while digits.count > 3 {
        parts.insert(String(digits.suffix(3)), at: 0)
        digits.removeLast(3)
      }
      return ([digits] + parts).joined(separator: ",")
    }
    let scale: Double = abs(value) >= 100 ? 1 : abs(value) >= 10 ? 10 : 100
    return plain((value * scale).rounded() / scale)
  }
}
