import QQClient
import QQProtocol

/// Who does what in a world.
extension Scenario {
  mutating func plan(_ random: inout SplitMix64) {
    let busy = random.pick([1, 2, 5])
    for user in 0..<userCount {
      // Everybody has a reader that holds a cursor: receipts come from these.
      var main = ClientPlan(user: user, reading: .init(cursor: "listen", holds: true, start: .unread))
      if random.chance(0.25) { main.messages = messages(user, busy, &random) }
      main.wantsReceipts = random.chance(0.3)
      main.commands = commands(user, &random)
      clients.append(main)
      if random.chance(0.2) {
        clients.append(ClientPlan(user: user, reading: .init(cursor: "listen", holds: true, start: .unread)))
      }
      if random.chance(0.3) {
        let time = ClientFrame.Start.time(Timestamp(milliseconds: 1_700_000_000_000 + random.within(0...duration)))
        let start = random.pick([.seq(0), .now, .unread, time])
        clients.append(ClientPlan(user: user, reading: .init(cursor: "other", holds: false, start: start)))
      }
      if random.chance(0.8) {
        var sender = ClientPlan(user: user)
        sender.wantsReceipts = random.chance(0.3)
        sender.messages = messages(user, busy, &random)
        clients.append(sender)
      }
    }
  }

  private func messages(
    _ user: Int, _ busy: Int, _ random: inout SplitMix64
  ) -> [(delay: Int64, message: OutgoingMessage)] {
    var messages: [(delay: Int64, message: OutgoingMessage)] = []
    let burst = random.chance(0.3)
    for number in 0..<random.within(1...(8 * busy)) {
      let delay = burst ? random.within(0...5) : random.within(0...(duration / Int64(6 * busy)))
      var id = MessageID(high: UInt64(user), low: random.next())
      var text = "\(Self.names[user]) \(number)"
      if random.chance(0.3) { text += String(repeating: ".", count: random.within(1...1_500)) }
      // A key that is used again: for the same message, or for another one by mistake.
      if random.chance(0.06), let other = messages.last {
        id = other.message.id
        if random.chance(0.5) {
          messages.append((delay, other.message))
          continue
        }
      }
      messages.append((delay, OutgoingMessage(id: id, to: targets(user, &random), text: text)))
    }
    return messages
  }

  private func targets(_ user: Int, _ random: inout SplitMix64) -> [String] {
    if random.chance(0.4) { return ["@all"] }
    return (0..<random.pick([1, 1, 2, 3])).map { _ in
      switch random.below(10) {
      case 0: return "@all"
      case 1, 2, 3: return "@" + spelled(random.pick(Self.groups), &random)
      case 4: return Self.address(random.below(userCount))
      case 5: return random.pick(["nobody", "@nothing"])
      case 6: return "new" + Self.names[random.below(userCount)]
      default: return spelled(Self.names[random.below(userCount)], &random)
      }
    }
  }

  private func spelled(_ name: String, _ random: inout SplitMix64) -> String {
    switch random.below(6) {
    case 0: name.uppercased()
    case 1: name.lowercased()
    default: name
    }
  }

  private func commands(_ user: Int, _ random: inout SplitMix64) -> [(delay: Int64, command: ClientPlan.Command)] {
    var commands: [(delay: Int64, command: ClientPlan.Command)] = []
    for group in Self.groups where random.chance(0.7) { commands.append((random.within(0...50), .join(group))) }
    for _ in 0..<random.below(4) {
      let delay = random.within(0...(duration / 3))
      switch random.below(5) {
      case 0: commands.append((delay, .rename("new" + Self.names[user])))
      // One of them gets it.
      case 1: commands.append((delay, .rename(random.pick([Self.names[user], "boss"]))))
      case 2: commands.append((delay, .join(spelled(random.pick(Self.groups), &random))))
      default: commands.append((delay, .leave(random.pick(Self.groups))))
      }
    }
    return commands
  }
}
