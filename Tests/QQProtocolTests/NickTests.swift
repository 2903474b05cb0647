import QQProtocol
import Testing

@Suite struct NickTests {
  @Test(
    "letters and digits of one script, with -, _ and ., make a nick, and its folded form",
    arguments: [
      ("alice", "alice"), ("Alice", "alice"), ("a", "a"), ("7", "7"), ("x-1_2.3", "x-1_2.3"), ("ALL2", "all2"),
      ("1234", "1234"), ("a.", "a."), ("1.2.3", "1.2.3"), ("Élodie", "élodie"), ("STRAßE", "strasse"),
      ("STRAẞE", "strasse"), ("Ωμέγα", "ωμέγα"), ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
      ("Σίσυφος", "σίσυφοσ"), ("Борис", "борис"), ("Ёж", "ёж"), ("李雷", "李雷"), ("ひらカタ漢字", "ひらカタ漢字"),
      ("ラーメン", "ラーメン"), ("佐々木", "佐々木"), ("김철수", "김철수"), ("金철수", "金철수"), ("ㄅㄆ漢", "ㄅㄆ漢"),
      ("हिन्दी", "हिन्दी"), ("ที่รัก", "ที่รัก"), ("محمد", "محمد"), ("שלום", "שלום"), ("தமிழ்", "தமிழ்"),
      ("বাংলা", "বাংলা"), ("ქართული", "ქართული"), ("Ხ", "ხ"), ("ᏣᎳᎩ", "ᏣᎳᎩ"), ("ꮳꮃꭹ", "ᏣᎳᎩ"), ("李-7.八", "李-7.八"),
      ("٣أ", "٣أ"), ("ıxı", "ixi"), ("ſam", "sam"),
    ])
  func valid(_ text: String, _ folded: String) throws {
    let nick = try Nick(text)
    #expect(nick.text == text)
    #expect(nick.description == text)
    #expect(Array(nick.folded.utf8) == Array(folded.utf8))
  }

  @Test(
    "what is no nick is refused with the reason",
    arguments: [
      ("", .empty), (String(repeating: "a", count: 33), .tooLong), (String(repeating: "李", count: 33), .tooLong),
      (String(repeating: "a", count: 100_000), .tooLong),
      ("-a", .badStart), (".a", .badStart), ("_", .badStart), ("-李", .badStart), ("\u{301}a", .badStart),
      ("\u{93F}", .badStart), ("a b", .badCharacter(" ")), (" a", .badCharacter(" ")), ("a\n", .badCharacter("\n")),
      ("@ops", .badCharacter("@")), ("a,b", .badCharacter(",")), ("a/b", .badCharacter("/")),
      ("a\0", .badCharacter("\0")),
      ("a\u{1B}[m", .badCharacter("\u{1B}")), ("é!", .badCharacter("!")), ("😀", .badCharacter("😀")),
      ("a\u{200B}", .badCharacter("\u{200B}")), ("a\u{202E}b", .badCharacter("\u{202E}")),
      ("a\u{A0}", .badCharacter("\u{A0}")), ("漢・字", .badCharacter("・")), ("\u{12000}", .badCharacter("\u{12000}")),
      ("e\u{301}", .badCharacter("\u{301}")), ("й\u{306}", .badCharacter("\u{306}")),
      ("か\u{3099}", .badCharacter("\u{3099}")),
      ("а\u{483}", .badCharacter("\u{483}")), ("a\u{93F}", .badCharacter("\u{93F}")),
      ("क7\u{93F}", .badCharacter("\u{93F}")),
      ("ท\u{E48}\u{E48}\u{E48}\u{E48}", .badCharacter("\u{E48}")), ("ท\u{E4E}\u{93F}", .badCharacter("\u{93F}")),
      ("a\u{20DD}", .badCharacter("\u{20DD}")), ("م\u{640}", .badCharacter("\u{640}")),
      ("a\u{2BC}", .badCharacter("\u{2BC}")),
      ("ｂob", .compatibilityForm("ｂ")), ("ＢＯＢ", .compatibilityForm("Ｂ")), ("x²", .compatibilityForm("²")),
      ("１", .compatibilityForm("１")), ("𝐛ob", .compatibilityForm("𝐛")), ("𝟏", .compatibilityForm("𝟏")),
      ("ª", .compatibilityForm("ª")), ("Ⅷ", .compatibilityForm("Ⅷ")), ("①", .compatibilityForm("①")),
      ("\u{212A}ate", .compatibilityForm("\u{212A}")), ("\u{B5}", .compatibilityForm("\u{B5}")),
      ("ｱ", .compatibilityForm("ｱ")), ("ﻡ", .compatibilityForm("ﻡ")), ("ĳ", .compatibilityForm("ĳ")),
      ("\u{1112}\u{1161}\u{11AB}", .compatibilityForm("\u{1112}")), ("\u{3131}", .compatibilityForm("\u{3131}")),
      ("\u{3164}", .compatibilityForm("\u{3164}")), ("\u{F900}", .compatibilityForm("\u{F900}")),
      ("pаypal", .mixedScripts("Latin", "Cyrillic")), ("Аlice", .mixedScripts("Cyrillic", "Latin")),
      ("aα", .mixedScripts("Latin", "Greek")), ("李Tom", .mixedScripts("Han", "Latin")),
      ("ひらㄅ", .mixedScripts("Hiragana", "Bopomofo")), ("漢か한", .mixedScripts("Hiragana", "Hangul")),
      ("all", .reserved), ("ALL", .reserved), ("All", .reserved), ("10.0.0.1", .reserved),
      ("255.255.255.255", .reserved),
    ] as [(String, NickFault)])
  func invalid(_ text: String, _ fault: NickFault) {
    #expect(throws: fault) { try Nick(text) }
  }

  @Test("32 scalars fit, however many bytes they take")
  func longest() throws {
    let text = String(repeating: "𠮷", count: 32)
    #expect(try Nick(text).folded == text)
    #expect(try Nick(String(repeating: "A", count: 32)).folded == String(repeating: "a", count: 32))
  }

  @Test("nicks that differ only in case, or in how a mark is composed, are equal")
  func equality() throws {
    #expect(try Nick("Straße") == Nick("STRASSE"))
    #expect(try Nick("BOB").hashValue == Nick("bob").hashValue)
    #expect(try Nick("bob") != Nick("bobb"))
    let composed = try Nick("\u{929}")
    let decomposed = try Nick("\u{928}\u{93C}")
    #expect(composed == decomposed)
    #expect(Array(composed.folded.utf8) == Array(decomposed.folded.utf8))
  }

  @Test("folding is idempotent and NFKC leaves folded nicks alone, for every letter there is")
  func everyLetter() {
    var accepted = 0
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value), let nick = try? Nick(String(Character(scalar))) else { continue }
      accepted += 1
      let stable = !nick.folded.unicodeScalars.contains {
        $0.properties.changesWhenNFKCCaseFolded && !("\u{13A0}"..."\u{13F5}").contains($0)
      }
      if !stable { Issue.record("\(scalar.value) folds to \(nick.folded)") }
      if let again = try? Nick(nick.folded), again.folded != nick.folded { Issue.record("\(scalar.value) folds twice") }
    }
    #expect(accepted > 100_000)
  }

  @Test(
    "the message says what to do",
    arguments: [
      (.empty, "a name needs at least one letter or digit"),
      (.tooLong, "a name has at most 32 characters"),
      (.badStart, "a name starts with a letter or a digit"),
      (.badCharacter(" "), "\" \" can't be part of a name; use letters, digits, \"-\", \"_\" and \".\""),
      (.badCharacter("\u{1B}"), "\"^[\" can't be part of a name; use letters, digits, \"-\", \"_\" and \".\""),
      (
        .badCharacter("\u{202E}"),
        "\"<U+202E>\" (U+202E) can't be part of a name; use letters, digits, \"-\", \"_\" and \".\""
      ),
      (
        .badCharacter("\u{301}"),
        "the combining mark U+0301 can't stand here; type the accented letter as one character"
      ),
      (.compatibilityForm("Ａ"), "\"Ａ\" (U+FF21) is a special form of another character; use the plain letter"),
      (.mixedScripts("Latin", "Greek"), "a name is written in one script; this one mixes Latin and Greek"),
      (.reserved, "\"all\" and addresses can't be names; choose another one"),
    ] as [(NickFault, String)])
  func messages(_ fault: NickFault, _ message: String) {
    #expect(fault.message == message)
  }

  @Test(
    "a nick is derived from an account's name",
    arguments: [
      ("alice", nil, "alice"), ("Alice", "pc", "Alice-pc"), ("alice", "", "alice"), ("", nil, "user"),
      ("", "pc", "user-pc"),
      ("john smith", nil, "johnsmith"), ("LAN\\bob$", nil, "LANbob"), ("_apt", nil, "apt"), ("!!!", "???", "user"),
      ("all", nil, "user-all"), ("ALL", "pc", "user-ALL-pc"), ("10.0.0.1", nil, "user-10.0.0.1"),
      ("allen", nil, "allen"), ("李雷", "pc7", "李雷-7"), ("李雷", "pc", "李雷"), ("Tom李", nil, "Tom"), ("ｂob", nil, "ob"),
      ("bob", "host.lan", "bob-host.lan"), ("bob", "192.168.1.5", "bob-192.168.1.5"),
      (String(repeating: "a", count: 40), nil, String(repeating: "a", count: 32)),
      (String(repeating: "a", count: 40), "box", String(repeating: "a", count: 28) + "-box"),
      (
        String(repeating: "a", count: 40), String(repeating: "b", count: 40),
        String(repeating: "a", count: 16) + "-" + String(repeating: "b", count: 15)
      ),
      ("a", String(repeating: "b", count: 40), "a-" + String(repeating: "b", count: 30)),
    ] as [(String, String?, String)])
  func derived(_ account: String, _ host: String?, _ expected: String) throws {
    let nick = Nick.derived(from: account, host: host)
    #expect(nick.text == expected)
    #expect(try Nick(nick.text) == nick)
  }

  @Test("a group's name follows the same rules, with or without its @")
  func groups() throws {
    #expect(try GroupName("@Ops").description == "@Ops")
    #expect(try GroupName("ops") == GroupName("@OPS"))
    #expect(try GroupName("@ops").text == "ops")
    #expect(try GroupName("@ALL") == GroupName.all)
    #expect(GroupName.all.description == "@all")
    #expect(throws: NickFault.empty) { try GroupName("@") }
    #expect(throws: NickFault.empty) { try GroupName("") }
    #expect(throws: NickFault.badCharacter("@")) { try GroupName("@@ops") }
    #expect(throws: NickFault.reserved) { try GroupName("@10.0.0.1") }
    #expect(throws: NickFault.mixedScripts("Latin", "Cyrillic")) { try GroupName("@oпs") }
  }
}
