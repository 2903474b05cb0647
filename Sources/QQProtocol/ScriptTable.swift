/// The script of a letter or a mark, for the scripts people write today: those that UAX #31 recommends or lists as of
/// limited use. Historic scripts, phonetic notation and compatibility forms have none.
enum Script: String, Sendable {
  case adlam = "Adlam"
  case arabic = "Arabic"
  case armenian = "Armenian"
  case balinese = "Balinese"
  case bamum = "Bamum"
  case batak = "Batak"
  case bengali = "Bengali"
  case bopomofo = "Bopomofo"
  case canadianSyllabics = "Canadian Syllabics"
  case chakma = "Chakma"
  case cham = "Cham"
  case cherokee = "Cherokee"
  case coptic = "Coptic"
  case cyrillic = "Cyrillic"
  case devanagari = "Devanagari"
  case ethiopic = "Ethiopic"
  case georgian = "Georgian"
  case greek = "Greek"
  case gujarati = "Gujarati"
  case gurmukhi = "Gurmukhi"
  case han = "Han"
  case hangul = "Hangul"
  case hebrew = "Hebrew"
  case hiragana = "Hiragana"
  case javanese = "Javanese"
  case kannada = "Kannada"
  case katakana = "Katakana"
  case kayahLi = "Kayah Li"
  case khmer = "Khmer"
  case lao = "Lao"
  case latin = "Latin"
  case lepcha = "Lepcha"
  case limbu = "Limbu"
  case lisu = "Lisu"
  case malayalam = "Malayalam"
  case mandaic = "Mandaic"
  case meeteiMayek = "Meetei Mayek"
  case miao = "Miao"
  case mongolian = "Mongolian"
  case myanmar = "Myanmar"
  case newTaiLue = "New Tai Lue"
  case newa = "Newa"
  case nko = "N'Ko"
  case nyiakengPuachueHmong = "Nyiakeng Puachue Hmong"
  case olChiki = "Ol Chiki"
  case oriya = "Oriya"
  case osage = "Osage"
  case rohingya = "Rohingya"
  case saurashtra = "Saurashtra"
  case sinhala = "Sinhala"
  case sundanese = "Sundanese"
  case sylotiNagri = "Syloti Nagri"
  case syriac = "Syriac"
  case taiLe = "Tai Le"
  case taiTham = "Tai Tham"
  case taiViet = "Tai Viet"
  case tamil = "Tamil"
  case telugu = "Telugu"
  case thaana = "Thaana"
  case thai = "Thai"
  case tibetan = "Tibetan"
  case tifinagh = "Tifinagh"
  case vai = "Vai"
  case wancho = "Wancho"
  case yi = "Yi"

  /// False for scripts whose letters exist in one piece, where a combining mark only disguises a letter.
  var usesMarks: Bool {
    switch self {
    case .latin, .greek, .cyrillic, .coptic, .armenian, .georgian, .cherokee, .han, .hiragana, .katakana, .bopomofo,
      .hangul:
      false
    default: true
    }
  }

  /// Whether letters of both may stand in one word: the scripts of Japanese, of Chinese and of Korean
  /// (UTS #39, section 5.1).
  func mixes(with other: Script) -> Bool {
    if self == other { return true }
    let japanese: [Script] = [.han, .hiragana, .katakana]
    if japanese.contains(self) && japanese.contains(other) { return true }
    let pair = [self, other]
    return pair.contains(.han) && (pair.contains(.bopomofo) || pair.contains(.hangul))
  }
}

/// Which script a scalar belongs to, where it is a letter or a mark. The ranges run over unassigned scalars, digits and
/// symbols too: ask for the general category first.
enum ScriptTable {
  static func script(of scalar: Unicode.Scalar) -> Script? {
    var start = 0
    var end = ranges.count
    while start < end {
      let middle = (start + end) / 2
      if ranges[middle].last < scalar.value {
        start = middle + 1
      } else {
        end = middle
      }
    }
    return start < ranges.count && ranges[start].first <= scalar.value ? ranges[start].script : nil
  }

  /// Made from the names in Unicode 14's UnicodeData.txt: the script of a letter (L*) or a mark (Mn, Mc) is the first
  /// word of its name (CJK and IDEOGRAPHIC are Han, HENTAIGANA is Hiragana); NFKC changes none of them; neighbours of
  /// one script are one range. Left out by hand: conjoining jamo, the Arabic and N'Ko letter extenders, and phonetics.
  /// Han runs on to the end of extension H.
  private static let ranges: [(first: UInt32, last: UInt32, script: Script)] = [
    (0x0041, 0x007A, .latin), (0x00C0, 0x02AF, .latin), (0x0370, 0x03E1, .greek), (0x03E2, 0x03EF, .coptic),
    (0x03F3, 0x03FF, .greek), (0x0400, 0x0481, .cyrillic), (0x048A, 0x052F, .cyrillic), (0x0531, 0x0588, .armenian),
    (0x0591, 0x05F2, .hebrew), (0x0610, 0x063F, .arabic), (0x0641, 0x06FF, .arabic), (0x0710, 0x074F, .syriac),
    (0x0750, 0x077F, .arabic), (0x0780, 0x07B1, .thaana), (0x07CA, 0x07F5, .nko), (0x0840, 0x085B, .mandaic),
    (0x0860, 0x086A, .syriac), (0x0870, 0x08FF, .arabic), (0x0900, 0x097F, .devanagari), (0x0980, 0x09FE, .bengali),
    (0x0A01, 0x0A75, .gurmukhi), (0x0A81, 0x0AFF, .gujarati), (0x0B01, 0x0B71, .oriya), (0x0B82, 0x0BD7, .tamil),
    (0x0C00, 0x0C63, .telugu), (0x0C80, 0x0CF2, .kannada), (0x0D00, 0x0D7F, .malayalam), (0x0D81, 0x0DF3, .sinhala),
    (0x0E01, 0x0E4E, .thai), (0x0E81, 0x0EDF, .lao), (0x0F00, 0x0FC6, .tibetan), (0x1000, 0x109D, .myanmar),
    (0x10A0, 0x10FF, .georgian), (0x1200, 0x138F, .ethiopic), (0x13A0, 0x13FD, .cherokee),
    (0x1401, 0x167F, .canadianSyllabics), (0x1780, 0x17DD, .khmer), (0x180B, 0x18AA, .mongolian),
    (0x18B0, 0x18F5, .canadianSyllabics), (0x1900, 0x193B, .limbu), (0x1950, 0x1974, .taiLe),
    (0x1980, 0x19C9, .newTaiLue), (0x1A20, 0x1AA7, .taiTham), (0x1B00, 0x1B73, .balinese),
    (0x1B80, 0x1BBF, .sundanese), (0x1BC0, 0x1BF3, .batak), (0x1C00, 0x1C4F, .lepcha), (0x1C5A, 0x1C7D, .olChiki),
    (0x1C80, 0x1C88, .cyrillic), (0x1C90, 0x1CBF, .georgian), (0x1E00, 0x1EFF, .latin), (0x1F00, 0x1FFC, .greek),
    (0x2184, 0x2184, .latin), (0x2C60, 0x2C7F, .latin), (0x2C80, 0x2CF3, .coptic), (0x2D00, 0x2D2D, .georgian),
    (0x2D30, 0x2D7F, .tifinagh), (0x2D80, 0x2DDE, .ethiopic), (0x3005, 0x302D, .han), (0x3041, 0x3096, .hiragana),
    (0x309D, 0x309E, .hiragana), (0x30A1, 0x30FE, .katakana), (0x3105, 0x31BF, .bopomofo),
    (0x31F0, 0x31FF, .katakana), (0x3400, 0x9FFF, .han), (0xA000, 0xA48C, .yi), (0xA4D0, 0xA4FD, .lisu),
    (0xA500, 0xA62B, .vai), (0xA640, 0xA66E, .cyrillic), (0xA67F, 0xA69B, .cyrillic), (0xA6A0, 0xA6F1, .bamum),
    (0xA722, 0xA787, .latin), (0xA78B, 0xA7FF, .latin), (0xA800, 0xA82C, .sylotiNagri), (0xA880, 0xA8C5, .saurashtra),
    (0xA8F2, 0xA8FF, .devanagari), (0xA90A, 0xA92D, .kayahLi), (0xA980, 0xA9CF, .javanese),
    (0xA9E0, 0xA9FE, .myanmar), (0xAA00, 0xAA4D, .cham), (0xAA60, 0xAA7F, .myanmar), (0xAA80, 0xAADD, .taiViet),
    (0xAAE0, 0xAAF6, .meeteiMayek), (0xAB01, 0xAB2E, .ethiopic), (0xAB30, 0xAB64, .latin), (0xAB65, 0xAB65, .greek),
    (0xAB66, 0xAB68, .latin), (0xAB70, 0xABBF, .cherokee), (0xABC0, 0xABED, .meeteiMayek), (0xAC00, 0xD7A3, .hangul),
    (0xFA0E, 0xFA29, .han), (0xFB1E, 0xFB1E, .hebrew), (0x102E0, 0x102E0, .coptic), (0x104B0, 0x104FB, .osage),
    (0x10D00, 0x10D27, .rohingya), (0x11100, 0x11147, .chakma), (0x11400, 0x11461, .newa),
    (0x11AB0, 0x11ABF, .canadianSyllabics), (0x11FB0, 0x11FB0, .lisu), (0x16800, 0x16A38, .bamum),
    (0x16F00, 0x16F9F, .miao), (0x1AFF0, 0x1B000, .katakana), (0x1B001, 0x1B11F, .hiragana),
    (0x1B120, 0x1B122, .katakana), (0x1B150, 0x1B152, .hiragana), (0x1B164, 0x1B167, .katakana),
    (0x1E100, 0x1E14E, .nyiakengPuachueHmong), (0x1E2C0, 0x1E2EF, .wancho), (0x1E7E0, 0x1E7FE, .ethiopic),
    (0x1E900, 0x1E94B, .adlam), (0x20000, 0x323AF, .han),
  ]
}
