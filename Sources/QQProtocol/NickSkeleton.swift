/// What a name looks like: two names with one skeleton can be taken for each other. UTS #39, section 4, for the letters that
/// names of whole scripts are made of: a name has one script (see `NameChecker`), so that only whole words can mislead.
enum NickSkeleton {
  /// Letters that look like one or two small letters or digits of ASCII, as far as UTS #39's confusables.txt (version 16) has
  /// them for Greek, Cyrillic and Armenian; capitals for themselves, since they look otherwise than their small letters.
  private static let table: [Unicode.Scalar: String] = {
    var table: [Unicode.Scalar: String] = [:]
    let rows: [(String, String)] = [
      // Cyrillic
      ("а", "a"), ("е", "e"), ("о", "o"), ("р", "p"), ("с", "c"), ("у", "y"), ("х", "x"), ("ѕ", "s"), ("і", "i"),
      ("ј", "j"), ("ԁ", "d"), ("һ", "h"), ("ԛ", "q"), ("ԝ", "w"), ("ӏ", "l"), ("ѵ", "v"), ("г", "r"), ("ь", "b"),
      ("ү", "y"), ("ҽ", "e"), ("ӕ", "ae"), ("ᴀ", "a"),
      ("А", "a"), ("В", "b"), ("Е", "e"), ("К", "k"), ("М", "m"), ("Н", "h"), ("О", "o"), ("Р", "p"), ("С", "c"),
      ("Т", "t"), ("У", "y"), ("Х", "x"), ("Ѕ", "s"), ("І", "l"), ("Ј", "j"), ("Ԛ", "q"), ("Ԝ", "w"), ("Ӏ", "l"),
      ("Ү", "y"), ("З", "3"), ("Ѵ", "v"), ("Ԍ", "g"), ("б", "6"),
      // Greek
      ("α", "a"), ("ο", "o"), ("ν", "v"), ("ρ", "p"), ("υ", "u"), ("ι", "i"), ("κ", "k"), ("γ", "y"), ("σ", "o"),
      ("χ", "x"), ("ϲ", "c"), ("ϳ", "j"), ("τ", "t"), ("η", "n"), ("ω", "w"),
      ("Α", "a"), ("Β", "b"), ("Ε", "e"), ("Ζ", "z"), ("Η", "h"), ("Ι", "l"), ("Κ", "k"), ("Μ", "m"), ("Ν", "n"),
      ("Ο", "o"), ("Ρ", "p"), ("Τ", "t"), ("Υ", "y"), ("Χ", "x"), ("Ϲ", "c"),
      // Armenian
      ("ո", "n"), ("ս", "u"), ("օ", "o"), ("հ", "h"), ("զ", "q"), ("ց", "g"), ("ք", "f"), ("յ", "j"), ("լ", "l"),
      ("Օ", "o"), ("Ս", "u"), ("Լ", "l"), ("Տ", "s"), ("Ց", "3"),
      // Latin beside ASCII
      ("ı", "i"), ("ɩ", "i"), ("ɑ", "a"), ("ɡ", "g"), ("ʋ", "u"), ("ⅼ", "l"), ("ƽ", "s"), ("ȷ", "j"), ("ᴏ", "o"),
      // ASCII: within one font.
      ("0", "o"), ("1", "l"), ("I", "l"), ("|", "l"),
    ]
    for (letter, looks) in rows { for scalar in letter.unicodeScalars { table[scalar] = looks } }
    return table
  }()

  static func of(_ text: String) -> String {
    var skeleton = ""
    for scalar in text.unicodeScalars {
      if let looks = table[scalar] {
        skeleton += looks
      } else {
        skeleton += CaseFolding.fold(scalar)
      }
    }
    // Punctuation at the end is seen by nobody.
    while let last = skeleton.unicodeScalars.last, last == "-" || last == "_" || last == "." {
      skeleton.unicodeScalars.removeLast()
    }
    return skeleton.replacing("rn", with: "m").replacing("vv", with: "w")
  }
}

extension Nick {
  /// What it looks like: see `NickSkeleton`.
  public var skeleton: String { NickSkeleton.of(text) }
}
