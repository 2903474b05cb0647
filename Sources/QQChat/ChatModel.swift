import QQClient
import QQProtocol

/// What the chat is to do, and in this order.
public enum ChatEffect: Equatable, Sendable {
  case show(ChatItem)
  case ring
  case prompt(String)
  case send(OutgoingMessage)
  /// To be asked on the connection that listens.
  case ask(ClientFrame)
  /// To be asked elsewhere: among what is listened to, its answer couldn't be told from news.
  case history(target: String?, count: Int, HistoryPurpose)
  case upload(path: String, targets: [String])
  case download(ClientFrame.FileKey, name: String?, folder: String?)
  /// Everything up to this place in the journal counts as read without being shown.
  case passed(Int64)
  /// The user is called this now.
  case renamed(String)
  case fault(ChatFault)
  case leave
  /// There is nobody to chat with.
  case giveUp(HubFrame.Failure)
}

/// Why history is asked for.
public enum HistoryPurpose: Equatable, Sendable {
  case show
  /// The user wants to write to this target: does the hub know it?
  case check
  /// The same of whom the chat was started with: where nobody is called so, it ends.
  case firstCheck
}

/// The chat as a person sees it: what comes from the hub and what is typed go in, what is to be done comes out. Pure: the
/// time and ids are given to it.
///
///     catching up ──live, or too much──▶ live          a lost connection leaves it where it is
public struct ChatModel: Sendable {
  enum Phase: Sendable {
    /// What is unread is gathered, to be counted before it is shown.
    case catchingUp([ChatItem])
    case live
  }

  /// What the hub was asked.
  enum Request: Equatable, Sendable {
    /// To know whom there is.
    case roster
    case who(ChatInput.WhoScope)
    case join(String)
    case leave(String)
    /// Which one was asked for.
    case nick(String)
  }

  var phase: Phase = .catchingUp([])
  /// Targets the chat began with that the hub hasn't yet said it knows: until then nothing counts as read.
  var unchecked = 0
  /// The hub has said that nothing unread is left.
  var hasCaughtUp = false
  var nick: String
  var targets: [String]
  var isConnected = false
  var wasWelcomed = false
  var roster = Roster()
  var requests: [Int64: Request] = [:]
  /// Counts down: those of messages count up.
  var nextRef: Int64 = -2
  var own: [MessageID: OwnLine] = [:]
  var typedHere = TypedHere()
  /// The order in which they were typed.
  var ownOrder: [MessageID] = []
  /// In the order of their numbers.
  var offers: [HubFrame.File] = []
  /// The number of the first of them.
  var firstOffer = 1
  let aliases: Aliases
  private let hub: String

  /// What is unread beyond this is shown as it comes.
  static let mostGathered = 1_000
  /// Own lines whose further fate is told.
  static let mostOwn = 1_000
  static let mostOffers = 1_000

  /// `targets`: whom one writes to at first. `hub`: its name.
  public init(nick: String, targets: [String], hub: String, aliases: Aliases = Aliases()) {
    self.aliases = aliases
    self.nick = nick
    self.targets = targets
    self.hub = hub
  }

  public var prompt: String {
    targets.map { aliases.name(of: $0) ?? $0 }.joined(separator: ",")
      + (isConnected || !wasWelcomed ? "> " : " (no hub)> ")
  }

  /// Nothing that was asked for is still to come.
  public var isSettled: Bool {
    if case .catchingUp = phase { return false }
    return requests.isEmpty
  }

  // MARK: The connection

  public mutating func received(_ event: Conversation.Event, now: Timestamp) -> [ChatEffect] {
    switch event {
    case .welcomed(let welcome): return welcomed(welcome)
    case .lost(let error): return lost(error)
    case .newEpoch: return note("the hub has other data than before: what is unread there comes next")
    case .read(let frame): return read(frame)
    case .live: return live()
    case .following: return note("another chat of yours is open: what you read here stays unread until it ends")
    case .promoted: return note("the other chat has ended: what you read here counts as read from now on")
    case .answered(let result): return answered(result)
    case .delivered(let id): return advance(id) { $0.state = $0.state == .refused ? .refused : .delivered }
    case .said(let frame): return said(frame)
    }
  }

  private mutating func welcomed(_ welcome: HubFrame.Welcome) -> [ChatEffect] {
    let isFirst = !wasWelcomed
    wasWelcomed = true
    isConnected = true
    nick = welcome.nick
    var effects: [ChatEffect] = []
    if isFirst {
      effects += note("you are \(nick) at \(hub); /help tells what you can do")
      if welcome.isGuest { effects += note("you are a guest, for want of a key: nothing is kept for you") }
      let checks = targets.filter { $0 != "@all" }
      unchecked = checks.count
      effects += checks.map { .history(target: $0, count: 1, .firstCheck) }
    } else {
      effects += note("connected to \(hub) again")
      effects += ownOrder.flatMap { id in
        advance(id) { if case .waiting = $0.state { $0.state = .waiting(queued: false) } }
      }
    }
    effects.append(.prompt(prompt))
    return effects + ask(.roster)
  }

  private mutating func lost(_ error: ClientError) -> [ChatEffect] {
    isConnected = false
    var effects = note("\(error.message); connecting again. What you type is kept and sent once")
    for request in requests.sorted(by: { $0.key > $1.key }).map(\.value) where request != .roster {
      effects += problem("the hub went away before it answered: ask again") + [.fault(.transfer)]
    }
    requests = [:]
    for id in ownOrder {
      effects += advance(id) { if case .waiting = $0.state { $0.state = .waiting(queued: true) } }
    }
    return effects + [.prompt(prompt)]
  }

  /// Asks the hub, where there is one.
  mutating func ask(_ request: Request) -> [ChatEffect] {
    guard isConnected else { return noHub }
    let ref = nextRef
    nextRef -= 1
    requests[ref] = request
    switch request {
    case .roster: return [.ask(.who(.init(ref: ref, all: true, watch: true)))]
    case .who(let scope): return [.ask(.who(.init(ref: ref, all: scope != .online)))]
    case .join(let group): return [.ask(.join(ref: ref, group: group))]
    case .leave(let group): return [.ask(.leave(ref: ref, group: group))]
    case .nick: return []
    }
  }

  // MARK: Reading

  private mutating func read(_ frame: HubFrame) -> [ChatEffect] {
    switch frame {
    case .message(let message):
      if typedHere.contains(message.id), Roster.same(message.from, nick) {
        if case .catchingUp = phase { return [] }
        return [.passed(message.seq)]
      }
      roster.spoke(message.from, to: message.to)
      return arrived(.message(message, style(message.from, message.to, message.text)))
    case .file(let file):
      let item = ChatItem.offer(file, number: number(of: file), style(file.from, file.to, ""))
      return arrived(item)
    case .complete(let complete): return arrived(.complete(complete))
    case .gap(let from, let through): return arrived(.gap(from: from, through: through))
    default: return []
    }
  }

  private mutating func arrived(_ item: ChatItem) -> [ChatEffect] {
    guard case .catchingUp(var gathered) = phase else { return [.show(item)] + bell([item]) }
    gathered.append(item)
    phase = .catchingUp(gathered)
    return gathered.count >= Self.mostGathered ? showGathered(more: true) : []
  }

  private mutating func live() -> [ChatEffect] {
    hasCaughtUp = true
    return unchecked == 0 ? showGathered(more: false) : []
  }

  mutating func firstChecked() -> [ChatEffect] {
    unchecked -= 1
    return hasCaughtUp && unchecked == 0 ? showGathered(more: false) : []
  }

  private mutating func showGathered(more: Bool) -> [ChatEffect] {
    guard case .catchingUp(let gathered) = phase else { return [] }
    phase = .live
    // What the user said last time stood on the screen then: between others' words it helps to understand these, before
    // them it would come at every start until somebody answers.
    let fresh = gathered.drop { $0.isOwnMessage }
    let passed = gathered.prefix(gathered.count - fresh.count).last?.seq
    let count = fresh.count { $0.isToRead }
    let heading: [ChatEffect] = count > 0 ? [.show(.unread(count, more: more))] : []
    return (passed.map { [.passed($0)] } ?? []) + heading + fresh.map(ChatEffect.show) + bell(fresh)
  }

  /// Once for all of them.
  private func bell(_ items: some Sequence<ChatItem>) -> [ChatEffect] {
    let isWanted = items.contains { item in
      switch item {
      case .message(_, let style), .offer(_, _, let style): !style.isOwn && (style.isPrivate || style.mentionsUser)
      default: false
      }
    }
    return isWanted ? [.ring] : []
  }

  /// Each has a number of its own, which is given once; the oldest files lose theirs.
  mutating func number(of file: HubFrame.File) -> Int {
    if let place = offers.lastIndex(where: { $0.id == file.id && $0.seq == file.seq }) { return firstOffer + place }
    offers.append(file)
    if offers.count > Self.mostOffers {
      offers.removeFirst()
      firstOffer += 1
    }
    return firstOffer + offers.count - 1
  }

  func style(_ from: String, _ to: [String], _ text: String) -> ChatStyle {
    let isOwn = Roster.same(from, nick)
    return ChatStyle(
      isPrivate: to.allSatisfy { !$0.hasPrefix("@") }, isOwn: isOwn,
      mentionsUser: !isOwn && Mention.isIn(text, of: nick), showsTarget: to != targets)
  }

  // MARK: Answers

  private mutating func said(_ frame: HubFrame) -> [ChatEffect] {
    switch frame {
    case .user(let user): return told(user)
    case .presence(let presence):
      roster.isOnline(presence.nick, presence.online, address: presence.address)
      return Roster.same(presence.nick, nick) ? [] : [.show(.presence(presence))]
    case .ok(let ok): return ok.ref.flatMap { requests.removeValue(forKey: $0) }.map { done($0, ok) } ?? []
    case .error(let failure):
      guard let ref = failure.ref, let request = requests.removeValue(forKey: ref) else { return [] }
      let shown: [ChatEffect] = [.show(.refused(Self.forChat(failure))), .fault(.refused(code: failure.code))]
      guard case .join(let group) = request, targets.contains(group) else { return shown }
      // Not back to whom it went before: what is typed next was meant for this one.
      targets.removeAll { $0 == group }
      return shown + [.prompt(prompt)]
    default: return []
    }
  }

  private mutating func told(_ user: HubFrame.User) -> [ChatEffect] {
    guard let ref = user.ref, let request = requests[ref] else { return [] }
    if request == .roster { roster.add(user) }
    guard case .who(let scope) = request else { return [] }
    if case .group(let group) = scope, !user.groups.contains(where: { Roster.same($0, group) }) { return [] }
    var shown = user
    shown.ref = nil
    return [.show(.user(shown))]
  }

  private mutating func done(_ request: Request, _ ok: HubFrame.Ok) -> [ChatEffect] {
    switch request {
    case .roster: return [.show(.online(roster.online))]
    case .who: return []
    case .join(let group):
      roster.groups.insert(group)
      return [.show(.done(.joined(group, seq: ok.seq)))]
    case .leave(let group):
      let done = ChatEffect.show(.done(.left(group, seq: ok.seq)))
      guard targets.contains(group) else { return [done] }
      targets.removeAll { $0 == group }
      return [done] + (targets.isEmpty ? note("/to TARGET says whom to write to next") : []) + [.prompt(prompt)]
    case .nick(let asked):
      // The file of a key is named after it: one that nobody asked for is not taken from a hub.
      guard let answered = try? Nick(ok.nick ?? asked), answered.text == (try? Nick(asked))?.text else {
        return problem("the hub answers with another nick than \"\(asked)\"") + [.fault(.transfer)]
      }
      nick = answered.text
      return [.renamed(nick), .show(.done(.renamed(nick)))]
    }
  }

  /// What the hub says to a shell, said to somebody in a chat.
  static func forChat(_ failure: HubFrame.Failure) -> HubFrame.Failure {
    var failure = failure
    failure.message = failure.message.replacing("qq join ", with: "/join ")
    return failure
  }

  var noHub: [ChatEffect] {
    problem("there is no connection to the hub now: try again when it is back") + [.fault(.transfer)]
  }
  func note(_ text: String) -> [ChatEffect] { [.show(.note(text))] }
  func problem(_ text: String) -> [ChatEffect] { [.show(.problem(text))] }
}
