import QQHub
import QQIdentity
import QQProtocol
import Testing

@testable import QQCommands

@Suite struct HubFileTests {
  private func read(_ text: String) throws -> HubFile { try HubFile(Array(text.utf8), path: "hub.json") }

  @Test("a file's fields are rules, and what it doesn't name is left to others")
  func fields() throws {
    #expect(try read("{}") == HubFile())
    let key = "SHA256:" + String(repeating: "A", count: 43)
    let file = try read(
      """
      {"admission": "invite-only", "admit": ["10.0.0.0/8", "fd00::/8"], "owners": ["\(key)"], "members_invite": true,
       "retain": "90d", "max_file": "2GiB", "quota": "10 GB", "spool": "1TB", "reserve": "0"}
      """)
    #expect(file.admission == .nobody)
    #expect(file.admit?.map(\.description) == ["10.0.0.0/8", "fd00::/8"])
    #expect(file.owners?.map(\.description) == [key])
    #expect(file.membersInvite == true)
    let numbers = [file.retain, file.maxFile, file.quota, file.spool].map { $0 ?? 0 }
    #expect(numbers == [7_776_000_000, 2_147_483_648, 10_000_000_000, 1_000_000_000_000])
    #expect(file.reserve == 0)
  }

  @Test(
    "what is no rule is an error that names it",
    arguments: [
      ("[]", "not one strict JSON object"), ("{\"admission\": \"closed\"}", "\"admission\" must be \"lan\""),
      ("{\"admit\": \"10.0.0.0/8\"}", "\"admit\" must be an array"),
      ("{\"admit\": [\"10.0.0.0/33\"]}", "\"10.0.0.0/33\" isn't one of"),
      ("{\"owners\": [\"bob\"]}", "\"bob\" isn't one of"), ("{\"members_invite\": 1}", "must be true or false"),
      ("{\"retain\": \"long\"}", "\"retain\" must be an age"),
      ("{\"retain\": \"30\"}", "with its unit"), ("{\"retain\": \"0d\"}", "with its unit"),
      ("{\"quota\": 5}", "\"quota\" must be a size"),
      ("{\"invite_only\": true}", "there is no \"invite_only\""),
      ("{\"admits\": []}", "did you mean \"admit\"?"),
    ])
  func wrong(_ text: String, _ message: String) throws {
    do {
      _ = try read(text)
      Issue.record("it was read")
    } catch let failure as CommandFailure {
      #expect(failure.status == .config)
      #expect(failure.message?.contains(message) == true, "\(failure.message ?? "")")
    }
  }
}
