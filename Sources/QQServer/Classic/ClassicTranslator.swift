import DequeModule
import QQProtocol

/// Stands between a client of the original mini QQ and the hub, and speaks the hub's protocol for it: it says hello,
/// listens and watches who is there, sends what is said, and fetches the text files that are offered. Pure: ids are
/// given to it.
///
///     opened ──welcome──▶ ready          files one after the other, up or down
struct ClassicTranslator: Sendable {
  enum Action: Equatable, Sendable {
    /// To the hub, and the raw bytes behind it.
    case say(ClientFrame, raw: [UInt8])
    /// To the client: a text from an address.
    case text(from: String, String)
    /// To the client, as it is.
    case write([UInt8])
    /// The same, in the place of an older list that hasn't been written yet.
    case users([UInt8])
    case close
  }

  private enum Transfer: Sendable {
    case up(MessageID, to: [String], name: String, [UInt8], Stage)
    case down(HubFrame.File, [UInt8], isReceiving: Bool)
  }

  private enum Stage: Sendable {
    case offered
    case asked
    case finishing
  }

  let hub: String
  private let nick: String
  private var ref: Int64 = 1
  /// Addresses of who is online, by their nicks.
  private var users: [String: String] = [:]
  /// Offered, and not whole yet.
  private var offers: [MessageID: HubFrame.File] = [:]
  private var transfers: Deque<Transfer> = []

  /// Bytes of a file that may fit into an object.
  private static let largestFile: Int64 = 960
  private static let mostTransfers = 100
  private static let mostOffers = 1_000

  /// `hub`: the hub's own address, which its words come from. `nick`: what the client is called.
  init(hub: String, nick: String) {
    self.hub = hub
    self.nick = nick
  }

  func opened() -> [Action] { [.say(.hello(.init(nick: nick, agent: "classic")), raw: [])] }

  // MARK: The client

  mutating func said(_ object: [UInt8], id: MessageID) -> [Action] {
    switch ClassicSaid(object) {
    case .message(let to, let text):
      guard text.utf8.count <= ProtocolLimits.text else {
        return complain("the message is too long: nobody has got it")
      }
      let targets = [to ?? "@all"]
      guard ClientFrame.Send.fitsLine(to: targets, text: text) else {
        return complain("the message is too long: nobody has got it")
      }
      return [say(.send(.init(ref: nextRef(), id: id, to: targets, text: text)))]
    case .file(let to, let name, let text):
      guard transfers.count < Self.mostTransfers else { return complain("too many files at once: \(name) is not sent") }
      transfers.append(.up(id, to: [to ?? "@all"], name: name, Array(text.utf8), .offered))
      return transfers.count == 1 ? begin() : []
    case .bye: return [.close]
    // What it doesn't know a client of today wouldn't answer either.
    case nil: return []
    }
  }

  // MARK: The hub

  mutating func heard(_ frame: HubFrame, raw: [UInt8] = []) -> [Action] {
    switch frame {
    case .welcome:
      return [say(.listen(.init(ref: 0, after: .now))), say(.who(.init(ref: 1, watch: true)))]
    case .user(let user):
      if user.online, let address = user.address { users[user.nick] = address }
      return []
    case .ok(let ok) where ok.ref == 1: return [list]
    case .presence(let presence):
      users[presence.nick] = presence.online ? presence.address : nil
      return [list]
    case .message(let message): return [.text(from: message.address, message.text)]
    case .file(let file) where file.ref == nil: return offered(file)
    case .complete(let complete): return completed(complete.id)
    case .error(let failure): return failed(failure)
    case .sent(let sent): return stored(sent.id)
    case .ok(let ok): return answered(ok)
    case .chunk: return received(raw)
    case .end(_, let hash): return ended(hash)
    case .file, .receipt, .gap, .invite, .status, .backup, .pong, .progress: return []
    }
  }

  private var list: Action { .users(ClassicObject.users(Set(users.values).sorted())) }

  private func complain(_ text: String) -> [Action] { [.text(from: hub, text)] }

  private func say(_ frame: ClientFrame, raw: [UInt8] = []) -> Action { .say(frame, raw: raw) }

  private mutating func nextRef() -> Int64 {
    ref += 1
    return ref
  }

  // MARK: Files to the client

  private mutating func offered(_ file: HubFrame.File) -> [Action] {
    guard !file.info.isFolder, file.info.size ?? 0 <= Self.largestFile, offers.count < Self.mostOffers else {
      return tooLarge(file)
    }
    offers[file.id] = file
    return []
  }

  private func tooLarge(_ file: HubFrame.File) -> [Action] {
    let size = file.info.size.map { " (\(ByteCount.text($0)))" } ?? ""
    return [
      .text(
        from: file.address,
        "[\(file.info.isFolder ? "folder" : "file") \(file.info.name)\(size): this client can't take it]")
    ]
  }

  private mutating func completed(_ id: MessageID) -> [Action] {
    guard let file = offers.removeValue(forKey: id) else { return [] }
    guard transfers.count < Self.mostTransfers else { return tooLarge(file) }
    transfers.append(.down(file, [], isReceiving: false))
    return transfers.count == 1 ? begin() : []
  }

  private mutating func received(_ raw: [UInt8]) -> [Action] {
    guard case .down(let file, let bytes, true)? = transfers.first else { return [] }
    transfers[0] = .down(file, bytes.count <= Self.largestFile ? bytes + raw : bytes, isReceiving: true)
    return []
  }

  private mutating func ended(_ hash: TreeHash) -> [Action] {
    guard case .down(let file, let bytes, true)? = transfers.first else { return [] }
    var actions: [Action] = []
    let text = String(validating: bytes, as: UTF8.self)
    if let text, let object = ClassicObject.file(from: file.address, name: file.info.name, text) {
      actions = [.write(object)]
    } else {
      actions = tooLarge(file)
    }
    // What it can't take, it will never take.
    return actions + [say(.saved(ref: nextRef(), seq: file.seq))] + next()
  }

  // MARK: Files from the client

  private mutating func stored(_ id: MessageID) -> [Action] {
    guard case .up(id, let to, let name, let bytes, .offered)? = transfers.first else { return [] }
    transfers[0] = .up(id, to: to, name: name, bytes, .asked)
    return [say(.upload(ref: nextRef(), id: id))]
  }

  private mutating func answered(_ ok: HubFrame.Ok) -> [Action] {
    guard ok.ref == ref else { return [] }
    switch transfers.first {
    case .up(let id, let to, let name, let bytes, .asked):
      transfers[0] = .up(id, to: to, name: name, bytes, .finishing)
      var hasher = TreeHasher()
      var actions: [Action] = []
      if !bytes.isEmpty {
        let digest = Digest(of: bytes)
        hasher.add(digest, size: bytes.count)
        actions.append(say(.put(Chunk(offset: 0, size: bytes.count, hash: digest)), raw: bytes))
      }
      return actions + [say(.finish(ref: nextRef(), size: Int64(bytes.count), hash: hasher.hash))]
    case .up(_, _, _, _, .finishing): return next()
    case .down(let file, let bytes, false):
      transfers[0] = .down(file, bytes, isReceiving: true)
      return []
    case .up, .down, nil: return []
    }
  }

  private mutating func failed(_ failure: HubFrame.Failure) -> [Action] {
    let actions = complain(failure.message)
    let isTransfer =
      switch transfers.first {
      case .up(let id, _, _, _, .offered): failure.id == id || failure.ref == ref
      case .up, .down: failure.ref == ref
      case nil: false
      }
    return isTransfer ? actions + next() : actions
  }

  /// The first transfer is over.
  private mutating func next() -> [Action] {
    transfers.removeFirst()
    return begin()
  }

  private mutating func begin() -> [Action] {
    switch transfers.first {
    case .up(let id, let to, let name, let bytes, _):
      let info = FileInfo(name: name, size: Int64(bytes.count))
      return [say(.send(.init(ref: nextRef(), id: id, to: to, text: "", file: info)))]
    case .down(let file, _, _): return [say(.get(.init(ref: nextRef(), file: .seq(file.seq))))]
    case nil: return []
    }
  }
}
