extension FileInfo {
  func encode(into out: inout JSONWriter) {
    out.field("name", name)
    out.field("size", size)
    out.field("manifest", manifest)
    out.field("mode", mode)
    out.field("modified", modified)
  }
}

extension Chunk {
  fileprivate func encode(_ type: StaticString, into out: inout JSONWriter) {
    out.begin(type)
    out.field("offset", offset)
    out.field("size", Int64(size))
    out.field("hash", hash.description)
  }
}

extension ClientFrame {
  /// Those about files, without the end of the object.
  func encodeFileFrame(into out: inout JSONWriter) {
    switch self {
    case .upload(let ref, let id):
      out.begin("upload")
      out.field("ref", ref)
      out.field("id", id)
    case .put(let chunk):
      chunk.encode("put", into: &out)
    case .finish(let ref, let size, let hash):
      out.begin("finish")
      out.field("ref", ref)
      out.field("size", size)
      out.field("hash", hash.description)
    case .get(let get):
      out.begin("get")
      out.field("ref", get.ref)
      switch get.file {
      case .id(let id): out.field("id", id)
      case .seq(let seq): out.field("seq", seq)
      }
      out.field("offset", get.offset)
      out.field("hash", get.hash?.description)
    case .got(let offset):
      out.begin("got")
      out.field("offset", offset)
    case .withdraw(let ref, let id):
      out.begin("withdraw")
      out.field("ref", ref)
      out.field("id", id)
    case .saved(let ref, let seq):
      out.begin("saved")
      out.field("ref", ref)
      out.field("seq", seq)
    case .files(let ref, let after):
      out.begin("files")
      out.field("ref", ref)
      if after > 0 { out.field("after", after) }
    default: break
    }
  }
}

extension FrameDecoder {
  func clientFileFrame(_ isType: (StaticString) -> Bool, _ line: RawSpan) throws(FrameFault) -> ClientFrame? {
    if isType("put") { return .put(try chunk(line)) }
    if isType("got") { return .got(offset: try size("offset", line)) }
    if isType("offer") { return .send(try offer(line)) }
    if isType("upload") { return .upload(ref: try ref(line), id: try required(messageID("id", line), "id", line)) }
    if isType("withdraw") { return .withdraw(ref: try ref(line), id: try required(messageID("id", line), "id", line)) }
    if isType("finish") {
      return .finish(
        ref: try ref(line), size: try size("size", line), hash: try required(treeHash("hash", line), "hash", line))
    }
    if isType("get") { return .get(try get(line)) }
    if isType("saved") { return .saved(ref: try ref(line), seq: try size("seq", line)) }
    if isType("files") {
      return .files(ref: try ref(line), after: max(0, try integer("after", line) ?? 0))
    }
    return nil
  }

  private func offer(_ line: RawSpan) throws(FrameFault) -> ClientFrame.Send {
    let to = try required(strings("to", line, limit: ProtocolLimits.targets), "to", line)
    guard !to.isEmpty else { throw fault("\"to\" names nobody", line) }
    let info = try fileInfo(line)
    guard ClientFrame.Send.fitsLine(to: to, text: info.name) else {
      throw FrameFault(
        .textTooLong, "the offer takes more than \(ProtocolLimits.line) bytes as JSON", ref: anyRef(line))
    }
    return ClientFrame.Send(
      ref: try ref(line), id: try required(messageID("id", line), "id", line), to: to, text: "",
      wantsReceipts: try bool("receipts", line), lastSeen: try bool("last_seen", line), file: info)
  }

  private func fileInfo(_ line: RawSpan) throws(FrameFault) -> FileInfo {
    let info = FileInfo(
      name: try required(string("name", line), "name", line), size: try integer("size", line),
      manifest: try integer("manifest", line), mode: try integer("mode", line).map { $0 & 0o777 },
      modified: try time("modified", line))
    guard info.size ?? 0 >= 0 else { throw fault("\"size\" must not be negative", line) }
    if let manifest = info.manifest {
      guard let size = info.size, 0...min(size, Int64(Manifest.limit)) ~= manifest else {
        throw fault("\"manifest\" must be within \"size\", and at most \(Manifest.limit)", line)
      }
    }
    return info
  }

  private func get(_ line: RawSpan) throws(FrameFault) -> ClientFrame.Get {
    let file: ClientFrame.FileKey
    if let seq = try integer("seq", line) {
      file = .seq(seq)
    } else {
      file = .id(try required(messageID("id", line), "id", line))
    }
    return ClientFrame.Get(
      ref: try ref(line), file: file, offset: try chunkOffset(line), hash: try treeHash("hash", line))
  }

  private func chunk(_ line: RawSpan) throws(FrameFault) -> Chunk {
    let size = try size("size", line)
    guard 1...Int64(Chunk.size) ~= size else { throw fault("\"size\" of a piece is 1 to \(Chunk.size)", line) }
    guard let text = try string("hash", line, limit: 64), let hash = Digest(text) else {
      throw fault("\"hash\" must be 64 hexadecimal digits", line)
    }
    return Chunk(offset: try chunkOffset(line), size: Int(size), hash: hash)
  }

  private func chunkOffset(_ line: RawSpan) throws(FrameFault) -> Int64 {
    let offset = try integer("offset", line) ?? 0
    guard offset >= 0, offset % Int64(Chunk.size) == 0 else {
      throw fault("\"offset\" must be a multiple of \(Chunk.size)", line)
    }
    return offset
  }

  /// An integer that isn't negative.
  func size(_ key: StaticString, _ line: RawSpan) throws(FrameFault) -> Int64 {
    let value = try required(integer(key, line), key, line)
    guard value >= 0 else { throw fault("\"\(key)\" must not be negative", line) }
    return value
  }

  /// The same where it may be absent.
  func count(_ key: StaticString, _ line: RawSpan) throws(FrameFault) -> Int64? {
    guard let value = try integer(key, line) else { return nil }
    guard value >= 0 else { throw fault("\"\(key)\" must not be negative", line) }
    return value
  }

  func treeHash(_ key: StaticString, _ line: RawSpan) throws(FrameFault) -> TreeHash? {
    guard let text = try string(key, line, limit: 128) else { return nil }
    guard let hash = TreeHash(text) else { throw fault("\"\(key)\" must be \(TreeHash.prefix) and 64 digits", line) }
    return hash
  }
}

extension HubFrame {
  public struct File: Equatable, Sendable {
    public var ref: Int64?
    public var id: MessageID
    public var seq: Int64
    public var time: Timestamp
    public var from: String
    public var address: String
    public var to: [String]
    public var info: FileInfo

    public init(
      ref: Int64? = nil, id: MessageID, seq: Int64, time: Timestamp, from: String, address: String, to: [String],
      info: FileInfo
    ) {
      self.ref = ref
      self.id = id
      self.seq = seq
      self.time = time
      self.from = from
      self.address = address
      self.to = to
      self.info = info
    }
  }

  public struct Complete: Equatable, Sendable {
    public var id: MessageID
    public var seq: Int64
    public var time: Timestamp
    public var from: String
    public var to: [String]
    public var name: String
    public var size: Int64
    public var hash: TreeHash

    public init(
      id: MessageID, seq: Int64, time: Timestamp, from: String, to: [String], name: String, size: Int64, hash: TreeHash
    ) {
      self.id = id
      self.seq = seq
      self.time = time
      self.from = from
      self.to = to
      self.name = name
      self.size = size
      self.hash = hash
    }
  }

  /// Those about files, whole.
  func encodeFileFrame(into out: inout JSONWriter) {
    switch self {
    case .file(let file):
      out.begin("file")
      out.field("ref", file.ref)
      out.field("id", file.id)
      out.field("seq", file.seq)
      out.field("time", file.time)
      out.field("from", file.from)
      out.field("address", file.address)
      out.field("to", file.to)
      file.info.encode(into: &out)
    case .complete(let complete):
      out.begin("complete")
      out.field("id", complete.id)
      out.field("seq", complete.seq)
      out.field("time", complete.time)
      out.field("from", complete.from)
      out.field("to", complete.to)
      out.field("name", complete.name)
      out.field("size", complete.size)
      out.field("hash", complete.hash.description)
    case .chunk(let chunk):
      chunk.encode("chunk", into: &out)
    case .end(let size, let hash):
      out.begin("end")
      out.field("size", size)
      out.field("hash", hash.description)
    case .progress(let id, let nick, let bytes):
      out.begin("progress")
      out.field("id", id)
      out.field("nick", nick)
      out.field("bytes", bytes)
    default: return
    }
    out.end()
  }
}

extension FrameDecoder {
  func hubFileFrame(_ isType: (StaticString) -> Bool, _ line: RawSpan) throws(FrameFault) -> HubFrame? {
    if isType("chunk") { return .chunk(try chunk(line)) }
    if isType("file") {
      return .file(
        HubFrame.File(
          ref: try ref(line), id: try required(messageID("id", line), "id", line), seq: try size("seq", line),
          time: try required(time("time", line), "time", line),
          from: try required(string("from", line), "from", line), address: try string("address", line) ?? "",
          to: try required(strings("to", line, limit: ProtocolLimits.targets), "to", line),
          info: try fileInfo(line)))
    }
    if isType("complete") {
      return .complete(
        HubFrame.Complete(
          id: try required(messageID("id", line), "id", line), seq: try size("seq", line),
          time: try required(time("time", line), "time", line),
          from: try required(string("from", line), "from", line),
          to: try required(strings("to", line, limit: ProtocolLimits.targets), "to", line),
          name: try required(string("name", line), "name", line), size: try size("size", line),
          hash: try required(treeHash("hash", line), "hash", line)))
    }
    if isType("end") {
      return .end(size: try size("size", line), hash: try required(treeHash("hash", line), "hash", line))
    }
    if isType("progress") {
      return .progress(
        id: try required(messageID("id", line), "id", line), nick: try required(string("nick", line), "nick", line),
        bytes: try size("bytes", line))
    }
    return nil
  }
}
