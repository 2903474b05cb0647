import QQClient
import QQIdentity
import QQProtocol
import Testing

@Suite struct InviteTokenTests {
  private let token: InviteToken

  init() throws {
    token = InviteToken(
      endpoints: [
        Endpoint(host: "192.168.1.5", port: 6789), Endpoint(host: "fd00::1", port: 1),
        Endpoint(host: "hub.example.org", port: 65_535),
      ],
      fingerprint: try #require(Fingerprint(bytes: Array(0..<32))), secret: Array(200..<216))
  }

  private func fault(_ text: String) -> InviteToken.Fault? {
    do throws(InviteToken.Fault) {
      _ = try InviteToken(text)
      return nil
    } catch {
      return error
    }
  }

  @Test("a token is read as it was written: one word, however it was wrapped, or as JSON")
  func roundTrip() throws {
    let text = token.text
    #expect(text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "z") ~= $0 || $0 == UInt8(ascii: "-") })
    #expect(try InviteToken(text) == token)
    let wrapped = text.enumerated().map { $0.offset % 20 == 19 ? "\($0.element)\r\n  " : "\($0.element)" }.joined()
    #expect(try InviteToken("\n" + wrapped + "\n") == token)
    #expect(try InviteToken("{\"type\":\"invite\",\"id\":\"0\",\"token\":\"\(text)\"}\n") == token)
  }

  @Test("the longest token is read")
  func longest() throws {
    var long = token
    long.endpoints = (0..<9).map { Endpoint(host: String(repeating: "h", count: 250) + "\($0)", port: 6789) }
    let read = try InviteToken(long.text)
    #expect(read.endpoints == Array(long.endpoints.prefix(8)))
  }

  @Test("no character can be altered, left out or added unnoticed")
  func altered() {
    let text = Array(token.text)
    for index in text.indices {
      var other = text
      other[index] = other[index] == "A" ? "B" : "A"
      #expect(fault(String(other)) == (index < 9 ? .noToken : .damaged))
      other = text
      other.remove(at: index)
      #expect(fault(String(other)) != nil)
    }
    #expect(fault(token.text + "A") == .damaged)
    #expect(fault(token.text + token.text) == .damaged)
  }

  @Test(
    "what is no token is told from one that was cut off",
    arguments: [
      ("", InviteToken.Fault.empty), (" \n", .empty), ("hello", .noToken), ("{}", .noToken), ("qqinvite_", .damaged),
      ("qqinvite_AAAA", .damaged), ("QQINVITE_AAAA", .noToken),
    ])
  func others(_ text: String, _ expected: InviteToken.Fault) {
    #expect(fault(text) == expected)
  }

  @Test("one of another version is told, as is one whose bytes make no sense")
  func versions() {
    func made(_ bytes: [UInt8]) -> String {
      "qqinvite_" + Base64.url.text(bytes + Digest(of: bytes).bytes.prefix(4))
    }
    #expect(fault(made([2, 0])) == .newer)
    #expect(fault(made([1, 0])) == .damaged)
    let head: [UInt8] = [1] + Array(repeating: 0, count: 48)
    #expect(fault(made(head + [0])) == .damaged)
    #expect(fault(made(head + [9])) == .damaged)
    #expect(fault(made(head + [1, 0, 0, 1, 0x61])) == .damaged)
    #expect(fault(made(head + [1, 0, 1, 1, 0x20])) == .damaged)
    #expect(fault(made(head + [1, 0, 1, 1, 0x61, 0])) == .damaged)
    #expect(fault(made(head + [1, 0, 1, 1, 0x61])) == nil)
  }
}
