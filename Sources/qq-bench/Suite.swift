import ArgumentParser
import Glibc

struct Suite: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "suite",
    abstract: "Runs everything side by side, several rounds interleaved; prints medians, ratios and a table.",
    discussion: """
      Every server is started on a free port of 127.0.0.1 with a folder of its own, and stopped again. Figures come \
      as JSON lines on stdout, then medians and verdicts, then the table in Markdown. The status is 1 if a run \
      failed; a figure that falls short is said and changes nothing.
      """)

  @Option(help: "The qq to measure.")
  var hub = ".build/release/qq"

  @Option(help: "Rounds.")
  var rounds = 3

  @Option(
    parsing: .upToNextOption,
    help: "Only these: \(Measurement.Group.allCases.map(\.rawValue).joined(separator: ", ")); commas do as well.")
  var only: [String] = []

  @Flag(help: "Shorter runs, for a first look.")
  var quick = false

  @Flag(help: "Before the first round, find the window each server is fastest with.")
  var tune = false

  @Flag(help: "Also check with strace that every acknowledgement comes after its fdatasync.")
  var strace = false

  @Option(help: "Also write the table to this file.")
  var markdown: String?

  func validate() throws {
    guard (1...100).contains(rounds) else { throw ValidationError("--rounds must be between 1 and 100") }
    _ = try groups()
  }

  func run() throws {
    let machine = Machine.current()
    machine.json.emit()
    if machine.load > 0.5 {
      note("this machine is busy (load \(plain(machine.load))): figures will be lower and uneven")
    }
    let groups = try groups()
    let measurements = Measurement.all.filter { !$0.groups.isDisjoint(with: groups) }
    let targets = Target.all.filter { groups.contains($0.group) }
    var runner = Runner(programs: .find(qq: hub), pace: quick ? .quick : .usual)
    var report = Report()
    var failures = 0

    if tune {
      for measurement in measurements {
        note("tuning \(measurement.name)")
        runner.windows[measurement.name] = try runner.tune(measurement)
      }
    }
    for round in 1...rounds {
      for measurement in measurements {
        // A trace proves something or doesn't: once is enough.
        if case .syncTrace = measurement.kind, round > 1 { continue }
        note("round \(round) of \(rounds): \(measurement.name)")
        do {
          for figure in try runner.take(measurement, round: round) { report.add(figure.name, figure.value) }
        } catch {
          failures += 1
          note("\(measurement.name) failed: \(error)")
          JSONLine([
            ("type", "failure"), ("name", .string(measurement.name)), ("round", .int(round)),
            ("message", .string("\(error)")),
          ]).emit()
        }
      }
    }

    for line in report.lines(targets) { line.emit() }
    let table = report.markdown(targets, machine: machine, rounds: rounds)
    show("\n" + table)
    if let markdown { try writeFile(markdown, table) }
    if failures > 0 {
      note("\(failures) runs failed")
      throw ExitCode.failure
    }
  }

  private func groups() throws -> Set<Measurement.Group> {
    let names = only.flatMap { $0.split(separator: ",").map(String.init) }
    var groups = Set<Measurement.Group>()
    for name in names {
      guard let group = Measurement.Group(rawValue: name) else { throw ValidationError("nothing is called \(name)") }
      groups.insert(group)
    }
    if names.isEmpty { groups = Set(Measurement.Group.allCases).subtracting([.strace]) }
    if strace { groups.insert(.strace) }
    return groups
  }
}
