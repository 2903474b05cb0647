import QQProtocol

/// What a fuzzer of lines starts from.
public enum FuzzCorpus {
  private static let id = MessageID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
  private static let fingerprint = "SHA256:" + String(repeating: "A", count: 43)
  private static let time = Timestamp(milliseconds: 1_795_421_702_113)

  /// Each kind of frame that a client sends, with all its fields and with few.
  public static let clientFrames: [ClientFrame] = [
    .send(
      .init(
        ref: 1, id: id, to: ["a"], text: "",
        file: FileInfo(name: "é", size: 5, manifest: 2, mode: 0o644, modified: time))),
    .upload(ref: 1, id: id), .put(Chunk(offset: 1 << 20, size: 1, hash: Digest(of: [1]))),
    .finish(ref: 2, size: 3, hash: TreeHash(Digest(of: []))), .got(offset: 4), .withdraw(ref: 4, id: id),
    .saved(ref: 5, seq: 6),
    .files(ref: 7, after: 9),
    .get(.init(ref: 3, file: .id(id))),
    .get(.init(ref: 3, file: .seq(8), offset: 2 << 20, hash: TreeHash(Digest(of: [])))),
    .hello(.init()), .hello(.init(nick: "zoë", isExplicit: true, host: "box", agent: "qq/1")),
    .send(.init(ref: 1, id: id, to: ["alice"], text: "hi")),
    .send(
      .init(
        ref: nil, id: id, to: ["alice", "@ops", "::1"], text: "line\n\t\"\\ é€😀\u{202e}\u{7f}\u{0}", replyTo: id,
        wantsReceipts: true, lastSeen: true)),
    .listen(.init(ref: 2, after: .seq(4182), cursor: "listen", reader: "r", holds: true, tellsLive: true)),
    .listen(.init(ref: nil, after: .unread)), .listen(.init(ref: nil, after: .now)),
    .listen(.init(ref: 3, after: .time(time))), .ack(seq: 9_007_199_254_740_991), .who(.init(ref: 4)),
    .cursor(ref: 5, name: "log"),
    .who(.init(ref: 4, all: true, watch: true)), .join(ref: 5, group: "@ops"), .leave(ref: 6, group: "@ops"),
    .nick(ref: 7, nick: "bob"), .history(.init(ref: 8)),
    .history(.init(ref: 8, target: "@all", after: 0, before: 100, since: time, limit: 10)), .ping(ref: -1),
    .hello(.init(nick: "bob", invite: "AAAAAAAAAAAAAAAAAAAAAA")), .who(.init(ref: 1, all: true, removed: true)),
    .invite(ref: 1, hash: Digest(of: [1]), nick: "bob", lifetime: 5), .invites(ref: 2),
    .invite(ref: nil, hash: Digest(of: [2]), nick: nil, lifetime: -1), .revoke(ref: 3, invite: "0123456789"),
    .remove(ref: 4, user: "bob"), .restore(ref: 5, user: "SHA256:x"), .status(ref: 6), .backup(ref: 7, keep: 3),
    .backup(ref: nil, keep: nil),
  ]

  /// Each kind of frame that a hub sends, with all its fields and with few.
  public static let hubFrames: [HubFrame] = [
    .file(
      .init(
        ref: 1, id: id, seq: 2, time: time, from: "a", address: "::1", to: ["b"],
        info: FileInfo(name: "x", size: 9, manifest: 3, mode: 0, modified: time))),
    .complete(
      .init(
        id: id, seq: 3, time: time, from: "a", to: ["b"], name: "x", size: 9, hash: TreeHash(Digest(of: [])))),
    .chunk(Chunk(offset: 0, size: 7, hash: Digest(of: []))), .end(size: 7, hash: TreeHash(Digest(of: []))),
    .progress(id: id, nick: "b", bytes: 5), .ok(.init(ref: 1, offset: 2, hash: TreeHash(Digest(of: [])))),
    .welcome(.init(version: 1, hub: "hub", epoch: "e", nick: "n", address: "::1", seq: 1, isGuest: true)),
    .ok(.init(ref: 1)), .ok(.init(ref: 1, seq: 2, isFollowing: true, isLive: true, more: true, nick: "x")),
    .sent(.init(ref: 1, id: id, seq: 5, to: "@all")),
    .sent(.init(ref: nil, id: id, seq: 5, to: "a", status: "s", isDuplicate: true, awaiting: ["b", "c"], more: true)),
    .error(.init(ref: 1, .unknownTarget, "nobody called \"bbo\"", to: "bbo", id: id)),
    .message(
      .init(
        id: id, seq: 4182, time: time, from: "alice", address: "192.168.1.5", to: ["@ops", "bob"],
        text: "disk\u{2028}full", replyTo: id)),
    .presence(.init(time: time, nick: "carol", address: "192.168.1.9", online: true)),
    .receipt(.init(time: time, id: id, nick: "bob")), .gap(from: 4100, to: 4140),
    .user(
      .init(ref: 1, nick: "a", address: "::1", online: true, since: time, groups: ["@all", "@ops"], key: fingerprint)),
    .user(.init(nick: "a", address: nil, online: false, since: nil, groups: [], key: nil)), .pong(ref: 8),
    .user(
      .init(
        nick: "a", address: nil, online: false, since: nil, groups: [], key: fingerprint, isOwner: true, removed: time)),
    .invite(.init(ref: 1, id: "0123456789", state: .open, nick: nil, by: "a", made: time, expires: time)),
    .invite(
      .init(
        ref: nil, id: "0123456789", state: .used, nick: "bob", by: "a", made: time, expires: time, usedBy: "bob")),
    .status(status), .status(.init()), .backup(.init(ref: 1, path: "/x/y", seq: 5, files: 6, bytes: 7)),
  ]

  private static let status: HubFrame.Status = {
    var status = HubFrame.Status()
    status.ref = 9
    status.hub = "hub"
    status.started = time
    status.sessions = 3
    status.admits = "this machine and 10.0.0.0/8"
    status.backedUp = time
    status.diskFree = 5
    status.deliveredBytes = 1 << 40
    status.commitMean = 812
    status.commitMost = 2_500
    status.refused = ["not_admitted": 3, "un\"known\u{7f}": 1]
    return status
  }()

  /// Lines that have broken readers of JSON.
  public static let nasty: [String] = [
    "", "{}", "[]", "null", #"{"type":"ping","type":"ping"}"#, #"{"type":"ping","\u0074ype":"ping"}"#,
    #"{"\u0074ype":"ping","ref":1}"#, #"{"type":"ping","ref":1e999}"#, #"{"type":"ping","ref":-0}"#,
    #"{"type":"ack","seq":9223372036854775808}"#, #"{"type":"ack","seq":-9223372036854775808}"#,
    #"{"type":"ping","x":"\ud800"}"#, #"{"type":"ping","x":"\ud83d\ude00"}"#, #"{"type":"ping","x":"\udc00\ud800"}"#,
    "{\"type\":\"ping\",\"x\":\(String(repeating: "[", count: 513))", #"{"type":"ping",}"#, #"{"type":"ping"}{}"#,
    "\u{feff}{\"type\":\"ping\"}", #"{"type":"ping","x":{"a":[{"b":[{"c":[[[[[[[[[]]]]]]]]]}]}]}}"#,
    #"{"type":"send","id":"014D2PF2DBSQQZXQ5TK1V58CGG","to":[],"text":""}"#,
    #"{"type":"send","id":"014D2PF2DBSQQZXQ5TK1V58CGG","to":["a",1,null,[]],"text":""}"#,
    #"{"type":"listen","since":"0000-01-01T00:00:00+23:59"}"#,
    #"{"type":"listen","since":"9999-12-31T23:59:60-23:59"}"#,
    #"{"type":"history","limit":99999999999999999999}"#,
  ]

  /// All of these as lines without their newlines.
  public static var lines: [[UInt8]] {
    var lines = nasty.map { Array($0.utf8) }
    for frame in clientFrames {
      var writer = JSONWriter()
      frame.encode(into: &writer)
      lines.append(writer.bytes.dropLast())
    }
    for frame in hubFrames {
      var writer = JSONWriter()
      frame.encode(into: &writer)
      lines.append(writer.bytes.dropLast())
    }
    return lines
  }

  /// What a mutation puts somewhere.
  static let tokens: [[UInt8]] =
    [
      "{", "}", "[", "]", ",", ":", "\"", "\\", "\n", "\r", "\u{0}", "\u{7f}", "null", "true", "false", "0", "-0", "-1",
      "01", "1.5", "1e999", "-1e-999", "9007199254740991", "9007199254740992", "-9007199254740991",
      "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616",
      "99999999999999999999999999999999999999", #"\u0000"#, #"\ud800"#, #"\udfff"#, #"\ud83d\ude00"#, #"\u"#, #"\""#,
      #"\\"#, #"\n"#, #"\u0074"#, "\u{80}", "\u{2028}", "\u{feff}", "😀", "é", "e\u{301}", "[[[[[[[[[[[[[[[[[",
      "{\"a\":",
      "\"type\":", "\"send\"", "\"ref\":", "\"to\":", "\"id\":", "\"text\":", "\"seq\":", "\"after\":", "\"since\":",
      "\"now\"", "\"limit\":", "\"ref\":1,", "\"text\":\"\",", "\"2026-11-23\"", "\"0000-01-01T00:00:00+23:59\"", "[]",
      "{}", "\"\"", "[\"a\",\"b\"]", "014D2PF2DBSQQZXQ5TK1V58CGG",
    ].map { Array($0.utf8) } + [
      [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0xfe],
    ]
}
