import QQClient
import QQHub
import QQJournal
import QQProtocol

/// What a client sends, and what it hears of it: as `Sender` does.
extension SimClient {
  /// Submits the next message after its delay, when the outbox takes it.
  func feed() {
    guard !isFeeding, nextMessage < plan.messages.count else { return }
    isFeeding = true
    later(plan.messages[nextMessage].delay) { [self] in submit() }
  }

  private func submit() {
    isFeeding = false
    guard !outbox.isFull else { return later(50) { [self] in submit() } }
    let message = plan.messages[nextMessage].message
    world.oracle.submitted(message, client: number, key: key)
    submitted.append(nextMessage)
    outbox.submit(message)
    nextMessage += 1
    pump()
    feed()
  }

  func pump() {
    guard link?.welcome != nil else { return }
    link?.send(outbox.takeUnwritten().map(ClientFrame.send))
  }

  func answered(_ frame: HubFrame) {
    if finishCommand(frame) { return }
    let before = outbox.count
    let results = outbox.received(frame)
    for result in results { told(result) }
    guard outbox.count < before, let index = index(of: frame) else { return }
    settled[index] = true
    if plan.wantsReceipts, stored.contains(index) {
      world.oracle.believed(plan.messages[index].message, key: key, epoch: epoch)
    }
  }

  private func index(of frame: HubFrame) -> Int? {
    switch frame {
    case .sent(let sent): index(ref: sent.ref)
    case .error(let failure): index(ref: failure.ref)
    case .receipt(let receipt): submitted.first { plan.messages[$0].message.id == receipt.id }
    default: nil
    }
  }

  private func index(ref: Int64?) -> Int? {
    guard let ref, ref > 0, ref <= submitted.count else { return nil }
    return submitted[Int(ref) - 1]
  }

  private func told(_ result: OutboxResult) {
    let frame: HubFrame =
      switch result {
      case .sent(let sent): .sent(sent)
      case .failed(let failure): .error(failure)
      case .receipt(let receipt): .receipt(receipt)
      }
    world.note("\(name) is told \(result)")
    guard let index = index(of: frame) else { return world.violation(.garbled, "\(name) is told \(result)") }
    if case .sent = result { stored.insert(index) }
    let message = plan.messages[index].message
    let isRepeated = plan.messages.count { $0.message.id == message.id } > 1
    world.oracle.told(result, of: message, isRepeated: isRepeated, to: key, epoch: epoch)
  }

  // MARK: Commands

  private static let firstCommandRef: Int64 = 1 << 40

  func command() {
    guard nextCommand < plan.commands.count, !isCommandWritten, link?.welcome != nil else { return }
    isCommandWritten = true
    let link = link
    later(plan.commands[nextCommand].delay) { [self] in
      guard link === self.link else { return }
      let ref = Self.firstCommandRef + Int64(nextCommand)
      switch plan.commands[nextCommand].command {
      case .join(let group): link?.send([.join(ref: ref, group: group)])
      case .leave(let group): link?.send([.leave(ref: ref, group: group)])
      case .rename(let nick): link?.send([.nick(ref: ref, nick: nick)])
      }
    }
  }

  private func finishCommand(_ frame: HubFrame) -> Bool {
    let ref: Int64? =
      switch frame {
      case .ok(let ok): ok.ref
      case .error(let failure): failure.ref
      default: nil
      }
    guard let ref, ref >= Self.firstCommandRef else { return false }
    nextCommand += 1
    isCommandWritten = false
    command()
    return true
  }
}
