import QQProtocol
import Testing

@Suite struct ClientFrameTests {
  private static let id = someIDText

  @Test(
    "a frame is written as one line and read back as it was",
    arguments: [
      (.hello(.init()), #"{"type":"hello","protocol":1}"#),
      (
        .hello(.init(version: 2, nick: "zoë", isExplicit: true, host: "box", agent: "qq/1")),
        #"{"type":"hello","protocol":2,"nick":"zoë","explicit":true,"host":"box","agent":"qq/1"}"#
      ),
      (
        .send(.init(ref: 7, id: someID, to: ["alice", "@ops"], text: "hi\n\"there\"")),
        #"{"type":"send","ref":7,"id":"\#(id)","to":["alice","@ops"],"text":"hi\n\"there\""}"#
      ),
      (
        .send(
          .init(ref: nil, id: someID, to: ["::1"], text: "", replyTo: someID, wantsReceipts: true, lastSeen: true)),
        #"{"type":"send","id":"\#(id)","to":["::1"],"text":"","reply_to":"\#(id)","receipts":true,"last_seen":true}"#
      ),
      (.listen(.init(ref: 1, after: .seq(0))), #"{"type":"listen","ref":1,"after":0}"#),
      (.listen(.init(ref: 1, after: .seq(1 << 53 - 1))), #"{"type":"listen","ref":1,"after":9007199254740991}"#),
      (.listen(.init(ref: 1, after: .unread)), #"{"type":"listen","ref":1,"after":"unread"}"#),
      (
        .listen(.init(ref: nil, after: .now, cursor: "c", reader: "r", holds: true, tellsLive: true)),
        #"{"type":"listen","after":"now","cursor":"c","reader":"r","hold":true,"live":true}"#
      ),
      (
        .listen(.init(ref: 1, after: .time(Timestamp(milliseconds: 1_500)))),
        #"{"type":"listen","ref":1,"since":"1970-01-01T00:00:01.500Z"}"#
      ),
      (.ack(seq: 0), #"{"type":"ack","seq":0}"#), (.ack(seq: 4182), #"{"type":"ack","seq":4182}"#),
      (.cursor(ref: 2, name: nil), #"{"type":"cursor","ref":2}"#),
      (.cursor(ref: nil, name: "log"), #"{"type":"cursor","cursor":"log"}"#),
      (.who(.init(ref: nil)), #"{"type":"who"}"#),
      (.who(.init(ref: 3, all: true, watch: true)), #"{"type":"who","ref":3,"all":true,"watch":true}"#),
      (.join(ref: 4, group: "@ops"), #"{"type":"join","ref":4,"group":"@ops"}"#),
      (.leave(ref: nil, group: "ops"), #"{"type":"leave","group":"ops"}"#),
      (.nick(ref: 5, nick: "bob"), #"{"type":"nick","ref":5,"nick":"bob"}"#),
      (.history(.init(ref: 6)), #"{"type":"history","ref":6,"limit":256}"#),
      (
        .history(
          .init(ref: 6, target: "@ops", after: 1, before: 9, since: Timestamp(milliseconds: 0), limit: 5)),
        #"{"type":"history","ref":6,"target":"@ops","after":1,"before":9,"since":"1970-01-01T00:00:00.000Z","limit":5}"#
      ),
      (.ping(ref: nil), #"{"type":"ping"}"#), (.ping(ref: -1), #"{"type":"ping","ref":-1}"#),
    ] as [(ClientFrame, String)])
  func roundTrip(_ frame: ClientFrame, _ line: String) {
    #expect(frame.line == line + "\n")
    #expect(clientFrame(line) == .success(frame))
    #expect(clientFrame(" " + line + "\r") == .success(frame))
  }

  @Test("the order of members, unknown members and nulls make no difference")
  func loose() {
    let frame = ClientFrame.send(.init(ref: 1, id: someID, to: ["bob"], text: "x"))
    let line = #"{"to":"bob","x":{"a":[1,{}]},"text":"x","reply_to":null,"ref":1,"id":"\#(Self.id)","type":"send"}"#
    #expect(clientFrame(line) == .success(frame))
    #expect(clientFrame(line.replacing(#""text""#, with: #""\u0074ext""#)) == .success(frame))
    #expect(clientFrame(line.replacing(Self.id, with: Self.id.lowercased())) == .success(frame))
    #expect(clientFrame(#"{"type":"ping","ref":null}"#) == .success(.ping(ref: nil)))
    #expect(clientFrame(#"{"type":"listen"}"#) == .success(.listen(.init(ref: nil, after: .unread))))
  }

  @Test(
    "what is sent to may be one string or an array",
    arguments: [
      (#""alice""#, ["alice"]), (#""""#, [""]), (#"["alice"]"#, ["alice"]), (#"[ "a" ,"b" ]"#, ["a", "b"]),
      (#"["a","a"]"#, ["a", "a"]), (#"["\u0061\n"]"#, ["a\n"]), (#""alice,bob""#, ["alice,bob"]),
    ])
  func targets(_ to: String, _ expected: [String]) {
    let line = #"{"type":"send","id":"\#(Self.id)","to":\#(to),"text":""}"#
    #expect(clientFrame(line) == .success(.send(.init(ref: nil, id: someID, to: expected, text: ""))))
  }

  @Test(
    "a field that is missing or wrong is named, and the request's number comes back",
    arguments: [
      (#""type":"hello""#, #""protocol" is missing"#),
      (#""type":"hello","protocol":"1""#, #""protocol" must be an integer of at most 53 bits"#),
      (#""type":"hello","protocol":1.0"#, #""protocol" must be an integer of at most 53 bits"#),
      (#""type":"hello","protocol":1e0"#, #""protocol" must be an integer of at most 53 bits"#),
      (#""type":"hello","protocol":1e999"#, #""protocol" must be an integer of at most 53 bits"#),
      (#""type":"hello","protocol":true"#, #""protocol" must be an integer of at most 53 bits"#),
      (#""type":"hello","protocol":1,"nick":1"#, #""nick" must be a string"#),
      (#""type":"hello","protocol":1,"explicit":1"#, #""explicit" must be true or false"#),
      (#""type":"hello","protocol":1,"explicit":"true""#, #""explicit" must be true or false"#),
      (#""type":"hello","protocol":1,"host":[]"#, #""host" must be a string"#),
      (#""type":"hello","protocol":1,"agent":{}"#, #""agent" must be a string"#),
      (#""type":"ack""#, #""seq" is missing"#), (#""type":"ack","seq":null"#, #""seq" is missing"#),
      (#""type":"ack","seq":-1"#, #""seq" must not be negative"#),
      (#""type":"ack","seq":9007199254740992"#, #""seq" must be an integer of at most 53 bits"#),
      (#""type":"ack","seq":99999999999999999999999"#, #""seq" must be an integer of at most 53 bits"#),
      (#""type":"listen","after":-1"#, #""after" must be a seq, "unread" or "now""#),
      (#""type":"listen","after":9007199254740992"#, #""after" must be a seq, "unread" or "now""#),
      (#""type":"listen","after":"later""#, #""after" must be a seq, "unread" or "now""#),
      (#""type":"listen","after":1.5"#, #""after" must be a seq, "unread" or "now""#),
      (#""type":"listen","after":[]"#, #""after" must be a seq, "unread" or "now""#),
      (#""type":"listen","since":"yesterday""#, #""since" must be a time as in RFC 3339"#),
      (#""type":"listen","since":1"#, #""since" must be a string"#),
      (#""type":"listen","hold":"yes""#, #""hold" must be true or false"#),
      (#""type":"listen","cursor":1"#, #""cursor" must be a string"#),
      (#""type":"listen","reader":false"#, #""reader" must be a string"#),
      (#""type":"who","all":"x""#, #""all" must be true or false"#),
      (#""type":"who","watch":0"#, #""watch" must be true or false"#),
      (#""type":"join""#, #""group" is missing"#), (#""type":"leave""#, #""group" is missing"#),
      (#""type":"join","group":["@ops"]"#, #""group" must be a string"#), (#""type":"nick""#, #""nick" is missing"#),
      (#""type":"nick","nick":null"#, #""nick" is missing"#),
      (#""type":"history","limit":0"#, #""limit" must be 1 or more"#),
      (#""type":"history","limit":-5"#, #""limit" must be 1 or more"#),
      (#""type":"history","limit":"5""#, #""limit" must be an integer of at most 53 bits"#),
      (#""type":"history","after":"x""#, #""after" must be an integer of at most 53 bits"#),
      (#""type":"history","before":[]"#, #""before" must be an integer of at most 53 bits"#),
      (#""type":"history","since":"x""#, #""since" must be a time as in RFC 3339"#),
      (#""type":"history","target":1"#, #""target" must be a string"#),
    ])
  func faults(_ members: String, _ message: String) {
    #expect(clientFrame("{\(members),\"ref\":5}") == .failure(FrameFault(.badField, message, ref: 5)))
    #expect(clientFrame("{\(members)}") == .failure(FrameFault(.badField, message)))
  }

  @Test(
    "a send that can't be one is refused",
    arguments: [
      (#""to":"a","text":"x""#, #""id" is missing"#), (#""id":null,"to":"a","text":"x""#, #""id" is missing"#),
      (#""id":"","to":"a","text":"x""#, #""id" must be a 26-character id"#),
      (#""id":1,"to":"a","text":"x""#, #""id" must be a 26-character id"#),
      (#""id":"80000000000000000000000000","to":"a","text":"x""#, #""id" must be a 26-character id"#),
      (#""id":"\#(id)0","to":"a","text":"x""#, #""id" must be a 26-character id"#),
      (#""id":"\#(id)","text":"x""#, #""to" is missing"#),
      (#""id":"\#(id)","to":null,"text":"x""#, #""to" is missing"#),
      (#""id":"\#(id)","to":[],"text":"x""#, #""to" names nobody"#),
      (#""id":"\#(id)","to":[ ],"text":"x""#, #""to" names nobody"#),
      (#""id":"\#(id)","to":1,"text":"x""#, #""to" must be a string or an array of strings"#),
      (#""id":"\#(id)","to":{},"text":"x""#, #""to" must be a string or an array of strings"#),
      (#""id":"\#(id)","to":["a",1],"text":"x""#, #""to" must hold at most 256 strings"#),
      (#""id":"\#(id)","to":[["a"]],"text":"x""#, #""to" must hold at most 256 strings"#),
      (#""id":"\#(id)","to":["a",null],"text":"x""#, #""to" must hold at most 256 strings"#),
      (#""id":"\#(id)","to":"a""#, #""text" must be a string"#),
      (#""id":"\#(id)","to":"a","text":null"#, #""text" must be a string"#),
      (#""id":"\#(id)","to":"a","text":["x"]"#, #""text" must be a string"#),
      (#""id":"\#(id)","to":"a","text":"x","reply_to":"no""#, #""reply_to" must be a 26-character id"#),
      (#""id":"\#(id)","to":"a","text":"x","receipts":1"#, #""receipts" must be true or false"#),
      (#""id":"\#(id)","to":"a","text":"x","last_seen":"""#, #""last_seen" must be true or false"#),
      (#""id":"\#(id)","to":"a","text":"x","ref":1.5"#, #""ref" must be an integer of at most 53 bits"#),
      (#""id":"\#(id)","to":"a","text":"x","ref":"1""#, #""ref" must be an integer of at most 53 bits"#),
      (#""id":"\#(id)","to":"a","text":"x","ref":-9007199254740992"#, #""ref" must be an integer of at most 53 bits"#),
    ])
  func badSends(_ members: String, _ message: String) {
    #expect(clientFrame(#"{"type":"send",\#(members)}"#) == .failure(FrameFault(.badField, message)))
  }

  @Test("a frame without a type that is known is refused, and the line after it counts")
  func unknownTypes() {
    let names = FrameFault(.unknownType, #""type" must be a string that names a frame"#, ref: 2)
    for type in ["1", "null", "[]", #""\u0070ing""#] {
      #expect(clientFrame(#"{"ref":2,"type":\#(type)}"#) == .failure(names))
    }
    #expect(clientFrame(#"{"ref":2}"#) == .failure(names))
    #expect(clientFrame("{}") == .failure(FrameFault(.unknownType, names.message)))
    for type in ["", "Ping", "ping ", "pings", "message", "welcome", String(repeating: "x", count: 200)] {
      let message = "there is no frame of the type \"\(type.prefix(32))\""
      #expect(clientFrame(#"{"ref":2,"type":"\#(type)"}"#) == .failure(FrameFault(.unknownType, message, ref: 2)))
    }
    #expect(clientFrame(#"{"type":"\#(String(repeating: "é", count: 40))x"}"#).code == .unknownType)
  }

  @Test("a decoder goes on after a line it refused")
  func goesOn() {
    var decoder = FrameDecoder()
    let lines = [#"{"type":"nope","ref":1}"#, #"{"ref":2,"#, #"{"type":"ping"}"#, #"{"type":"ping","ref":9}"#]
    let read = lines.map { clientFrame(Array($0.utf8), &decoder) }
    #expect(read[0].code == .unknownType)
    #expect(read[1].code == .malformed)
    #expect(read[2...] == [.success(.ping(ref: nil)), .success(.ping(ref: 9))])
  }

  @Test("what is no object is malformed, what is no UTF-8 is said to be that, neither has a request's number")
  func untrusted() {
    let malformed = FrameFault(.malformed, "the line is not one strict JSON object")
    for line in ["", "x", "[]", "{", #"{"ref":1,"type":"ping"},"#, #"{"ref":1,"ref":1,"type":"ping"}"#, #"{"ref":1,}"#]
    {
      #expect(clientFrame(line) == .failure(malformed))
    }
    let bad = Array(#"{"ref":1,"type":"ping","x":""#.utf8) + [0xff] + Array("\"}".utf8)
    #expect(clientFrame(bad) == .failure(FrameFault(.badUTF8, "the line is not valid UTF-8")))
  }

  @Test("the longest page of history is what asks for more gets")
  func historyLimit() {
    for (asked, given) in [(1, 1), (256, 256), (257, 256), (9_007_199_254_740_991, 256)] as [(Int64, Int64)] {
      let line = #"{"type":"history","limit":\#(asked)}"#
      #expect(clientFrame(line) == .success(.history(.init(ref: nil, limit: given))))
    }
  }
}
