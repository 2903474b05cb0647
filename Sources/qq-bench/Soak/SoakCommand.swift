import ArgumentParser
import Glibc

struct SoakCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak", abstract: "Everything a hub can do, mixed, for as long as is wanted: what grows?",
    discussion: """
      Starts a hub with TLS and plaintext and keeps it busy: messages of 64 bytes to 60 KiB at --rate to listeners that \
      stay, listeners that come and go, guests with ever new nicks, ever new groups, users who change their nicks, files and folders of 0 \
      bytes to 30 MiB up and down, invites made, used and revoked, users removed, connections reset, and backups. \
      A line a minute says what the hub holds and how long things took; the last compares the medians of the first \
      fifth (after a warm-up of a tenth) with those of the last. What a hub keeps for good (users, groups, messages \
      younger than --retain) grows; it removes what is too old every ten minutes. Fails where the hub ends.
      """)

  @Option(help: "How long.")
  var minutes = 10.0

  @Option(help: "The qq to start.")
  var hub = ".build/release/qq"

  @Option(help: "Messages a second.")
  var rate = 50

  @Option(help: "How long the hub keeps messages.")
  var retain = "1m"

  func validate() throws {
    guard minutes > 0, minutes <= 10_000, (1...10_000).contains(rate) else {
      throw ValidationError("--minutes must be above 0 and no more than 10000, --rate between 1 and 10000")
    }
  }

  func run() throws {
    let world = try SoakWorld(qq: hub, retain: retain)
    defer { world.stop() }
    let report = SoakReport(world, minutes: minutes)
    let threads = try soakChores(world, rate: rate).map { chore in OwnThread { chore.run(world) } }
    report.run()
    world.board.stop()
    for thread in threads { thread.join() }
    report.verdict().emit()
    guard world.hubRuns else { throw ExitCode.failure }
  }
}

/// A thread that is waited for.
final class OwnThread {
  private var thread = pthread_t()

  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  init(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(body)).toOpaque()
    let status = pthread_create(
      &thread, nil,
      { raw in
        if let raw { Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body() }
        return nil
      }, box)
    precondition(status == 0, "no more threads")
  }

  func join() { pthread_join(thread, nil) }
}
