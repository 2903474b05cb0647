import QQProtocol

/// What a line decodes to, or why it is refused.
func clientFrame(_ line: String) -> Result<ClientFrame, FrameFault> {
  clientFrame(Array(line.utf8))
}

func clientFrame(_ line: [UInt8]) -> Result<ClientFrame, FrameFault> {
  var decoder = FrameDecoder()
  return clientFrame(line, &decoder)
}

func clientFrame(_ line: [UInt8], _ decoder: inout FrameDecoder) -> Result<ClientFrame, FrameFault> {
  do throws(FrameFault) {
    return .success(try decoder.clientFrame(line.span.bytes))
  } catch {
    return .failure(error)
  }
}

func hubFrame(_ line: String) -> Result<HubFrame?, FrameFault> {
  var decoder = FrameDecoder()
  do throws(FrameFault) {
    return .success(try decoder.hubFrame(Array(line.utf8).span.bytes))
  } catch {
    return .failure(error)
  }
}

extension Result where Failure == FrameFault {
  var code: ErrorCode? {
    if case .failure(let fault) = self { fault.code } else { nil }
  }
}

extension ClientFrame {
  /// The line, its newline included.
  var line: String {
    var writer = JSONWriter()
    encode(into: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

extension HubFrame {
  /// The line, its newline included.
  var line: String {
    var writer = JSONWriter()
    encode(into: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

let someID = MessageID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
let someIDText = "014D2PF2DBSQQZXQ5TK1V58CGG"
