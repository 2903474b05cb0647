extension FrameDecoder {
  /// What a client said. A fault of `.malformed` or `.badUTF8` means that the stream can't be trusted any more; after
  /// any other the next line is as good as ever.
  public mutating func clientFrame(_ line: RawSpan) throws(FrameFault) -> ClientFrame {
    try parse(line)
    let type = try type(line)
    func isType(_ name: StaticString) -> Bool { JSONScanner.equal(type, name, line) }
    if isType("send") { return .send(try send(line)) }
    if isType("ack") {
      let seq = try required(integer("seq", line), "seq", line)
      guard seq >= 0 else { throw fault("\"seq\" must not be negative", line) }
      return .ack(seq: seq)
    }
    if isType("ping") { return .ping(ref: try ref(line)) }
    if isType("hello") { return .hello(try hello(line)) }
    if isType("listen") { return .listen(try listen(line)) }
    if isType("who") {
      return .who(
        .init(
          ref: try ref(line), all: try bool("all", line), watch: try bool("watch", line),
          removed: try bool("removed", line)))
    }
    if isType("join") {
      return .join(ref: try ref(line), group: try required(string("group", line), "group", line))
    }
    if isType("leave") {
      return .leave(ref: try ref(line), group: try required(string("group", line), "group", line))
    }
    if isType("nick") {
      return .nick(ref: try ref(line), nick: try required(string("nick", line), "nick", line))
    }
    if isType("cursor") {
      return .cursor(ref: try ref(line), name: try string("cursor", line, limit: ProtocolLimits.cursorName))
    }
    if isType("history") { return .history(try history(line)) }
    if let frame = try clientFileFrame(isType, line) { return frame }
    if let frame = try admissionFrame(isType, line) { return frame }
    if let frame = try operationFrame(isType, line) { return frame }
    let name = JSONObject.text(type.prefix(32), isEscaped: false, line)
    throw FrameFault(.unknownType, "there is no frame of the type \"\(name)\"", ref: anyRef(line))
  }

  private func hello(_ line: RawSpan) throws(FrameFault) -> ClientFrame.Hello {
    ClientFrame.Hello(
      version: try required(integer("protocol", line), "protocol", line), nick: try string("nick", line),
      isExplicit: try bool("explicit", line), host: try string("host", line), agent: try string("agent", line),
      invite: try string("invite", line))
  }

  private func send(_ line: RawSpan) throws(FrameFault) -> ClientFrame.Send {
    let to = try required(strings("to", line, limit: ProtocolLimits.targets), "to", line)
    guard !to.isEmpty else { throw fault("\"to\" names nobody", line) }
    let text = try text(line)
    guard ClientFrame.Send.fitsLine(to: to, text: text) else {
      throw FrameFault(
        .textTooLong,
        "the message takes more than \(ProtocolLimits.line) bytes as JSON: escaped characters count with all they need",
        ref: anyRef(line))
    }
    return ClientFrame.Send(
      ref: try ref(line), id: try required(messageID("id", line), "id", line), to: to, text: text,
      replyTo: try messageID("reply_to", line), wantsReceipts: try bool("receipts", line),
      lastSeen: try bool("last_seen", line))
  }

  private func text(_ line: RawSpan) throws(FrameFault) -> String {
    guard case .string(let range, let isEscaped)? = object.value("text", line) else {
      throw fault("\"text\" must be a string", line)
    }
    let text = JSONObject.text(range, isEscaped: isEscaped, line)
    guard text.utf8.count <= ProtocolLimits.text else {
      throw FrameFault(.textTooLong, "the text is longer than \(ProtocolLimits.text) bytes", ref: anyRef(line))
    }
    return text
  }

  private func listen(_ line: RawSpan) throws(FrameFault) -> ClientFrame.Listen {
    ClientFrame.Listen(
      ref: try ref(line), after: try start(line),
      cursor: try string("cursor", line, limit: ProtocolLimits.cursorName),
      reader: try string("reader", line, limit: ProtocolLimits.cursorName), holds: try bool("hold", line),
      tellsLive: try bool("live", line))
  }

  private func start(_ line: RawSpan) throws(FrameFault) -> ClientFrame.Start {
    switch object.value("after", line) {
    case .integer(let seq) where seq >= 0 && ProtocolLimits.integers ~= seq: return .seq(seq)
    case .string(let range, false):
      if JSONScanner.equal(range, "unread", line) { return .unread }
      if JSONScanner.equal(range, "now", line) { return .now }
      throw fault("\"after\" must be a seq, \"unread\" or \"now\"", line)
    case nil:
      if let time = try time("since", line) { return .time(time) }
      return .unread
    default: throw fault("\"after\" must be a seq, \"unread\" or \"now\"", line)
    }
  }

  private func history(_ line: RawSpan) throws(FrameFault) -> ClientFrame.HistoryRequest {
    let limit = try integer("limit", line) ?? Int64(ProtocolLimits.historyPage)
    guard limit >= 1 else { throw fault("\"limit\" must be 1 or more", line) }
    return ClientFrame.HistoryRequest(
      ref: try ref(line), target: try string("target", line), after: try integer("after", line),
      before: try integer("before", line), since: try time("since", line),
      limit: min(limit, Int64(ProtocolLimits.historyPage)))
  }
}

extension ClientFrame.Send {
  /// Whether the line of the message that others are sent can't be too long: what is one byte here may be six there.
  public static func fitsLine(to: [String], text: String) -> Bool {
    // All the other fields at their longest.
    let room = ProtocolLimits.line - 1024
    let bytes = to.reduce(text.utf8.count) { $0 + $1.utf8.count + 3 }
    if bytes * 6 <= room { return true }
    var writer = JSONWriter(reserving: bytes)
    writer.string(text)
    writer.field("to", to)
    return writer.bytes.count <= room
  }
}

extension ClientFrame {
  /// Appends the frame's line.
  public func encode(into out: inout JSONWriter) {
    switch self {
    case .hello(let hello):
      out.begin("hello")
      out.field("protocol", hello.version)
      out.field("nick", hello.nick)
      out.flag("explicit", hello.isExplicit)
      out.field("host", hello.host)
      out.field("agent", hello.agent)
      out.field("invite", hello.invite)
    case .send(let send):
      out.begin(send.file == nil ? "send" : "offer")
      out.field("ref", send.ref)
      out.field("id", send.id)
      out.field("to", send.to)
      if let file = send.file { file.encode(into: &out) } else { out.field("text", send.text) }
      out.field("reply_to", send.replyTo)
      out.flag("receipts", send.wantsReceipts)
      out.flag("last_seen", send.lastSeen)
    case .listen(let listen):
      out.begin("listen")
      out.field("ref", listen.ref)
      switch listen.after {
      case .seq(let seq): out.field("after", seq)
      case .unread: out.field("after", "unread")
      case .now: out.field("after", "now")
      case .time(let time): out.field("since", time)
      }
      out.field("cursor", listen.cursor)
      out.field("reader", listen.reader)
      out.flag("hold", listen.holds)
      out.flag("live", listen.tellsLive)
    case .ack(let seq):
      out.begin("ack")
      out.field("seq", seq)
    case .cursor(let ref, let name):
      out.begin("cursor")
      out.field("ref", ref)
      out.field("cursor", name)
    case .who(let who):
      out.begin("who")
      out.field("ref", who.ref)
      out.flag("all", who.all)
      out.flag("watch", who.watch)
      out.flag("removed", who.removed)
    case .join(let ref, let group):
      out.begin("join")
      out.field("ref", ref)
      out.field("group", group)
    case .leave(let ref, let group):
      out.begin("leave")
      out.field("ref", ref)
      out.field("group", group)
    case .nick(let ref, let nick):
      out.begin("nick")
      out.field("ref", ref)
      out.field("nick", nick)
    case .history(let request):
      out.begin("history")
      out.field("ref", request.ref)
      out.field("target", request.target)
      out.field("after", request.after)
      out.field("before", request.before)
      out.field("since", request.since)
      out.field("limit", request.limit)
    case .ping(let ref):
      out.begin("ping")
      out.field("ref", ref)
    case .upload, .put, .finish, .get, .got, .withdraw, .saved, .files: encodeFileFrame(into: &out)
    case .invite, .invites, .revoke, .remove, .restore: encodeAdmissionFrame(into: &out)
    case .status, .backup: encodeOperationFrame(into: &out)
    }
    out.end()
  }
}
