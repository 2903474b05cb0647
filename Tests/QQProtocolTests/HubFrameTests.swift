import QQProtocol
import Testing

@Suite struct HubFrameTests {
  private static let id = someIDText
  private static let time = Timestamp(milliseconds: 1_795_421_702_113)
  private static let timeText = "2026-11-23T08:15:02.113Z"

  @Test(
    "a frame is written as one line and read back as it was",
    arguments: [
      (
        .welcome(.init(version: 1, hub: "h", epoch: "e", nick: "n", address: "::1", seq: 9)),
        #"{"type":"welcome","protocol":1,"hub":"h","epoch":"e","nick":"n","address":"::1","seq":9}"#
      ),
      (
        .welcome(.init(version: 1, hub: "", epoch: "", nick: "n", address: "", seq: 0, isGuest: true)),
        #"{"type":"welcome","protocol":1,"hub":"","epoch":"","nick":"n","address":"","seq":0,"guest":true}"#
      ),
      (.ok(.init(ref: nil)), #"{"type":"ok"}"#),
      (
        .ok(.init(ref: 1, seq: 2, isFollowing: true, isLive: true, more: true, nick: "x")),
        #"{"type":"ok","ref":1,"seq":2,"following":true,"live":true,"more":true,"nick":"x"}"#
      ),
      (
        .sent(.init(ref: 1, id: someID, seq: 5, to: "@all")),
        #"{"type":"sent","ref":1,"id":"\#(id)","seq":5,"to":"@all","status":"stored"}"#
      ),
      (
        .sent(.init(ref: nil, id: someID, seq: 5, to: "a", status: "s", isDuplicate: true, awaiting: ["b", "c"])),
        #"{"type":"sent","id":"\#(id)","seq":5,"to":"a","status":"s","duplicate":true,"awaiting":["b","c"]}"#
      ),
      (
        .sent(.init(ref: nil, id: someID, seq: 5, to: "a", awaiting: ["b"], more: true)),
        #"{"type":"sent","id":"\#(id)","seq":5,"to":"a","status":"stored","awaiting":["b"],"more":true}"#
      ),
      (
        .sent(.init(ref: nil, id: someID, seq: 5, to: "a", awaiting: [])),
        #"{"type":"sent","id":"\#(id)","seq":5,"to":"a","status":"stored","awaiting":[]}"#
      ),
      (
        .error(.init(ref: 1, .unknownTarget, "nobody", to: "bbo", id: someID)),
        #"{"type":"error","ref":1,"code":"unknown_target","message":"nobody","to":"bbo","id":"\#(id)"}"#
      ),
      (.error(.init(code: "new_code", message: "")), #"{"type":"error","code":"new_code","message":""}"#),
      (
        .message(
          .init(id: someID, seq: 4182, time: time, from: "alice", address: "192.168.1.5", to: ["@ops"], text: "full")),
        #"{"type":"message","id":"\#(id)","seq":4182,"time":"\#(timeText)","from":"alice","#
          + #""address":"192.168.1.5","to":["@ops"],"text":"full"}"#
      ),
      (
        .message(
          .init(
            id: someID, seq: 1, time: time, from: "é", address: "::1", to: ["a", "b"], text: "\u{202e}\n",
            replyTo: someID)),
        #"{"type":"message","id":"\#(id)","seq":1,"time":"\#(timeText)","from":"é","address":"::1","#
          + #""to":["a","b"],"text":"\u202e\n","reply_to":"\#(id)"}"#
      ),
      (
        .presence(.init(time: time, nick: "carol", address: "192.168.1.9", online: true)),
        #"{"type":"presence","time":"\#(timeText)","nick":"carol","address":"192.168.1.9","online":true}"#
      ),
      (
        .presence(.init(time: time, nick: "carol", address: "", online: false)),
        #"{"type":"presence","time":"\#(timeText)","nick":"carol","address":"","online":false}"#
      ),
      (
        .receipt(.init(time: time, id: someID, nick: "bob")),
        #"{"type":"receipt","time":"\#(timeText)","id":"\#(id)","nick":"bob","status":"delivered"}"#
      ),
      (.gap(from: 4100, to: 4140), #"{"type":"gap","from":4100,"to":4140}"#),
      (
        .user(
          .init(
            ref: 1, nick: "a", address: "::1", online: true, since: time, groups: ["@all", "@ops"], key: "SHA256:x")),
        #"{"type":"user","ref":1,"nick":"a","address":"::1","online":true,"since":"\#(timeText)","#
          + #""groups":["@all","@ops"],"key":"SHA256:x"}"#
      ),
      (
        .user(.init(nick: "a", address: nil, online: false, since: nil, groups: [], key: nil)),
        #"{"type":"user","nick":"a","online":false,"groups":[]}"#
      ),
      (.pong(ref: nil), #"{"type":"pong"}"#), (.pong(ref: 8), #"{"type":"pong","ref":8}"#),
    ] as [(HubFrame, String)])
  func roundTrip(_ frame: HubFrame, _ line: String) {
    #expect(frame.line == line + "\n")
    #expect(hubFrame(line) == .success(frame))
  }

  @Test("a type that this client doesn't know is nothing, unknown members are ignored")
  func newer() {
    #expect(hubFrame(#"{"type":"future","id":1}"#) == .success(nil))
    #expect(hubFrame(#"{"type":""}"#) == .success(nil))
    #expect(hubFrame(#"{"type":"pong","ref":1,"new":{"a":[]}}"#) == .success(.pong(ref: 1)))
  }

  @Test("what a hub may leave out has its default")
  func defaults() {
    #expect(
      hubFrame(#"{"type":"sent","id":"\#(Self.id)","seq":1,"to":"a"}"#)
        == .success(.sent(.init(ref: nil, id: someID, seq: 1, to: "a"))))
    #expect(hubFrame(#"{"type":"error","code":"x"}"#) == .success(.error(.init(code: "x", message: ""))))
    #expect(
      hubFrame(#"{"type":"receipt","time":"\#(Self.timeText)","id":"\#(Self.id)","nick":"b"}"#)
        == .success(.receipt(.init(time: Self.time, id: someID, nick: "b"))))
    #expect(
      hubFrame(#"{"type":"user","nick":"b"}"#)
        == .success(.user(.init(nick: "b", address: nil, online: false, since: nil, groups: [], key: nil))))
  }

  @Test(
    "a field that is missing or wrong is named",
    arguments: [
      (#""type":"welcome","epoch":"e","nick":"n","seq":1"#, #""protocol" is missing"#),
      (#""type":"welcome","protocol":1,"nick":"n","seq":1"#, #""epoch" is missing"#),
      (#""type":"welcome","protocol":1,"epoch":"e","seq":1"#, #""nick" is missing"#),
      (#""type":"welcome","protocol":1,"epoch":"e","nick":"n""#, #""seq" is missing"#),
      (#""type":"ok","seq":"1""#, #""seq" must be an integer of at most 53 bits"#),
      (#""type":"ok","more":1"#, #""more" must be true or false"#),
      (#""type":"sent","seq":1,"to":"a""#, #""id" is missing"#),
      (#""type":"sent","id":"\#(id)","to":"a""#, #""seq" is missing"#),
      (#""type":"sent","id":"\#(id)","seq":1"#, #""to" is missing"#),
      (#""type":"sent","id":"\#(id)","seq":1,"to":["a"]"#, #""to" must be a string"#),
      (#""type":"error""#, #""code" is missing"#), (#""type":"error","code":5"#, #""code" must be a string"#),
      (#""type":"message","seq":1,"time":"\#(timeText)","from":"a","to":"b","text":"""#, #""id" is missing"#),
      (#""type":"message","id":"\#(id)","time":"\#(timeText)","from":"a","to":"b","text":"""#, #""seq" is missing"#),
      (#""type":"message","id":"\#(id)","seq":1,"from":"a","to":"b","text":"""#, #""time" is missing"#),
      (
        #""type":"message","id":"\#(id)","seq":1,"time":"now","from":"a","to":"b","text":"""#,
        #""time" must be a time as in RFC 3339"#
      ),
      (#""type":"message","id":"\#(id)","seq":1,"time":"\#(timeText)","to":"b","text":"""#, #""from" is missing"#),
      (#""type":"message","id":"\#(id)","seq":1,"time":"\#(timeText)","from":"a","text":"""#, #""to" is missing"#),
      (#""type":"message","id":"\#(id)","seq":1,"time":"\#(timeText)","from":"a","to":"b""#, #""text" is missing"#),
      (#""type":"presence","nick":"a","online":true"#, #""time" is missing"#),
      (#""type":"presence","time":"\#(timeText)""#, #""nick" is missing"#),
      (#""type":"receipt","time":"\#(timeText)","nick":"b""#, #""id" is missing"#),
      (#""type":"gap","from":1"#, #""to" is missing"#), (#""type":"gap","to":1"#, #""from" is missing"#),
      (#""type":"gap","from":"a","to":1"#, #""from" must be an integer of at most 53 bits"#),
      (#""type":"user""#, #""nick" is missing"#),
      (#""type":"user","nick":"a","groups":[1]"#, #""groups" must hold strings"#),
      (#""type":"pong","ref":[]"#, #""ref" must be an integer of at most 53 bits"#),
    ])
  func faults(_ members: String, _ message: String) {
    #expect(hubFrame("{\(members)}") == .failure(FrameFault(.badField, message)))
  }

  @Test("a number that can't be negative is refused where it is")
  func negative() {
    let id = "00000000000000000000000001"
    for line in [
      #"{"type":"ok","ref":1,"offset":-1048576}"#, #"{"type":"ok","ref":1,"seq":-1}"#,
      #"{"type":"gap","from":-1,"to":2}"#, #"{"type":"gap","from":1,"to":-2}"#,
      #"{"type":"gap","from":3,"to":2}"#,
      #"{"type":"sent","id":"\#(id)","seq":-1,"to":"a"}"#,
      #"{"type":"welcome","protocol":1,"epoch":"e","nick":"a","seq":-1}"#,
      #"{"type":"message","id":"\#(id)","seq":-1,"time":"2026-11-23T08:15:02.113Z","from":"a","to":["b"],"text":""}"#,
    ] { #expect(hubFrame(line).code == .badField, "\(line)") }
  }

  @Test("a line that is no object is refused, as is one without a type")
  func untrusted() {
    #expect(hubFrame("").code == .malformed)
    #expect(hubFrame("{").code == .malformed)
    #expect(hubFrame("{}").code == .unknownType)
    #expect(hubFrame(#"{"type":7}"#).code == .unknownType)
  }
}
