/// Runs `body` and gives nil where it isn't done within `milliseconds`; it is cancelled then.
func within<Result: Sendable>(
  _ milliseconds: Int64, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result? {
  try await withThrowingTaskGroup(of: Result?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: .milliseconds(milliseconds))
      return nil
    }
    defer { group.cancelAll() }
    return try await group.next() ?? nil
  }
}
