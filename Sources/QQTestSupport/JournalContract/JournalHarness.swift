import QQJournal
import QQProtocol

/// How the contract gets at an implementation.
public struct JournalHarness: Sendable {
  public typealias Subject = any (Journal & Store)

  /// A new and empty one, with the epoch `epoch`.
  public var make: @Sendable () throws -> Subject
  /// Opens again what was closed; nil where nothing outlives it.
  public var reopen: (@Sendable () throws -> Subject)?
  /// Ids outlive their messages, as `remove` asks for.
  public var keepsIDs: Bool

  public static let epoch = "epoch-1"

  public init(
    make: @escaping @Sendable () throws -> Subject, reopen: (@Sendable () throws -> Subject)? = nil, keepsIDs: Bool
  ) {
    self.make = make
    self.reopen = reopen
    self.keepsIDs = keepsIDs
  }
}

/// Something does not hold.
public struct ContractViolation: Error, CustomStringConvertible {
  public var description: String
}

func expect<Value: Equatable>(
  _ found: Value, _ expected: Value, _ what: String, line: Int = #line
) throws(ContractViolation) {
  guard found != expected else { return }
  throw ContractViolation(description: "\(what) is \(found), not \(expected) (line \(line))")
}

/// A journal whose events are awaited, and whose answers are returned.
public struct JournalProbe: Sendable {
  public let journal: JournalHarness.Subject
  private let events: AsyncStream<JournalEvent>
  private let sink: AsyncStream<JournalEvent>.Continuation

  public init(_ journal: JournalHarness.Subject) {
    self.journal = journal
    (events, sink) = AsyncStream.makeStream()
  }

  public func start() {
    journal.start { [sink] in sink.yield($0) }
  }

  /// The next event; nil after `close`.
  public func event() async -> JournalEvent? {
    var iterator = events.makeAsyncIterator()
    return await iterator.next()
  }

  /// The next batches, up to the one that completes `count` records.
  public func batches(_ count: Int) async throws -> [CommittedBatch] {
    var batches: [CommittedBatch] = []
    var seen = 0
    while seen < count {
      guard case .committed(let batch) = await event() else {
        throw ContractViolation(description: "\(seen) records were delivered, not \(count)")
      }
      batches.append(batch)
      seen += batch.records.count
    }
    return batches
  }

  /// The next `count` records.
  public func records(_ count: Int) async throws -> [Committed] {
    try await batches(count).flatMap(\.records)
  }

  /// Appends messages and projects them under their conversations; gives the records.
  @discardableResult
  public func accept(_ messages: [(Record, [Conversation])]) async throws -> [Committed] {
    journal.append(messages.map(\.0))
    let records = try await records(messages.count)
    journal.project(
      Projection(
        changes: zip(records, messages).compactMap { .message($0, $1.1) }, through: records.last?.seq ?? 0))
    return records
  }

  public func page(_ query: PageQuery) async -> Page {
    await withCheckedContinuation { answer in journal.page(query) { answer.resume(returning: $0) } }
  }

  public func seq(before time: Timestamp) async -> Seq {
    await withCheckedContinuation { answer in journal.seq(before: time) { answer.resume(returning: $0) } }
  }

  public func remove(before time: Timestamp, idsBefore: Timestamp) async -> Seq {
    await withCheckedContinuation { answer in
      journal.remove(before: time, idsBefore: idsBefore) { answer.resume(returning: $0) }
    }
  }

  public func close() async {
    await withCheckedContinuation { answer in journal.close { answer.resume() } }
    sink.finish()
  }
}
