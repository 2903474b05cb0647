import QQIdentity
import QQProtocol

/// Asks hubs for their keys, telling them nothing.
public enum HubProbe {
  /// The key that the hub at `endpoint` proves to have. Throws `ClientError`. `within`: milliseconds.
  public static func key(of endpoint: Endpoint, within limit: Int64) async throws -> Fingerprint {
    let configuration = LinkConfiguration(
      endpoint: endpoint, security: .tls(nil, .firstUse { _ in false }), hello: ClientFrame.Hello(), timeout: limit)
    do {
      try await HubLink.with(configuration) { _, _ in }
    } catch ClientError.untrusted(_, let key) {
      return key
    }
    throw ClientError.lost(endpoint)
  }

  public typealias Finding = (endpoint: Endpoint, key: Result<Fingerprint, any Error>)

  /// What is found at each of these as it turns out, each asked within `limit` milliseconds, and so many after the one
  /// before it: who takes the first that is right prefers earlier ones then (RFC 8305, section 5). Who stops reading
  /// leaves the rest to itself.
  public static func findings(
    at endpoints: [Endpoint], within limit: Int64, apart pause: Int64 = 0
  ) -> AsyncStream<Finding> {
    let (stream, continuation) = AsyncStream.makeStream(of: Finding.self)
    let task = Task {
      await withTaskGroup { group in
        for (index, endpoint) in endpoints.enumerated() {
          group.addTask {
            do {
              try await Task.sleep(for: .milliseconds(Int64(index) * pause))
              continuation.yield((endpoint, .success(try await key(of: endpoint, within: limit))))
            } catch {
              continuation.yield((endpoint, .failure(error)))
            }
          }
        }
      }
      continuation.finish()
    }
    continuation.onTermination = { _ in task.cancel() }
    return stream
  }
}
