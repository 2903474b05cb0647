import Glibc

/// A command whose time from start to exit matters.
struct TimedCommand {
  var name: String
  var arguments: [String]
  var environment: [String: String] = [:]
}

struct CommandResult {
  var name: String
  /// Sorted, in milliseconds.
  var samples: [Double]

  var fields: [(String, JSONLine.Value)] {
    [
      ("command", .string(name)), ("runs", .int(samples.count)), ("p50_ms", .number(median(samples) ?? 0)),
      ("p10_ms", .number(percentile(0.1, ofSorted: samples))), ("p90_ms", .number(percentile(0.9, ofSorted: samples))),
    ]
  }
}

/// Runs the commands in turn, `runs` times each after `warmup` that don't count, so that whatever else the machine does
/// falls on all of them alike. A command that fails ends the measurement.
func timeCommands(_ commands: [TimedCommand], runs: Int, warmup: Int = 5) throws -> [CommandResult] {
  let folder = try TemporaryFolder()
  let errors = "\(folder.path)/stderr"
  var samples = [[Double]](repeating: [], count: commands.count)
  for run in 0..<warmup + runs {
    for (index, command) in commands.enumerated() {
      let start = monotonicNanoseconds()
      let status = try Child.start(command.arguments, environment: command.environment, errors: errors).wait()
      let elapsed = Double(monotonicNanoseconds() - start) / 1e6
      guard status == 0 else {
        throw BenchError(
          "\(command.name) ended with \(status): \(readFile(errors)?.split(separator: "\n").first ?? "")")
      }
      if run >= warmup { samples[index].append(elapsed) }
    }
  }
  return zip(commands, samples).map { CommandResult(name: $0.name, samples: $1.sorted()) }
}
