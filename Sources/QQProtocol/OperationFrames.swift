/// Frames for whoever runs the hub: how it is doing, and backups.
extension HubFrame {
  /// How a hub is doing. What is counted is counted since its start.
  public struct Status: Equatable, Sendable {
    public var ref: Int64?
    public var hub = ""
    public var started = Timestamp(milliseconds: 0)
    /// Whom it lets in uninvited, for people.
    public var admits = ""
    /// When the newest backup was made; nil where there is none.
    public var backedUp: Timestamp?
    /// Bytes free on the disk of the data; nil where it can't be said.
    public var diskFree: Int64?
    /// Sessions, of these the ones that listen, and of these the ones that don't have everything yet.
    public var sessions: Int64 = 0
    public var readers: Int64 = 0
    public var behind: Int64 = 0
    public var users: Int64 = 0
    public var openInvites: Int64 = 0
    /// Records on their way to the disk.
    public var uncommitted: Int64 = 0
    /// The newest seq.
    public var seq: Int64 = 0
    /// Files that are kept whole, and their bytes.
    public var files: Int64 = 0
    public var fileBytes: Int64 = 0
    public var connections: Int64 = 0
    public var messages: Int64 = 0
    public var offered: Int64 = 0
    public var deliveries: Int64 = 0
    public var deliveredBytes: Int64 = 0
    public var commits: Int64 = 0
    /// From handing records to the journal until they are durable, in microseconds: the mean, and a bound that 99 of 100
    /// keep; nil without commits.
    public var commitMean: Int64?
    public var commitMost: Int64?
    /// Bytes in use.
    public var memory: Int64 = 0
    /// What was refused, by the error's code.
    public var refused: [String: Int64] = [:]

    public init() {}
  }

  /// A backup that was made.
  public struct Backup: Equatable, Sendable {
    public var ref: Int64?
    /// The folder, on the hub's machine.
    public var path: String
    /// The newest seq that it has.
    public var seq: Int64
    /// Files that users sent, and the bytes of everything.
    public var files: Int64
    public var bytes: Int64

    public init(ref: Int64? = nil, path: String, seq: Int64, files: Int64, bytes: Int64) {
      self.ref = ref
      self.path = path
      self.seq = seq
      self.files = files
      self.bytes = bytes
    }
  }
}

extension ClientFrame {
  /// Without the end of the object.
  func encodeOperationFrame(into out: inout JSONWriter) {
    switch self {
    case .status(let ref):
      out.begin("status")
      out.field("ref", ref)
    case .backup(let ref, let keep):
      out.begin("backup")
      out.field("ref", ref)
      out.field("keep", keep)
    default: break
    }
  }
}

extension HubFrame.Status {
  /// The numbers by their names.
  private static var numbers: [(name: StaticString, path: WritableKeyPath<HubFrame.Status, Int64>)] {
    [
      ("sessions", \.sessions), ("readers", \.readers), ("behind", \.behind), ("users", \.users),
      ("open_invites", \.openInvites), ("uncommitted", \.uncommitted), ("seq", \.seq), ("files", \.files),
      ("file_bytes", \.fileBytes), ("connections", \.connections), ("messages", \.messages), ("offered", \.offered),
      ("deliveries", \.deliveries), ("delivered_bytes", \.deliveredBytes), ("commits", \.commits), ("memory", \.memory),
    ]
  }

  func encode(into out: inout JSONWriter) {
    out.begin("status")
    out.field("ref", ref)
    out.field("hub", hub)
    out.field("started", started)
    out.field("admits", admits)
    out.field("backed_up", backedUp)
    out.field("disk_free", diskFree)
    for (name, path) in Self.numbers { out.field(name, self[keyPath: path]) }
    out.field("commit_mean_us", commitMean)
    out.field("commit_most_us", commitMost)
    out.field("refused", refused)
    out.end()
  }

  init(_ decoder: FrameDecoder, _ line: RawSpan) throws(FrameFault) {
    self.init()
    ref = try decoder.ref(line)
    hub = try decoder.string("hub", line) ?? ""
    started = try decoder.required(decoder.time("started", line), "started", line)
    admits = try decoder.string("admits", line, limit: ProtocolLimits.line) ?? ""
    backedUp = try decoder.time("backed_up", line)
    diskFree = try decoder.integer("disk_free", line)
    for (name, path) in Self.numbers { self[keyPath: path] = try decoder.integer(name, line) ?? 0 }
    commitMean = try decoder.integer("commit_mean_us", line)
    commitMost = try decoder.integer("commit_most_us", line)
    refused = try decoder.counts("refused", line) ?? [:]
  }
}

extension HubFrame.Backup {
  func encode(into out: inout JSONWriter) {
    out.begin("backup")
    out.field("ref", ref)
    out.field("path", path)
    out.field("seq", seq)
    out.field("files", files)
    out.field("bytes", bytes)
    out.end()
  }
}

extension FrameDecoder {
  func operationFrame(_ isType: (StaticString) -> Bool, _ line: RawSpan) throws(FrameFault) -> ClientFrame? {
    if isType("status") { return .status(ref: try ref(line)) }
    if isType("backup") { return .backup(ref: try ref(line), keep: try integer("keep", line)) }
    return nil
  }

  func backup(_ line: RawSpan) throws(FrameFault) -> HubFrame.Backup {
    HubFrame.Backup(
      ref: try ref(line), path: try required(string("path", line, limit: ProtocolLimits.line), "path", line),
      seq: try required(integer("seq", line), "seq", line), files: try integer("files", line) ?? 0,
      bytes: try integer("bytes", line) ?? 0)
  }

  /// An object whose values are numbers.
  func counts(_ key: StaticString, _ line: RawSpan) throws(FrameFault) -> [String: Int64]? {
    guard let value = object.value(key, line) else { return nil }
    var inner = JSONObject()
    guard case .object(let range) = value, (try? inner.parse(line.extracting(range))) != nil else {
      throw fault("\"\(key)\" must be an object of numbers", line)
    }
    var counts: [String: Int64] = [:]
    for member in inner.members {
      guard case .integer(let count) = member.value else {
        throw fault("\"\(key)\" must be an object of numbers", line)
      }
      counts[JSONObject.text(member.key, isEscaped: member.isEscaped, line.extracting(range))] = count
    }
    return counts
  }
}
