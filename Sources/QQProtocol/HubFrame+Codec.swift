extension HubFrame {
  /// Appends the frame's line.
  public func encode(into out: inout JSONWriter) {
    switch self {
    case .message(let message): message.encode(into: &out)
    case .sent(let sent): sent.encode(into: &out)
    case .welcome(let welcome):
      out.begin("welcome")
      out.field("protocol", welcome.version)
      out.field("hub", welcome.hub)
      out.field("epoch", welcome.epoch)
      out.field("nick", welcome.nick)
      out.field("address", welcome.address)
      out.field("seq", welcome.seq)
      out.flag("guest", welcome.isGuest)
      out.end()
    case .ok(let ok):
      out.begin("ok")
      out.field("ref", ok.ref)
      out.field("seq", ok.seq)
      out.flag("following", ok.isFollowing)
      out.flag("live", ok.isLive)
      out.flag("more", ok.more)
      out.field("nick", ok.nick)
      out.field("offset", ok.offset)
      out.field("hash", ok.hash?.description)
      out.end()
    case .error(let failure):
      out.begin("error")
      out.field("ref", failure.ref)
      out.field("code", failure.code)
      out.field("message", failure.message)
      out.field("to", failure.to)
      out.field("id", failure.id)
      out.end()
    case .presence(let presence):
      out.begin("presence")
      out.field("time", presence.time)
      out.field("nick", presence.nick)
      out.field("address", presence.address)
      out.field("online", presence.online)
      out.end()
    case .receipt(let receipt):
      out.begin("receipt")
      out.field("time", receipt.time)
      out.field("id", receipt.id)
      out.field("nick", receipt.nick)
      out.field("status", receipt.status)
      out.end()
    case .gap(let from, let to):
      out.begin("gap")
      out.field("from", from)
      out.field("to", to)
      out.end()
    case .user(let user):
      out.begin("user")
      out.field("ref", user.ref)
      out.field("nick", user.nick)
      out.field("address", user.address)
      out.field("online", user.online)
      out.field("since", user.since)
      out.field("groups", user.groups)
      out.field("key", user.key)
      out.field("client", user.client)
      out.flag("owner", user.isOwner)
      out.field("removed", user.removed)
      out.end()
    case .invite(let invite): invite.encode(into: &out)
    case .status(let status): status.encode(into: &out)
    case .backup(let backup): backup.encode(into: &out)
    case .pong(let ref):
      out.begin("pong")
      out.field("ref", ref)
      out.end()
    case .file, .complete, .chunk, .end, .progress: encodeFileFrame(into: &out)
    }
  }
}

extension HubFrame.Message {
  @inline(__always)
  public func encode(into out: inout JSONWriter) {
    out.begin("message")
    out.field("id", id)
    out.field("seq", seq)
    out.field("time", time)
    out.field("from", from)
    out.field("address", address)
    out.field("to", to)
    out.field("text", text)
    out.field("reply_to", replyTo)
    out.end()
  }
}

extension HubFrame.Sent {
  @inline(__always)
  public func encode(into out: inout JSONWriter) {
    out.begin("sent")
    out.field("ref", ref)
    out.field("id", id)
    out.field("seq", seq)
    out.field("to", to)
    out.field("status", status)
    out.flag("duplicate", isDuplicate)
    if let awaiting { out.field("awaiting", awaiting) }
    out.flag("more", more)
    out.end()
  }
}

extension FrameDecoder {
  /// What the hub said; nil for a type this client doesn't know, which is ignored.
  public mutating func hubFrame(_ line: RawSpan) throws(FrameFault) -> HubFrame? {
    try parse(line)
    let type = try type(line)
    func isType(_ name: StaticString) -> Bool { JSONScanner.equal(type, name, line) }
    if isType("message") { return .message(try message(line)) }
    if isType("sent") { return .sent(try sent(line)) }
    if isType("ok") {
      return .ok(
        .init(
          ref: try ref(line), seq: try count("seq", line), isFollowing: try bool("following", line),
          isLive: try bool("live", line), more: try bool("more", line), nick: try string("nick", line),
          offset: try count("offset", line), hash: try treeHash("hash", line)))
    }
    if isType("error") {
      return .error(
        .init(
          ref: try ref(line), code: try required(string("code", line), "code", line),
          message: try string("message", line, limit: ProtocolLimits.line) ?? "",
          to: try string("to", line, limit: ProtocolLimits.line), id: try messageID("id", line)))
    }
    if isType("welcome") { return .welcome(try welcome(line)) }
    if isType("presence") {
      return .presence(
        .init(
          time: try required(time("time", line), "time", line), nick: try required(string("nick", line), "nick", line),
          address: try string("address", line) ?? "", online: try bool("online", line)))
    }
    if isType("receipt") {
      return .receipt(
        .init(
          time: try required(time("time", line), "time", line), id: try required(messageID("id", line), "id", line),
          nick: try required(string("nick", line), "nick", line), status: try string("status", line) ?? "delivered"))
    }
    if isType("gap") {
      let (from, to) = (try size("from", line), try size("to", line))
      guard from <= to else { throw FrameFault(.badField, "\"to\" must not be before \"from\"") }
      return .gap(from: from, to: to)
    }
    if isType("user") { return .user(try user(line)) }
    if isType("invite") { return .invite(try invite(line)) }
    if isType("status") { return .status(try HubFrame.Status(self, line)) }
    if isType("backup") { return .backup(try backup(line)) }
    if isType("pong") { return .pong(ref: try ref(line)) }
    return try hubFileFrame(isType, line)
  }

  private func welcome(_ line: RawSpan) throws(FrameFault) -> HubFrame.Welcome {
    HubFrame.Welcome(
      version: try required(integer("protocol", line), "protocol", line), hub: try string("hub", line) ?? "",
      epoch: try required(string("epoch", line), "epoch", line), nick: try required(string("nick", line), "nick", line),
      address: try string("address", line) ?? "", seq: try size("seq", line),
      isGuest: try bool("guest", line))
  }

  private func message(_ line: RawSpan) throws(FrameFault) -> HubFrame.Message {
    HubFrame.Message(
      id: try required(messageID("id", line), "id", line), seq: try size("seq", line),
      time: try required(time("time", line), "time", line), from: try required(string("from", line), "from", line),
      address: try string("address", line) ?? "",
      to: try required(strings("to", line, limit: ProtocolLimits.targets), "to", line),
      text: try required(string("text", line, limit: ProtocolLimits.text), "text", line),
      replyTo: try messageID("reply_to", line))
  }

  private func sent(_ line: RawSpan) throws(FrameFault) -> HubFrame.Sent {
    HubFrame.Sent(
      ref: try ref(line), id: try required(messageID("id", line), "id", line),
      seq: try size("seq", line),
      to: try required(string("to", line, limit: ProtocolLimits.line), "to", line),
      status: try string("status", line) ?? "stored", isDuplicate: try bool("duplicate", line),
      awaiting: try strings("awaiting", line, limit: ProtocolLimits.awaiting), more: try bool("more", line))
  }

  private func user(_ line: RawSpan) throws(FrameFault) -> HubFrame.User {
    HubFrame.User(
      ref: try ref(line), nick: try required(string("nick", line), "nick", line), address: try string("address", line),
      online: try bool("online", line), since: try time("since", line),
      groups: try strings("groups", line, limit: .max) ?? [], key: try string("key", line),
      client: try string("client", line), isOwner: try bool("owner", line), removed: try time("removed", line))
  }
}
