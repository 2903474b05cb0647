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

/// Returns once `steps` hasn't changed for `milliseconds`.
func stillness(_ milliseconds: Int64, of steps: @Sendable () async -> Int) async throws {
  var last = await steps()
  var since = ContinuousClock.now
  while ContinuousClock.now - since < .milliseconds(milliseconds) {
    try await Task.sleep(for: .milliseconds(max(1, milliseconds / 16)))
    let now = await steps()
    if now != last { (last, since) = (now, .now) }
  }
}
