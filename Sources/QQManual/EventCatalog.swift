/// Every event that `qq` prints, and every field: what the page qq-events(5) and the JSON Schema beside it are made of.
public struct EventCatalog: Sendable {
  public enum Kind: String, Sendable {
    case text, integer, flag, time, id, names, hash, key, counts
  }

  public struct Field: Sendable {
    public var name: String
    public var kind: Kind
    public var isAlwaysThere: Bool
    public var text: String
  }

  public struct Event: Sendable {
    public var type: String
    public var source: String
    public var text: String
    public var fields: [Field]
  }

  public var events: [Event]

  private static func always(_ name: String, _ kind: Kind, _ text: String) -> Field {
    Field(name: name, kind: kind, isAlwaysThere: true, text: text)
  }

  private static func maybe(_ name: String, _ kind: Kind, _ text: String) -> Field {
    Field(name: name, kind: kind, isAlwaysThere: false, text: text)
  }

  private static let id = always("id", .id, "The id that its sender chose; the same again is the same message.")
  private static let seq = always("seq", .integer, "Its place in the hub's journal.")
  private static let time = always("time", .time, "When the hub had it.")
  private static let from = always("from", .text, "The sender's nick then.")
  private static let to = always("to", .names, "The targets, as the sender wrote them.")
  private static let address = always("address", .text, "Where the sender was connected from, as the hub saw it.")
  private static let invite = maybe("nick", .text, "The nick that whoever uses it gets.")
  private static let hub = always("hub", .text, "HOST:PORT of the hub.")
  private static let fingerprint = always("fingerprint", .key, "The fingerprint of the hub's key.")

  public static let current = EventCatalog(events: [
    Event(
      type: "message", source: "listen, history, chat", text: "Somebody said something.",
      fields: [
        id, seq, time, from, address, to, always("text", .text, "What was said."),
        maybe("reply_to", .id, "The id of the message that this one answers."),
      ]),
    Event(
      type: "file", source: "listen, history, chat",
      text: "A file or folder is offered. Its bytes may still be on their way.",
      fields: [
        id, seq, time, from, address, to, always("name", .text, "Its name; judge it before you open anything."),
        maybe("size", .integer, "Bytes, where that is known beforehand."),
        maybe("manifest", .integer, "Of a folder: bytes of the list that comes before what its files hold."),
        maybe("mode", .integer, "Permission bits."), maybe("modified", .time, "When it was changed last."),
      ]),
    Event(
      type: "complete", source: "listen, history, chat", text: "The hub has all of a file, verified.",
      fields: [
        id, seq, time, from, to, always("name", .text, "Its name."), always("size", .integer, "Bytes."),
        always("hash", .hash, "What its content is known by."),
      ]),
    Event(
      type: "saved", source: "listen --save, get", text: "A file is here, verified, under its final name.",
      fields: [
        id, seq, from, always("name", .text, "As the sender called it."),
        always("path", .text, "Where it is."), always("hash", .hash, "What its content is known by."),
      ]),
    Event(
      type: "presence", source: "listen, who --watch", text: "A user has come or gone.",
      fields: [
        time, always("nick", .text, "Who."), always("address", .text, "From where."),
        always("online", .flag, "Has come, or gone."),
      ]),
    Event(
      type: "receipt", source: "send, sendfile", text: "A recipient has it; with --wait delivered.",
      fields: [
        time, always("id", .id, "The id of the message or file."), always("nick", .text, "Who has it."),
        always("status", .text, "\"delivered\"."),
      ]),
    Event(
      type: "gap", source: "listen", text: "Records that the hub keeps no longer, and that were not read in time.",
      fields: [always("from", .integer, "The first seq."), always("to", .integer, "The last.")]),
    Event(
      type: "sent", source: "send, sendfile", text: "A message or a file is on the hub's disk, for one target.",
      fields: [
        always("id", .id, "Its id, to retry with."), always("seq", .integer, "Its place in the hub's journal."),
        always("to", .text, "The target."), always("status", .text, "\"stored\"."),
        maybe("duplicate", .flag, "It was there already under this id."), maybe("name", .text, "Of a file."),
        maybe("size", .integer, "Of a file, in bytes."), maybe("hash", .hash, "Of a file."),
      ]),
    Event(
      type: "progress", source: "sendfile -v, get -v", text: "How far a file is, some times a second.",
      fields: [
        always("id", .id, "The id of the file."), always("name", .text, "Its name."),
        maybe("nick", .text, "The recipient who has so much; absent on the way to the hub."),
        always("bytes", .integer, "How much is there."), maybe("size", .integer, "Of how much, where it is known."),
      ]),
    Event(
      type: "error", source: "send, sendfile", text: "A target could not be sent to; standard error says so, too.",
      fields: [
        always("code", .text, "For programs: unknown_target, not_member and others of qq-protocol(7)."),
        always("message", .text, "For people."), maybe("to", .text, "The target."),
        maybe("id", .id, "The id of the message."),
      ]),
    Event(
      type: "user", source: "who, admin members", text: "A user.",
      fields: [
        always("nick", .text, "The nick."), maybe("address", .text, "Where the user is, or was last."),
        always("online", .flag, "Somebody listens."),
        maybe("since", .time, "Since when; of one who isn't online, until when."),
        always("groups", .names, "The groups, with @all."), maybe("key", .key, "The fingerprint of the user's key."),
        maybe("client", .text, "\"classic\" for a client of the original mini QQ."),
        maybe("owner", .flag, "Invites, and removes users."),
        maybe("removed", .time, "Since when it is let in no more."),
      ]),
    Event(
      type: "ready", source: "serve", text: "The hub accepts connections.",
      fields: [
        always("address", .text, "Where, with the real port."),
        maybe("addresses", .names, "Where, if at several places."),
        fingerprint, maybe("metrics", .text, "Where metrics are asked for."),
        always("admits", .text, "Whom it lets in uninvited, for people."),
        always("owners", .names, "The fingerprints of the owners' keys."),
      ]),
    Event(
      type: "invite", source: "invite, admin invites", text: "An invite: the token once, its state ever after.",
      fields: [
        always("id", .text, "What it is called by."), maybe("token", .text, "To be handed over; only when it is made."),
        invite, always("expires", .time, "Until when it can be used."),
        maybe("hubs", .names, "Where the token says that the hub is."), maybe("fingerprint", .key, "Of the hub's key."),
        maybe("state", .text, "\"open\", \"used\", \"expired\" or \"revoked\"."),
        maybe("by", .text, "Who made it."), maybe("made", .time, "When."), maybe("used_by", .text, "Who used it."),
      ]),
    Event(
      type: "accepted", source: "accept", text: "This account is in.",
      fields: [
        hub, always("name", .text, "How the hub calls itself."), always("nick", .text, "Who one is there."),
        fingerprint,
      ]),
    Event(type: "trusted", source: "trust", text: "A hub's key is remembered.", fields: [hub, fingerprint]),
    Event(
      type: "hub", source: "who --hubs", text: "A hub that announces itself.",
      fields: [
        always("name", .text, "How it calls itself, which anybody can."), always("address", .text, "HOST:PORT."),
        always("addresses", .names, "All its places."), fingerprint,
        always("proved", .flag, "It has proved to have that key."),
        always("trusted", .flag, "And the key is one that is trusted here."),
      ]),
    Event(
      type: "joined", source: "join", text: "The user is in a group.",
      fields: [always("group", .text, "The group."), maybe("seq", .integer, "From where on.")]),
    Event(
      type: "left", source: "leave", text: "The user is in a group no more.",
      fields: [always("group", .text, "The group."), maybe("seq", .integer, "From where on.")]),
    Event(
      type: "renamed", source: "nick", text: "The user has a new nick.", fields: [always("nick", .text, "The nick.")]),
    Event(
      type: "status", source: "status", text: "How the hub is doing; what is counted is counted since its start.",
      fields: [
        always("hub", .text, "How the hub calls itself."), always("started", .time, "When."),
        always("admits", .text, "Whom it lets in uninvited, for people."),
        maybe("backed_up", .time, "When the newest backup was made."),
        maybe("disk_free", .integer, "Bytes free on the disk of its data."),
        always("sessions", .integer, "Connections that were welcomed or are about to be."),
        always("readers", .integer, "Of these, the ones that listen."),
        always("behind", .integer, "Of these, the ones that don't have everything yet."),
        always("users", .integer, "Users with a key who are let in."),
        always("open_invites", .integer, "Invites that can be used."),
        always("uncommitted", .integer, "Records on their way to the disk."),
        always("seq", .integer, "The newest place in the journal."),
        always("files", .integer, "Files that are kept whole."), always("file_bytes", .integer, "Their bytes."),
        always("connections", .integer, "Connections that were opened."),
        always("messages", .integer, "Messages that were committed."),
        always("offered", .integer, "Files that were offered."),
        always("deliveries", .integer, "Events that were written to readers."),
        always("delivered_bytes", .integer, "Their bytes."), always("commits", .integer, "Commits."),
        maybe("commit_mean_us", .integer, "What one takes on average, in microseconds."),
        maybe("commit_most_us", .integer, "What 99 of 100 take at most."),
        always("memory", .integer, "Bytes in use."),
        always("refused", .counts, "What was refused: how often, by the error's code."),
      ]),
    Event(
      type: "backup", source: "admin backup", text: "The hub made a backup of its data.",
      fields: [
        always("path", .text, "The folder, on the hub's machine."),
        always("seq", .integer, "The newest place in the journal that it has."),
        always("files", .integer, "Files that users sent."), always("bytes", .integer, "Of everything."),
      ]),
    Event(
      type: "revoked", source: "admin revoke", text: "An invite can't be used any more.",
      fields: [always("invite", .text, "Its id.")]),
    Event(
      type: "removed", source: "admin remove", text: "A user is let in no more.",
      fields: [always("nick", .text, "The user.")]),
    Event(
      type: "restored", source: "admin restore", text: "A user is let in again.",
      fields: [always("nick", .text, "The user.")]),
    Event(
      type: "alias", source: "alias", text: "An alias of this account's.",
      fields: [always("name", .text, "The alias."), always("target", .text, "What it stands for.")]),
    Event(
      type: "whoami", source: "whoami", text: "What a command line would use.",
      fields: [
        hub, always("source", .text, "What named it."), always("hub_key", .text, "What is known of its key."),
        always("nick", .text, "The user."), maybe("key", .key, "The fingerprint of the user's key."),
        always("online", .flag, "The hub answers."), maybe("address", .text, "Where the hub sees this user."),
        maybe("epoch", .text, "The life of the hub's data: another after it was restored."),
        always("cursor", .text, "The cursor that was asked about."),
        maybe("cursor_seq", .integer, "Up to where it has come."), maybe("seq", .integer, "The hub's newest seq."),
        always("state", .text, "Where keys are kept."),
      ]),
  ])
}
