import QQClient
import QQIdentity
import QQProtocol

/// Which hub is used, and why it is believed to be the right one.
extension CommandContext {
  /// What a command works with: see `located`.
  static func find(_ options: GlobalOptions, targets: [String] = []) async throws -> CommandContext {
    try await CommandContext(options).located(for: targets)
  }

  /// With a hub: the one that is named, or was used before, or is on this machine, or is found. `targets`: what is
  /// written to; where one is an address, the hub may be there.
  func located(for targets: [String] = []) async throws -> CommandContext {
    var context = self
    guard context.hubSource == nil, context.remembered == nil, !context.isPlaintext,
      !HubFinder.isListening(port: context.endpoint.port)
    else { return context }
    let places = targets.flatMap(context.targets).compactMap { IPAddress($0) }.filter { !$0.isLoopback }
    let candidates = await context.candidates(at: places.map { Endpoint(host: $0.description) })
    let trusted = try context.knownHubs.all().map(\.entry)
    switch HubChoice(among: candidates, isTrusted: { trusted.contains(.pin($0)) }) {
    case .use(let hub): try context.use(hub)
    case .ask(let hub):
      guard try await context.asksToTrust(hub) else { throw Self.untrusted([hub]) }
      try context.trust(hub.endpoint, hub.fingerprint)
      try context.use(hub)
    case .several(let hubs, let areTrusted):
      guard let hub = try await context.asksWhich(hubs) else {
        throw areTrusted ? Self.several(hubs) : Self.untrusted(hubs)
      }
      try context.trust(hub.endpoint, hub.fingerprint)
      try context.use(hub)
    case .none:
      throw CommandFailure(
        .noHost,
        "no hub is named, and none was found on this machine or the LAN: \"qq serve\" starts one, --hub names one")
    }
    return context
  }

  private func candidates(at places: [Endpoint]) async -> [HubCandidate] {
    var candidates: [HubCandidate] = []
    for await candidate in HubFinder.hubs(at: places) { candidates.append(candidate) }
    return candidates
  }

  private mutating func use(_ hub: HubCandidate) throws {
    output.detail("using the hub that was found at \(hub.endpoint)")
    endpoint = hub.endpoint
    remembered = RememberedHub(place: hub.endpoint.description, fingerprint: hub.fingerprint)
    _ = try useFromNowOn(hub.endpoint, hub.fingerprint, identity: nil)
  }

  private static func several(_ hubs: [HubCandidate]) -> CommandFailure {
    CommandFailure(
      .noHost,
      "several hubs were found: \(hubs.map(describe).joined(separator: ", ")); --hub names one, and \"qq trust "
        + "\(hubs[0].endpoint)\" makes that the one to use")
  }

  private static func untrusted(_ hubs: [HubCandidate]) -> CommandFailure {
    let which = hubs.count == 1 ? "a hub was found that isn't trusted yet" : "hubs were found that aren't trusted yet"
    return CommandFailure(
      .noHost,
      "\(which): \(hubs.map(describe).joined(separator: ", ")); if that is the right one, \"qq trust "
        + "\(hubs[0].endpoint)\" settles it")
  }

  /// Where it is and the key that it proved first; what it calls itself, which may be anything, behind them and only if
  /// it can't be taken for them.
  private static func describe(_ hub: HubCandidate) -> String {
    let name = hub.name.flatMap { HubCandidate.isPlain($0) ? " (it calls itself \($0))" : nil } ?? ""
    return "\(hub.endpoint) with the key \(hub.fingerprint)\(name)"
  }

  /// Only at a terminal, where a person can compare.
  private static var canAsk: Bool { Descriptor.isTerminal(0) && Descriptor.isTerminal(2) }

  private func asksToTrust(_ hub: HubCandidate) async throws -> Bool {
    guard Self.canAsk else { return false }
    output.ask("a hub was found at \(Self.describe(hub)). Is it the right one, to be trusted from now on? [y/N] ")
    let answer = try await StandardInput().readLine().lowercased()
    return answer == "y" || answer == "yes"
  }

  private func asksWhich(_ hubs: [HubCandidate]) async throws -> HubCandidate? {
    guard Self.canAsk else { return nil }
    for (index, hub) in hubs.enumerated() { output.complain("\(index + 1)  \(Self.describe(hub))") }
    output.ask("which of these hubs is the right one, to be trusted and used from now on? [1-\(hubs.count), or none] ")
    let answer = try await StandardInput().readLine()
    return Int(answer).flatMap { hubs.indices.contains($0 - 1) ? hubs[$0 - 1] : nil }
  }

  /// A hub whose key is known is found again wherever it is now; by an address of this machine only this machine's was
  /// meant.
  func relocate(_ trust: Trust) -> (@Sendable (Endpoint) async -> Endpoint?)? {
    guard case .pin(let fingerprint, _) = trust, remembered != nil || !endpoint.isLoopback else { return nil }
    return { [self] old in
      guard let place = await HubFinder.place(of: fingerprint), place != old else { return nil }
      output.note("the hub isn't at \(old) any more: found it at \(place)")
      // Another may have been chosen since this command began.
      if remembered != nil, var hub = try? RememberedHub.load(stateDirectory: stateDirectory),
        hub.fingerprint == fingerprint
      {
        hub.place = place.description
        try? hub.save(stateDirectory: stateDirectory)
      }
      return place
    }
  }

  /// What is known of the hub's key. A first contact is trusted where a person named the hub, or it is on this
  /// machine; its key is remembered then.
  func trust() throws -> Trust {
    do throws(IdentityError) {
      switch try knownHubs.lookup(host: endpoint.host, port: endpoint.port) {
      case .ca(let hostname): return .authority(hostname: hostname)
      case let known:
        // Whatever else was met at its address since.
        if let remembered { return .pin(remembered.fingerprint, file: RememberedHub.path(stateDirectory)) }
        if case .pin(let fingerprint) = known { return .pin(fingerprint, file: knownHubs.path) }
      }
    } catch {
      throw CommandFailure(.config, error.message)
    }
    let mayTrust = hubSource != nil || endpoint.isLoopback
    return .firstUse { [self] fingerprint in
      guard mayTrust else { return false }
      // Another may be known since this command started: by an earlier connection of its own, or by another command.
      try trust(endpoint, fingerprint)
      if !endpoint.isLoopback {
        output.note("first contact with the hub at \(endpoint): remembering its key \(fingerprint)")
      }
      return true
    }
  }

  /// Remembers a hub's key. Throws where another is known.
  func trust(_ endpoint: Endpoint, _ fingerprint: Fingerprint) throws {
    do throws(IdentityError) {
      try knownHubs.remember(host: endpoint.host, port: endpoint.port, .pin(fingerprint))
    } catch .otherwiseKnown {
      guard case .pin(let known)? = try knownHubs.lookup(host: endpoint.host, port: endpoint.port) else {
        // An authority vouches for it.
        return
      }
      throw ClientError.keyChanged(endpoint, expected: known, seen: fingerprint, file: knownHubs.path)
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
  }

  /// The hub is the one that is used where none is named, as `identity`; nil for the account's own. False where one is
  /// named, in a file or the environment.
  func useFromNowOn(_ endpoint: Endpoint, _ fingerprint: Fingerprint, identity: String?) throws -> Bool {
    let hub = RememberedHub(place: endpoint.description, fingerprint: fingerprint, identity: identity)
    do throws(IdentityError) {
      try hub.save(stateDirectory: stateDirectory)
    } catch {
      throw CommandFailure(ExitStatus(error), error.message)
    }
    return hubSource == nil || hubSource == "--hub"
  }
}
