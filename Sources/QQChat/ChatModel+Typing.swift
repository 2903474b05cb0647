import QQClient
import QQProtocol

/// What the user types.
extension ChatModel {
  /// A line after Enter. `id`: for a message, should it be one.
  public mutating func typed(_ line: String, id: MessageID, now: Timestamp) -> [ChatEffect] {
    switch ChatInput(line) {
    case .nothing: return []
    case .text(let text):
      guard !targets.isEmpty else {
        return refused("whom to? /to NICK or /to @GROUP says it, /msg TARGET TEXT sends one message")
      }
      return say(text, to: targets, id: id, now: now)
    case .message(let targets, let text):
      return say(text, to: targets.map(aliases.resolve), id: id, now: now)
    case .to(let targets): return turn(to: targets.map(aliases.resolve))
    case .file(let targets, let path):
      let targets = targets.map(aliases.resolve)
      if let fault = invalid(targets) { return refused(fault) }
      return isConnected ? [.upload(path: path, targets: targets)] : noHub
    case .get(let name, let folder): return isConnected ? get(name, folder) : noHub
    case .who(let scope): return ask(.who(scope))
    case .join(let group): return join(group)
    case .leave(let group):
      guard let group = group ?? targets.first(where: { $0.hasPrefix("@") && $0 != "@all" }) else {
        return refused("usage: /leave @GROUP")
      }
      return ask(.leave(group))
    case .nick(let new): return rename(new)
    case .history(let target, let count):
      let target = target.map(aliases.resolve) ?? (targets.count == 1 ? targets.first : nil)
      return [.history(target: target, count: count, .show)]
    case .help: return [.show(.help)]
    case .quit: return [.leave]
    case .fault(let text): return refused(text)
    }
  }

  private mutating func say(_ text: String, to targets: [String], id: MessageID, now: Timestamp) -> [ChatEffect] {
    if let fault = invalid(targets) { return refused(fault) }
    guard text.utf8.count <= ProtocolLimits.text, ClientFrame.Send.fitsLine(to: targets, text: text) else {
      return problem("the message is longer than \(ProtocolLimits.text) bytes: /file sends what is long")
        + [.fault(.data)]
    }
    var style = style(nick, targets, text)
    style.isOwn = true
    let message = OutgoingMessage(id: id, to: targets, text: text)
    let line = OwnLine(
      message: message, from: nick, time: now, state: .waiting(queued: !isConnected), style: style,
      unanswered: Set(message.to))
    own[id] = line
    typedHere.insert(id)
    ownOrder.append(id)
    if ownOrder.count > Self.mostOwn { own[ownOrder.removeFirst()] = nil }
    return [.show(.own(line)), .send(message)]
  }

  /// From the next line on: while the hub is asked whether it knows them, nothing goes to whom it went before.
  private mutating func turn(to targets: [String]) -> [ChatEffect] {
    if let fault = invalid(targets) { return refused(fault) }
    self.targets = targets
    let checks = targets.filter { $0 != "@all" }.map { ChatEffect.history(target: $0, count: 1, .check) }
    return [.prompt(prompt)] + (isConnected ? checks : [])
  }

  /// What is typed next is for the group, and comes to the hub behind this.
  private mutating func join(_ group: String) -> [ChatEffect] {
    if let fault = invalid([group]) { return refused(fault) }
    guard isConnected else { return ask(.join(group)) }
    targets = [group]
    return ask(.join(group)) + [.prompt(prompt)]
  }

  private mutating func rename(_ new: String) -> [ChatEffect] {
    guard isConnected else { return ask(.nick(new)) }
    let ref = nextRef
    nextRef -= 1
    requests[ref] = .nick(new)
    return [.ask(.nick(ref: ref, nick: new))]
  }

  private func get(_ name: String, _ folder: String?) -> [ChatEffect] {
    if name.isEmpty {
      let others = offers.lazy.filter { !Roster.same($0.from, nick) }
      guard let file = others.max(by: { $0.seq < $1.seq }) else {
        return refused("no file was offered to you here; /get ID fetches an older one")
      }
      return [.download(.seq(file.seq), name: file.info.name, folder: folder)]
    }
    if let number = Int(name) {
      guard number >= firstOffer, number - firstOffer < offers.count else {
        return refused("there is no file \(number) here; /get ID fetches any by its id")
      }
      let file = offers[number - firstOffer]
      return [.download(.seq(file.seq), name: file.info.name, folder: folder)]
    }
    guard let id = MessageID(name) else {
      return refused("\(ChatInput.quoted(name)) is no file's number or id: the line of its offer says it")
    }
    return [.download(.id(id), name: nil, folder: folder)]
  }

  /// What is wrong with the targets.
  private func invalid(_ targets: [String]) -> String? {
    for target in targets {
      do throws(NickFault) {
        _ = try Target(target)
      } catch {
        return "\(ChatInput.quoted(target)) can be no target: \(error.message)"
      }
    }
    return nil
  }

  func refused(_ text: String) -> [ChatEffect] { problem(text) + [.fault(.usage)] }

  // MARK: What became of it

  mutating func answered(_ result: OutboxResult) -> [ChatEffect] {
    switch result {
    case .sent(let sent):
      let target = sent.to
      return [.show(.sent(sent))]
        + advance(sent.id) { line in
          line.unanswered.remove(target)
          line.isStoredForSome = true
          if line.unanswered.isEmpty { line.state = .stored }
        }
    case .failed(let failure):
      let shown = Self.forChat(failure)
      var effects: [ChatEffect] = [.show(.refused(shown)), .fault(.refused(code: failure.code))]
      guard let id = failure.id else { return effects }
      effects += advance(id) { line in
        if let target = failure.to { line.unanswered.remove(target) } else { line.unanswered = [] }
        if line.unanswered.isEmpty { line.state = line.isStoredForSome ? .stored : .refused }
        // What is told of it later is told of those it goes to.
        if line.message.to.count > 1, let target = failure.to { line.message.to.removeAll { $0 == target } }
      }
      return effects
    case .receipt(let receipt): return [.show(.receipt(receipt))]
    }
  }

  /// Changes an own line, and shows it where that changes its mark.
  mutating func advance(_ id: MessageID, _ change: (inout OwnLine) -> Void) -> [ChatEffect] {
    guard var line = own[id] else { return [] }
    let before = line.state
    change(&line)
    own[id] = line
    if line.state == .delivered || line.state == .refused {
      own[id] = nil
      ownOrder.removeAll { $0 == id }
    }
    return line.state == before ? [] : [.show(.marked(line))]
  }

  // MARK: History

  /// What was asked for came, oldest first.
  public mutating func historyCame(
    _ frames: [HubFrame], target: String?, _ purpose: HistoryPurpose
  ) -> [ChatEffect] {
    if purpose == .firstCheck { return firstChecked() }
    guard purpose == .show else { return [] }
    guard !frames.isEmpty else { return note("nothing was said\(target.map { " with \($0)" } ?? "") yet") }
    let count = frames.count == 1 ? "the last message" : "the last \(frames.count) messages"
    let heading = "\(count) \(target.map { "with \($0)" } ?? "that you may read")"
    return [.show(.heading(heading))]
      + frames.compactMap { frame in
        switch frame {
        case .message(let message): return .show(.message(message, style(message.from, message.to, message.text)))
        case .file(let file): return .show(.offer(file, number: number(of: file), style(file.from, file.to, "")))
        default: return nil
        }
      }
  }

  public mutating func historyFailed(
    _ failure: HubFrame.Failure, target: String?, _ purpose: HistoryPurpose
  ) -> [ChatEffect] {
    let codes = [ErrorCode.unknownTarget, .notMember, .badTarget].map(\.rawValue)
    let says = codes.contains(failure.code)
    if purpose == .firstCheck, says, failure.code != ErrorCode.notMember.rawValue { return [.giveUp(failure)] }
    let first = purpose == .firstCheck ? firstChecked() : []
    // Whatever else it is says nothing about the target.
    if purpose != .show, !says { return first }
    let shown: [ChatEffect] =
      first + [.show(.refused(Self.forChat(failure))), .fault(.refused(code: failure.code))]
    guard purpose != .show, let target, targets.contains(target) else { return shown }
    // Not back to whom it went before: what is typed next was meant for this one.
    targets.removeAll { $0 == target }
    return shown + [.prompt(prompt)]
  }
}
