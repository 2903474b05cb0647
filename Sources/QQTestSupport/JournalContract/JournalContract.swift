import QQJournal
import QQProtocol

/// What holds for every journal and store, whatever it keeps its records in.
public enum JournalContract {
  public struct Check: Sendable, CustomStringConvertible {
    /// A sentence that says what holds.
    public var description: String
    var body: @Sendable (JournalHarness) async throws -> Void

    init(_ description: String, _ body: @escaping @Sendable (JournalHarness) async throws -> Void) {
      self.description = description
      self.body = body
    }

    /// Throws a `ContractViolation` where it doesn't hold.
    public func run(_ harness: JournalHarness) async throws {
      try await body(harness)
    }
  }

  public static let checks: [Check] = appending + ids + pages + times + removal + snapshots + reopening
}
