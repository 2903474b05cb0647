import QQClient
import QQProtocol
import Testing

@testable import QQChat

@Suite struct ChatModelTests {
  @Test("what is unread is counted before it is shown, and rings once; own messages don't count")
  func unread() {
    var model = ChatModel(nick: "alice", targets: ["@all"], hub: "hub")
    #expect(model.prompt == "@all> ")
    let start = model.hear(.welcomed(welcome))
    #expect(start.notes == ["you are alice at hub; /help tells what you can do"])
    #expect(start.contains(.ask(.who(.init(ref: -2, all: true, watch: true)))))
    #expect(model.hear(.read(message(1, "one"))) == [])
    #expect(model.hear(.read(message(2, "mine", from: "Alice"))) == [])
    #expect(model.hear(.read(message(3, "two", to: ["alice"]))) == [])
    #expect(!model.isSettled)
    let live = model.hear(.live)
    #expect(live.items.first == .unread(2, more: false))
    #expect(live.items.compactMap(\.seq) == [1, 2, 3])
    #expect(live.filter { $0 == .ring }.count == 1)
    #expect(model.hear(.read(message(4, "three"))).items.count == 1)
  }

  @Test("what the user said last isn't shown again at the start, but counts as read; what stands between others' is")
  func ownBefore() {
    var model = ChatModel(nick: "alice", targets: ["@all"], hub: "hub")
    _ = model.hear(.welcomed(welcome))
    for seq in 1...2 { _ = model.hear(.read(message(Int64(seq), "mine", from: "alice"))) }
    var other = model
    #expect(other.hear(.live) == [.passed(2)])
    _ = model.hear(.read(message(3, "theirs")))
    _ = model.hear(.read(message(4, "mine", from: "alice")))
    let live = model.hear(.live)
    #expect(live.first == .passed(2))
    #expect(live.items.compactMap(\.seq) == [3, 4])
    #expect(live.items.first == .unread(1, more: false))
  }

  @Test(
    "what was typed here and comes again on the next connection is read, not shown; of another session's it is shown")
  func ownAgain() {
    var model = ChatModel.started()
    #expect(model.type("hello", id: 7).states == [.waiting(queued: false)])
    _ = model.hear(lost)
    _ = model.hear(.welcomed(welcome))
    #expect(model.hear(.read(message(7, "hello", from: "alice"))) == [.passed(7)])
    #expect(model.hear(.read(message(10, "hello", from: "alice"))).items.count == 1)
    #expect(model.hear(.read(message(7, "the same id", from: "bob"))).items.count == 1)
  }

  @Test("what is unread waits until the hub knows whom the chat begins with")
  func unreadWaits() {
    var model = ChatModel(nick: "alice", targets: ["bob"], hub: "hub")
    _ = model.hear(.welcomed(welcome))
    _ = model.hear(.read(message(1, "one")))
    #expect(model.hear(.live) == [])
    var gone = model
    let failure = HubFrame.Failure(.unknownTarget, "nobody called \"bob\"")
    #expect(gone.historyFailed(failure, target: "bob", .firstCheck) == [.giveUp(failure)])
    #expect(model.historyCame([], target: "bob", .firstCheck).items.compactMap(\.seq) == [1])
    #expect(model.hear(.read(message(2, "two"))).items.count == 1)
  }

  @Test("an own line is told to have come to those alone who weren't refused")
  func partlyDelivered() {
    var model = ChatModel.started()
    _ = model.type("/msg bob,bbo hi", id: 7)
    _ = model.hear(.answered(.failed(.init(.unknownTarget, "nobody", to: "bbo", id: id(7)))))
    _ = model.hear(.answered(.sent(.init(ref: 1, id: id(7), seq: 1, to: "bob", status: "stored"))))
    let effects = model.hear(.delivered(id(7)))
    let line = effects.items.compactMap { item in if case .marked(let line) = item { line } else { nil } }.first
    #expect(line?.state == .delivered)
    #expect(line?.message.to == ["bob"])
  }

  @Test("more than a thousand are shown as they come, under a line that says so")
  func muchUnread() {
    var model = ChatModel(nick: "alice", targets: ["@all"], hub: "hub")
    _ = model.hear(.welcomed(welcome))
    for seq in 1...999 { #expect(model.hear(.read(message(Int64(seq), "x"))) == []) }
    let shown = model.hear(.read(message(1_000, "x")))
    #expect(shown.items.first == .unread(1_000, more: true))
    #expect(shown.items.count == 1_001)
    #expect(model.hear(.read(message(1_001, "x"))).items.count == 1)
    #expect(model.hear(.live) == [])
  }

  @Test("an own line is marked as it is stored and delivered, each once")
  func marks() {
    var model = ChatModel.started()
    let typed = model.type("hello")
    #expect(typed.states == [.waiting(queued: false)])
    #expect(typed.last == .send(OutgoingMessage(id: id(1), to: ["@all"], text: "hello")))
    let sent = HubFrame.Sent(ref: 1, id: id(1), seq: 9, to: "@all", awaiting: ["bob"])
    #expect(model.hear(.answered(.sent(sent))).states == [.stored])
    #expect(model.hear(.delivered(id(1))).states == [.delivered])
    #expect(model.hear(.delivered(id(1))) == [])
    #expect(model.own.isEmpty)
  }

  @Test("of several targets one may be refused: the line is stored once all have been answered for")
  func severalTargets() {
    var model = ChatModel.started()
    _ = model.type("/msg bob,nobody hi")
    let failure = HubFrame.Failure(ref: 1, .unknownTarget, "nobody called \"nobody\"", to: "nobody", id: id(1))
    let refused = model.hear(.answered(.failed(failure)))
    #expect(refused.states == [])
    #expect(refused.contains(.fault(.refused(code: "unknown_target"))))
    #expect(model.hear(.answered(.sent(.init(ref: 1, id: id(1), seq: 9, to: "bob")))).states == [.stored])
    _ = model.type("/msg nobody hi", id: 2)
    let all = HubFrame.Failure(ref: 2, .unknownTarget, "nobody called \"nobody\"", to: "nobody", id: id(2))
    #expect(model.hear(.answered(.failed(all))).states == [.refused])
    // That nothing more is to be heard of it doesn't make it delivered.
    #expect(model.hear(.delivered(id(2))) == [])
  }

  @Test("without a hub lines wait, marked, and commands that need it are refused; its return marks them again")
  func lostHub() {
    var model = ChatModel.started(["bob"])
    #expect(model.prompt == "bob> ")
    _ = model.type("before")
    _ = model.type("/who")
    let gone = model.hear(lost)
    #expect(gone.states == [.waiting(queued: true)])
    #expect(
      gone.notes == ["the hub at hub:6789 closed the connection; connecting again. What you type is kept and sent once"]
    )
    #expect(gone.problems == ["the hub went away before it answered: ask again"])
    #expect(gone.last == .prompt("bob (no hub)> "))
    #expect(model.type("meanwhile", id: 2).states == [.waiting(queued: true)])
    #expect(model.type("/who").problems.count == 1)
    #expect(model.type("/nick x").problems.count == 1)
    #expect(model.type("/join @x").problems.count == 1)
    #expect(model.targets == ["bob"])
    let back = model.hear(.welcomed(welcome))
    #expect(back.notes == ["connected to hub again"])
    #expect(back.states == [.waiting(queued: false), .waiting(queued: false)])
    #expect(back.contains(.prompt("bob> ")))
  }

  @Test("who is written to changes with the line that says so, and an unknown one is never replaced by the one before")
  func targets() {
    var model = ChatModel.started()
    let turned = model.type("/to bbo")
    #expect(turned == [.prompt("bbo> "), .history(target: "bbo", count: 1, .check)])
    let failure = HubFrame.Failure(.unknownTarget, "nobody called \"bbo\"", to: "bbo")
    let failed = model.historyFailed(failure, target: "bbo", .check)
    #expect(failed.last == .prompt("> "))
    #expect(model.type("secret").problems.first?.hasPrefix("whom to?") == true)
    #expect(model.type("/to @all") == [.prompt("@all> ")])
    // What says nothing about the target changes nothing.
    _ = model.type("/to bob")
    #expect(model.historyFailed(.init(code: "unavailable", message: "x"), target: "bob", .check) == [])
    #expect(model.targets == ["bob"])
    #expect(model.type("/to b!d").problems.count == 1)
    #expect(model.targets == ["bob"])
  }

  @Test("a chat that begins with nobody ends at once, one with a group that isn't entered says how to")
  func firstTarget() {
    var model = ChatModel(nick: "alice", targets: ["bbo"], hub: "hub")
    #expect(model.hear(.welcomed(welcome)).contains(.history(target: "bbo", count: 1, .firstCheck)))
    let failure = HubFrame.Failure(.unknownTarget, "nobody called \"bbo\"")
    #expect(model.historyFailed(failure, target: "bbo", .firstCheck) == [.giveUp(failure)])
    var other = ChatModel(nick: "alice", targets: ["@ops"], hub: "hub")
    _ = other.hear(.welcomed(welcome))
    let outside = HubFrame.Failure(.notMember, "you are not in @ops (qq join @ops lets you in)")
    let shown = other.historyFailed(outside, target: "@ops", .firstCheck)
    #expect(shown.first == .show(.refused(.init(.notMember, "you are not in @ops (/join @ops lets you in)"))))
    #expect(other.targets == [])
  }

  @Test("entering a group turns to it before the hub has answered, and away from it where it says no")
  func joining() {
    var model = ChatModel.started()
    #expect(model.type("/join @ops") == [.ask(.join(ref: -3, group: "@ops")), .prompt("@ops> ")])
    #expect(model.hear(.said(.ok(.init(ref: -3, seq: 5)))) == [.show(.done(.joined("@ops", seq: 5)))])
    #expect(model.type("/leave") == [.ask(.leave(ref: -4, group: "@ops"))])
    let left = model.hear(.said(.ok(.init(ref: -4, seq: 6))))
    #expect(left.items.first == .done(.left("@ops", seq: 6)))
    #expect(left.last == .prompt("> "))
    _ = model.type("/join @other")
    let refusal = HubFrame.Failure(ref: -5, code: "quota", message: "no")
    #expect(model.hear(.said(.error(refusal))).last == .prompt("> "))
    #expect(model.isSettled)
  }

  @Test("/who shows who was asked for, and the roster that completes isn't shown")
  func who() {
    var model = ChatModel(nick: "alice", targets: ["@all"], hub: "hub")
    _ = model.hear(.welcomed(welcome))
    #expect(model.hear(.said(user("bob", ref: -2))) == [])
    #expect(model.hear(.said(user("carol", online: false, ref: -2))) == [])
    #expect(model.hear(.said(.ok(.init(ref: -2)))).items == [.online(["bob"])])
    _ = model.hear(.live)
    #expect(model.type("/who @ops") == [.ask(.who(.init(ref: -3, all: true)))])
    #expect(model.hear(.said(user("bob", ref: -3))) == [])
    #expect(model.hear(.said(user("dave", groups: ["@all", "@ops"], ref: -3))).items.count == 1)
    #expect(!model.isSettled)
    _ = model.hear(.said(.ok(.init(ref: -3))))
    #expect(model.isSettled)
  }

  @Test("files are numbered as they are offered, and fetched by number, by id, or as the newest")
  func files() {
    var model = ChatModel.started()
    #expect(model.type("/get").problems.count == 1)
    let first = model.hear(.read(.file(file(5))))
    #expect(first.items == [.offer(file(5), number: 1, .init(isPrivate: true, showsTarget: true))])
    #expect(first.contains(.ring))
    _ = model.hear(.read(.file(file(6, "b.txt"))))
    #expect(model.type("/get") == [.download(.seq(6), name: "b.txt", folder: nil)])
    #expect(model.type("/get 1 ~/in") == [.download(.seq(5), name: "a.txt", folder: "~/in")])
    #expect(model.type("/get \(id(77))") == [.download(.id(id(77)), name: nil, folder: nil)])
    for wrong in ["/get 3", "/get 0", "/get -1", "/get x"] { #expect(model.type(wrong).problems.count == 1) }
    // Neither an older one that comes later nor an own one is the newest.
    _ = model.historyCame([.file(file(2, "old.txt"))], target: "bob", .show)
    #expect(model.type("/get") == [.download(.seq(6), name: "b.txt", folder: nil)])
    // Seen again in the history it keeps its number.
    let again = model.historyCame([.file(file(5))], target: "bob", .show)
    #expect(again.items.last == .offer(file(5), number: 1, .init(isPrivate: true, showsTarget: true)))
    #expect(model.type("/file bob ~/x") == [.upload(path: "~/x", targets: ["bob"])])
  }

  @Test("presence of others is shown, the own isn't")
  func presence() {
    var model = ChatModel.started()
    let bob = HubFrame.Presence(time: minute(0), nick: "bob", address: "10.0.0.2", online: true)
    #expect(model.hear(.said(.presence(bob))).items == [.presence(bob)])
    let own = HubFrame.Presence(time: minute(0), nick: "alice", address: "10.0.0.2", online: true)
    #expect(model.hear(.said(.presence(own))) == [])
  }

  @Test("a text that is too long for the hub is refused before it is sent")
  func tooLong() {
    var model = ChatModel.started()
    let refused = model.type(String(repeating: "x", count: 65_537))
    #expect(refused.problems.count == 1)
    #expect(refused.contains(.fault(.data)))
    #expect(model.type(String(repeating: "\u{1}", count: 60_000)).problems.count == 1)
    #expect(model.type(String(repeating: "x", count: 65_536)).problems.isEmpty)
  }
}
