@_spi(_Unicode) import Swift

/// Why a text is no nick and no group name.
public enum NickFault: Error, Equatable, Sendable {
  case empty
  case tooLong
  case badStart
  case badCharacter(Unicode.Scalar)
  /// Another form of a plain letter: full-width, superscript, a ligature, half of a Hangul syllable…
  case compatibilityForm(Unicode.Scalar)
  /// Letters of two scripts, by name, the one that came first first.
  case mixedScripts(String, String)
  case reserved

  /// What is wrong and what would be right, for the user.
  public var message: String {
    switch self {
    case .empty: return "a name needs at least one letter or digit"
    case .tooLong: return "a name has at most \(NameChecker.maximumLength) characters"
    case .badStart: return "a name starts with a letter or a digit"
    case .badCharacter(let scalar) where NameChecker.isMark(scalar):
      return "the combining mark \(Self.code(scalar)) can't stand here; type the accented letter as one character"
    case .badCharacter(let scalar):
      return "\(Self.show(scalar)) can't be part of a name; use letters, digits, \"-\", \"_\" and \".\""
    case .compatibilityForm(let scalar):
      return "\(Self.show(scalar)) is a special form of another character; use the plain letter"
    case .mixedScripts(let one, let other):
      return "a name is written in one script; this one mixes \(one) and \(other)"
    case .reserved: return "\"all\" and addresses can't be names; choose another one"
    }
  }

  private static func code(_ scalar: Unicode.Scalar) -> String { TextSafety.code(scalar) }

  private static func show(_ scalar: Unicode.Scalar) -> String {
    let visible = TextSafety.visible(String(Character(scalar)))
    return scalar.isASCII ? "\"\(visible)\"" : "\"\(visible)\" (\(code(scalar)))"
  }
}

/// A user's name: 1 to 32 letters, digits, `-`, `_` and `.` of one script, a letter or a digit first.
/// Two nicks that differ only in case are equal.
public struct Nick: Hashable, Sendable, CustomStringConvertible {
  /// As it was typed.
  public let text: String
  /// What makes it unique: case-folded (nothing that NFKC changes gets in) and in NFC, so bytes compare like nicks.
  public let folded: String

  /// Throws what is wrong with the text; `all` and whatever reads as an address are reserved.
  public init(_ text: String) throws(NickFault) {
    let folded = try NameChecker.fold(text)
    guard !NameChecker.isReserved(folded) else { throw .reserved }
    self.init(text: text, folded: folded)
  }

  private init(text: String, folded: String) {
    self.text = text
    self.folded = folded
  }

  public var description: String { text }

  public static func == (left: Nick, right: Nick) -> Bool { left.folded == right.folded }

  public func hash(into hasher: inout Hasher) { hasher.combine(folded) }

  /// The nearest valid nick to the name of an account: without the characters that nicks can't have, `user` where
  /// nothing is left, followed by `-` and the host where there is one. Both are cut so that all fits.
  public static func derived(from account: String, host: String?) -> Nick {
    var name = NameChecker(keeping: account)
    if name.text.isEmpty { name = NameChecker(keeping: "user") }
    if NameChecker.isReserved(name.folded) { name = NameChecker(keeping: "user-" + name.text) }
    if let host {
      let most = NameChecker.maximumLength - 1
      let hostLength = min(NameChecker(keeping: host).count, max(15, most - name.count))
      var longer = NameChecker(keeping: String(name.text.unicodeScalars.prefix(most - hostLength)) + "-")
      let length = longer.count
      longer.keep(host)
      if longer.count > length { name = longer }
    }
    return Nick(text: name.text, folded: name.folded)
  }
}

/// A group's name, under the rules of nicks; `all` is the group of everybody. Written with an `@` before it.
public struct GroupName: Hashable, Sendable, CustomStringConvertible {
  /// `@all`: everybody.
  public static let all = GroupName(text: "all", folded: "all")

  /// As it was typed, without the `@`.
  public let text: String
  /// As `Nick.folded`.
  public let folded: String

  /// Takes the name with or without its `@`.
  public init(_ text: String) throws(NickFault) {
    let name = text.unicodeScalars.first == "@" ? String(text.unicodeScalars.dropFirst()) : text
    let folded = try NameChecker.fold(name)
    guard folded == "all" || !NameChecker.isReserved(folded) else { throw .reserved }
    self.init(text: name, folded: folded)
  }

  private init(text: String, folded: String) {
    self.text = text
    self.folded = folded
  }

  /// With the `@`.
  public var description: String { "@" + text }

  public static func == (left: GroupName, right: GroupName) -> Bool { left.folded == right.folded }

  public func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}

/// Builds a name a scalar at a time, refusing each that would make it invalid.
struct NameChecker {
  static let maximumLength = 32
  /// Marks on one letter; living scripts need three at most.
  private static let maximumMarks = 3

  private(set) var text = ""
  private(set) var count = 0
  private var foldedText = ""
  private var scripts: [Script] = []
  /// The letter that a mark would stand on has this script.
  private var letterBefore: Script?
  private var marksBefore = 0

  /// The folded form of a valid name.
  static func fold(_ text: String) throws(NickFault) -> String {
    if let folded = foldASCII(text) { return folded }
    guard let first = text.unicodeScalars.first else { throw .empty }
    if isMark(first) { throw .badStart }
    var checker = NameChecker()
    for scalar in text.unicodeScalars { try checker.append(scalar) }
    return checker.folded
  }

  /// Only as much of a text as makes a valid name.
  init(keeping text: String) {
    keep(text)
  }

  private init() {}

  mutating func keep(_ text: String) {
    for scalar in text.unicodeScalars where count < Self.maximumLength { try? append(scalar) }
  }

  var folded: String {
    guard foldedText.utf8.contains(where: { $0 >= 0x80 }) else { return foldedText }
    var composed = ""
    composed.unicodeScalars.append(contentsOf: foldedText._nfc)
    return composed
  }

  static func isReserved(_ folded: String) -> Bool {
    folded == "all" || IPAddress(folded) != nil
  }

  static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }

  /// Nil where the text isn't all ASCII, is empty, too long or wrong: then the long way finds out what it is.
  private static func foldASCII(_ text: String) -> String? {
    let bytes = text.utf8
    guard (1...maximumLength).contains(bytes.count), let first = bytes.first, isLetterOrDigit(first) else { return nil }
    var hasCapitals = false
    for byte in bytes {
      guard isLetterOrDigit(byte) || isPunctuation(byte) else { return nil }
      hasCapitals = hasCapitals || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
    return hasCapitals ? text.lowercased() : text
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }

  private static func isPunctuation(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }

  /// Changes nothing when it throws.
  private mutating func append(_ scalar: Unicode.Scalar) throws(NickFault) {
    guard count < Self.maximumLength else { throw .tooLong }
    let fold = CaseFolding.fold(scalar)
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      try refuseCompatibilityForm(scalar, fold)
      guard let script = ScriptTable.script(of: scalar) else { throw .badCharacter(scalar) }
      if let other = scripts.first(where: { !$0.mixes(with: script) }) {
        throw .mixedScripts(other.rawValue, script.rawValue)
      }
      if !scripts.contains(script) { scripts.append(script) }
      letterBefore = script
      marksBefore = 0
    case .nonspacingMark, .spacingMark:
      guard let letterBefore, letterBefore.usesMarks, ScriptTable.script(of: scalar) == letterBefore,
        marksBefore < Self.maximumMarks
      else { throw .badCharacter(scalar) }
      try refuseCompatibilityForm(scalar, fold)
      marksBefore += 1
    case .decimalNumber:
      try refuseCompatibilityForm(scalar, fold)
      letterBefore = nil
    case .letterNumber, .otherNumber:
      try refuseCompatibilityForm(scalar, fold)
      throw .badCharacter(scalar)
    default:
      guard scalar.isASCII, Self.isPunctuation(UInt8(scalar.value)) else { throw .badCharacter(scalar) }
      guard count > 0 else { throw .badStart }
      letterBefore = nil
    }
    text.unicodeScalars.append(scalar)
    foldedText += fold
    count += 1
  }

  private func refuseCompatibilityForm(_ scalar: Unicode.Scalar, _ fold: String) throws(NickFault) {
    switch scalar.value {
    case 0x1100...0x11FF, 0xA960...0xA97F, 0xD7B0...0xD7FF: throw .compatibilityForm(scalar)
    default: break
    }
    if !scalar.isASCII, fold.unicodeScalars.contains(where: { $0.properties.changesWhenNFKCCaseFolded }) {
      throw .compatibilityForm(scalar)
    }
    // Kelvin, Ångström, micro and their like fold to a plain letter and yet are another form of it.
    if ScriptTable.script(of: scalar) == nil, scalar.properties.changesWhenNFKCCaseFolded {
      throw .compatibilityForm(scalar)
    }
  }
}

/// Full case folding from the properties that the standard library has.
enum CaseFolding {
  /// The small letters of the capitals of the small letter: what `CaseFolding.txt` says for all that NFKC leaves alone.
  /// Cherokee alone folds to capitals there.
  static func fold(_ scalar: Unicode.Scalar) -> String {
    if scalar.isASCII { return scalar.properties.lowercaseMapping }
    let upper = map(scalar.properties.lowercaseMapping) { $0.uppercaseMapping }
    let lower = map(upper) { $0.lowercaseMapping }
    let isStable = { (text: String) in !text.unicodeScalars.contains { $0.properties.changesWhenNFKCCaseFolded } }
    return !isStable(lower) && isStable(upper) ? upper : lower
  }

  private static func map(_ text: String, _ mapping: (Unicode.Scalar.Properties) -> String) -> String {
    text.unicodeScalars.reduce(into: "") { $0 += mapping($1.properties) }
  }
}
