import QQClient
import QQProtocol

@testable import QQChat

func id(_ number: UInt64) -> MessageID { MessageID(high: 7, low: number) }

func minute(_ number: Int64) -> Timestamp { Timestamp(milliseconds: number * 60_000) }

func message(
  _ seq: Int64, _ text: String, from: String = "bob", to: [String] = ["@all"], at time: Timestamp = minute(0)
) -> HubFrame {
  .message(
    .init(id: id(UInt64(seq)), seq: seq, time: time, from: from, address: "10.0.0.1", to: to, text: text))
}

func file(_ seq: Int64, _ name: String = "a.txt", from: String = "bob", to: [String] = ["alice"]) -> HubFrame.File {
  .init(
    id: id(UInt64(seq)), seq: seq, time: minute(0), from: from, address: "10.0.0.1", to: to,
    info: FileInfo(name: name, size: 10))
}

func user(_ nick: String, online: Bool = true, groups: [String] = ["@all"], ref: Int64? = nil) -> HubFrame {
  .user(.init(ref: ref, nick: nick, address: "10.0.0.2", online: online, since: nil, groups: groups, key: nil))
}

let welcome = HubFrame.Welcome(
  version: 1, hub: "h", epoch: "e", nick: "alice", address: "10.0.0.9", seq: 0)
let lost = Conversation.Event.lost(.lost(Endpoint(host: "hub")))

/// UTC, so that tests don't depend on where they run.
@Sendable func utc(_ time: Timestamp) -> LocalTime {
  let text = Array(time.description)
  func number(_ range: Range<Int>) -> Int { Int(String(text[range])) ?? 0 }
  return LocalTime(
    year: number(0..<4), month: number(5..<7), day: number(8..<10), weekday: 4, hour: number(11..<13),
    minute: number(14..<16))
}

extension ChatModel {
  /// A chat that is welcome and has nothing unread.
  static func started(_ targets: [String] = ["@all"]) -> ChatModel {
    var model = ChatModel(nick: "alice", targets: targets, hub: "hub")
    _ = model.received(.welcomed(welcome), now: minute(0))
    _ = model.received(.said(.ok(.init(ref: -2))), now: minute(0))
    for target in targets where target != "@all" { _ = model.historyCame([], target: target, .firstCheck) }
    _ = model.received(.live, now: minute(0))
    return model
  }

  mutating func type(_ line: String, id number: UInt64 = 1) -> [ChatEffect] {
    typed(line, id: id(number), now: minute(0))
  }

  mutating func hear(_ event: Conversation.Event) -> [ChatEffect] { received(event, now: minute(0)) }
}

extension [ChatEffect] {
  var items: [ChatItem] { compactMap { if case .show(let item) = $0 { item } else { nil } } }
  var problems: [String] { items.compactMap { if case .problem(let text) = $0 { text } else { nil } } }
  var notes: [String] { items.compactMap { if case .note(let text) = $0 { text } else { nil } } }
  var states: [OwnLine.State] {
    items.compactMap {
      switch $0 {
      case .own(let line), .marked(let line): line.state
      default: nil
      }
    }
  }
}
