import QQProtocol

/// Events as a person reads them. Pure. What came from others is made safe, and can't forge a line: newlines in a text
/// are kept, and what follows is indented.
struct TextRenderer: Sendable {
  let usesColor: Bool
  let isTerminal: Bool
  /// Users' keys as well.
  var showsKeys = false

  /// The frame's lines, each with its newline; empty for what isn't shown.
  func line(_ frame: HubFrame) -> String {
    switch frame {
    case .message(let message):
      let targets = message.to.map { TextSafety.visible($0) }.joined(separator: ",")
      let head = "\(clock(message.time)) \(name(message.from)) → \(dim(targets)): "
      return head + body(message.text) + "\n"
    case .presence(let presence):
      let verb = presence.online ? "is here" : "has left"
      return
        "\(clock(presence.time)) \(dim("* \(TextSafety.visible(presence.nick)) \(verb) (\(TextSafety.visible(presence.address)))"))\n"
    case .receipt(let receipt):
      return "delivered to \(TextSafety.visible(receipt.nick))\n"
    case .gap(let from, let through):
      return dim("* \(through - from + 1) records are kept no longer (\(from) to \(through))") + "\n"
    case .user(let user):
      return self.user(user)
    case .invite(let invite):
      return self.invite(invite)
    case .status(let status):
      return self.status(status)
    case .backup(let backup):
      return "backed up to \(TextSafety.visible(backup.path)): seq \(backup.seq), \(Self.count(backup.files, "file")), "
        + "\(ByteCount.text(backup.bytes))\n"
    case .sent(let sent):
      let note = sent.isDuplicate ? " (sent before)" : ""
      return "sent to \(TextSafety.visible(sent.to))\(note)\n"
    case .file(let file):
      let targets = file.to.map { TextSafety.visible($0) }.joined(separator: ",")
      let size = file.info.size.map { ByteCount.text($0) } ?? "size unknown"
      let kind = file.info.isFolder ? "folder" : "file"
      return "\(clock(file.time)) \(name(file.from)) → \(dim(targets)): "
        + "\(kind) \(TextSafety.visible(file.info.name)) (\(size)) \(dim("qq get \(file.id)"))\n"
    case .complete(let complete):
      return "\(clock(complete.time)) "
        + dim("* \(TextSafety.visible(complete.name)) from \(TextSafety.visible(complete.from)) is here whole") + "\n"
    case .error, .welcome, .ok, .pong, .chunk, .end, .progress:
      return ""
    }
  }

  private func user(_ user: HubFrame.User) -> String {
    let mark = user.online ? "●" : "○"
    let groups = user.groups.filter { $0 != "@all" }.map { TextSafety.visible($0) }.joined(separator: " ")
    let parts = [
      mark, name(user.nick), user.address.map { TextSafety.visible($0) } ?? "-",
      user.since.map { dim((user.online ? "since " : "last seen ") + clock($0)) }, groups.isEmpty ? nil : groups,
      user.client.map { dim(TextSafety.visible($0)) }, user.isOwner ? dim("owner") : nil,
      user.removed.map { "removed " + clock($0) }, showsKeys ? user.key.map { TextSafety.visible($0) } : nil,
    ]
    return parts.compactMap { $0 }.joined(separator: "  ") + "\n"
  }

  private func invite(_ invite: HubFrame.Invite) -> String {
    let parts = [
      TextSafety.visible(invite.id), invite.state.rawValue, invite.nick.map { "for " + name($0) },
      "by " + name(invite.by), dim("until ") + clock(invite.expires), invite.usedBy.map { "used by " + name($0) },
    ]
    return parts.compactMap { $0 }.joined(separator: "  ") + "\n"
  }

  private static func count(_ number: Int64, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  private func status(_ status: HubFrame.Status) -> String {
    func time(_ microseconds: Int64) -> String {
      microseconds < 1_000 ? "\(microseconds) µs" : "\(microseconds / 1_000).\(microseconds % 1_000 / 100) ms"
    }
    let refused = status.refused.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { "\($0.value) \(TextSafety.visible($0.key))" }
    let lines = [
      "hub       \(TextSafety.visible(status.hub)), since \(clock(status.started))",
      "sessions  \(status.sessions), of which \(status.readers) listen, \(status.behind) behind",
      "users     \(status.users), \(Self.count(status.openInvites, "open invite"))",
      "messages  \(status.messages), and \(Self.count(status.offered, "file")) offered",
      "delivered \(Self.count(status.deliveries, "event")), \(ByteCount.text(status.deliveredBytes))",
      "journal   seq \(status.seq), \(status.uncommitted) on their way"
        + (status.commitMean.map { ", a commit takes \(time($0))" } ?? "")
        + (status.commitMost.map { " (99 of 100 at most \(time($0)))" } ?? ""),
      "files     \(status.files), \(ByteCount.text(status.fileBytes))"
        + (status.diskFree.map { "; the disk has \(ByteCount.text($0)) free" } ?? ""),
      "backup    \(status.backedUp.map(clock) ?? "none")", "admits    \(TextSafety.visible(status.admits))",
      "memory    \(ByteCount.text(status.memory))",
      "refused   \(refused.isEmpty ? "nothing" : refused.joined(separator: ", "))",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// Date and time to the second, in UTC as everywhere else.
  private func clock(_ time: Timestamp) -> String {
    let text = time.description
    return dim(String(text.prefix(19)).replacing("T", with: " "))
  }

  private func body(_ text: String) -> String {
    TextSafety.visible(text, keepNewlines: true).replacing("\n", with: "\n    ")
  }

  private func dim(_ text: String) -> String {
    usesColor ? "\u{1b}[2m\(text)\u{1b}[0m" : text
  }

  /// Stable colours that hold on light and dark backgrounds.
  private func name(_ nick: String) -> String {
    let text = TextSafety.visible(nick)
    guard usesColor else { return text }
    return NickColor.painted(nick, as: text)
  }
}
