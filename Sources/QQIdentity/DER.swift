/// The SubjectPublicKeyInfo in a certificate in DER, with its header; nil if `der` is no certificate.
///
/// RFC 5280 section 4.1: the first SEQUENCE of the certificate's has an optional `[0]` version, then serial number,
/// signature algorithm, issuer, validity, subject, and the key.
func subjectPublicKeyInfo(ofCertificate der: [UInt8]) -> ArraySlice<UInt8>? {
  var outer = DERReader(der[...])
  guard let certificate = outer.next(), certificate.tag == DERReader.sequence else { return nil }
  var inner = DERReader(certificate.content)
  guard let signed = inner.next(), signed.tag == DERReader.sequence else { return nil }
  var fields = DERReader(signed.content)
  guard var field = fields.next() else { return nil }
  if field.tag == DERReader.version {
    guard let serial = fields.next() else { return nil }
    field = serial
  }
  guard field.tag == DERReader.integer else { return nil }
  for _ in 0..<5 {
    guard let next = fields.next(), next.tag == DERReader.sequence else { return nil }
    field = next
  }
  return field.whole
}

/// Walks over the elements of a DER encoding: X.690 sections 8.1 and 10.1, tags below 31 only.
private struct DERReader {
  static let integer: UInt8 = 0x02
  static let sequence: UInt8 = 0x30
  static let version: UInt8 = 0xA0

  struct Element {
    var tag: UInt8
    var content: ArraySlice<UInt8>
    var whole: ArraySlice<UInt8>
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    rest = bytes
  }

  /// The next element; nil at the end and where the encoding is broken.
  mutating func next() -> Element? {
    let whole = rest
    guard let tag = rest.popFirst(), tag & 0x1F != 0x1F, let first = rest.popFirst() else { return nil }
    var length = Int(first)
    if first >= 0x80 {
      let count = Int(first & 0x7F)
      guard 1...4 ~= count, rest.count >= count else { return nil }
      length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(count)
    }
    guard length <= rest.count else { return nil }
    let content = rest.prefix(length)
    rest = rest.dropFirst(length)
    return Element(tag: tag, content: content, whole: whole.prefix(upTo: content.endIndex))
  }
}
