/// Frames about invites, and about who is let in no more.
extension ClientFrame {
  /// Without the end of the object.
  func encodeAdmissionFrame(into out: inout JSONWriter) {
    switch self {
    case .invite(let ref, let hash, let nick, let lifetime):
      out.begin("invite")
      out.field("ref", ref)
      out.field("hash", hash.description)
      out.field("nick", nick)
      out.field("lifetime", lifetime)
    case .invites(let ref):
      out.begin("invites")
      out.field("ref", ref)
    case .revoke(let ref, let invite):
      out.begin("revoke")
      out.field("ref", ref)
      out.field("invite", invite)
    case .remove(let ref, let user):
      out.begin("remove")
      out.field("ref", ref)
      out.field("user", user)
    case .restore(let ref, let user):
      out.begin("restore")
      out.field("ref", ref)
      out.field("user", user)
    default: break
    }
  }
}

extension HubFrame {
  /// An invite, as whoever may revoke it sees it.
  public struct Invite: Equatable, Sendable {
    public enum State: String, Sendable {
      case open, used, expired, revoked
    }

    public var ref: Int64?
    /// What it is called by; tells nothing of the secret.
    public var id: String
    public var state: State
    /// The nick that whoever uses it gets.
    public var nick: String?
    /// The nick of who made it.
    public var by: String
    public var made: Timestamp
    public var expires: Timestamp
    /// The nick of who used it.
    public var usedBy: String?

    public init(
      ref: Int64?, id: String, state: State, nick: String?, by: String, made: Timestamp, expires: Timestamp,
      usedBy: String? = nil
    ) {
      self.ref = ref
      self.id = id
      self.state = state
      self.nick = nick
      self.by = by
      self.made = made
      self.expires = expires
      self.usedBy = usedBy
    }
  }
}

extension HubFrame.Invite {
  private static let idLength = 10

  /// What people call an invite by whose secret has this SHA-256: 40 bits of it in hexadecimal, which tell nothing of the
  /// secret.
  public static func id(_ hash: Digest) -> String { String(hash.description.prefix(idLength)) }

  /// Whether a text can be one.
  public static func isID(_ text: String) -> Bool {
    text.utf8.count == idLength && text.allSatisfy { $0.isHexDigit && !$0.isUppercase && $0.isASCII }
  }

  public func encode(into out: inout JSONWriter) {
    out.begin("invite")
    out.field("ref", ref)
    out.field("id", id)
    out.field("state", state.rawValue)
    out.field("nick", nick)
    out.field("by", by)
    out.field("made", made)
    out.field("expires", expires)
    out.field("used_by", usedBy)
    out.end()
  }
}

extension FrameDecoder {
  func admissionFrame(_ isType: (StaticString) -> Bool, _ line: RawSpan) throws(FrameFault) -> ClientFrame? {
    if isType("invite") {
      guard let hash = Digest(try required(string("hash", line), "hash", line)) else {
        throw fault("\"hash\" must be 64 hexadecimal digits", line)
      }
      return .invite(
        ref: try ref(line), hash: hash, nick: try string("nick", line),
        lifetime: try required(integer("lifetime", line), "lifetime", line))
    }
    if isType("invites") { return .invites(ref: try ref(line)) }
    if isType("revoke") {
      return .revoke(ref: try ref(line), invite: try required(string("invite", line), "invite", line))
    }
    if isType("remove") { return .remove(ref: try ref(line), user: try required(string("user", line), "user", line)) }
    if isType("restore") {
      return .restore(ref: try ref(line), user: try required(string("user", line), "user", line))
    }
    return nil
  }

  func invite(_ line: RawSpan) throws(FrameFault) -> HubFrame.Invite {
    guard let state = HubFrame.Invite.State(rawValue: try required(string("state", line), "state", line)) else {
      throw fault("\"state\" is none of an invite's", line)
    }
    return HubFrame.Invite(
      ref: try ref(line), id: try required(string("id", line), "id", line), state: state,
      nick: try string("nick", line), by: try string("by", line) ?? "",
      made: try required(time("made", line), "made", line),
      expires: try required(time("expires", line), "expires", line), usedBy: try string("used_by", line))
  }
}
