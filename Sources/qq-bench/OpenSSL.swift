import Glibc

/// The few functions of the system's libssl that a client needs, looked up at run time.
///
/// TLS in the generator has to cost as little as possible and to be the same for every peer: libssl on the socket that
/// epoll watches needs no event loop, no buffer handed from layer to layer and no copy but the one of SSL_read, and it
/// is the library of the `openssl s_client` that the figures are compared with. Opening it at run time spares the
/// build its header files.
struct OpenSSL {
  typealias Pointer = UnsafeMutableRawPointer

  let newContext: @convention(c) (Pointer?) -> Pointer?
  let freeContext: @convention(c) (Pointer) -> Void
  let controlContext: @convention(c) (Pointer, Int32, Int, Pointer?) -> Int
  let setProtocols: @convention(c) (Pointer, UnsafePointer<UInt8>, UInt32) -> Int32
  let setReadBuffer: @convention(c) (Pointer, Int) -> Void
  let newSession: @convention(c) (Pointer) -> Pointer?
  let freeSession: @convention(c) (Pointer) -> Void
  let useCertificate: @convention(c) (Pointer, UnsafePointer<UInt8>, Int32) -> Int32
  let useKey: @convention(c) (Int32, Pointer, UnsafePointer<UInt8>, Int) -> Int32
  let setDescriptor: @convention(c) (Pointer, Int32) -> Int32
  let connect: @convention(c) (Pointer) -> Int32
  let read: @convention(c) (Pointer, UnsafeMutableRawPointer, Int32) -> Int32
  let write: @convention(c) (Pointer, UnsafeRawPointer, Int32) -> Int32
  let shutdown: @convention(c) (Pointer) -> Int32
  let error: @convention(c) (Pointer, Int32) -> Int32
  let clearErrors: @convention(c) () -> Void
  let nextError: @convention(c) () -> UInt
  let describeError: @convention(c) (UInt, UnsafeMutablePointer<CChar>, Int) -> Void
  let clientMethod: @convention(c) () -> Pointer?

  init() throws {
    guard let library = dlopen("libssl.so.3", RTLD_NOW) else {
      throw BenchError("libssl.so.3 can't be opened: install the package libssl3")
    }
    newContext = try cFunction("SSL_CTX_new", in: library)
    freeContext = try cFunction("SSL_CTX_free", in: library)
    controlContext = try cFunction("SSL_CTX_ctrl", in: library)
    setProtocols = try cFunction("SSL_CTX_set_alpn_protos", in: library)
    setReadBuffer = try cFunction("SSL_CTX_set_default_read_buffer_len", in: library)
    newSession = try cFunction("SSL_new", in: library)
    freeSession = try cFunction("SSL_free", in: library)
    useCertificate = try cFunction("SSL_use_certificate_ASN1", in: library)
    useKey = try cFunction("SSL_use_PrivateKey_ASN1", in: library)
    setDescriptor = try cFunction("SSL_set_fd", in: library)
    connect = try cFunction("SSL_connect", in: library)
    read = try cFunction("SSL_read", in: library)
    write = try cFunction("SSL_write", in: library)
    shutdown = try cFunction("SSL_shutdown", in: library)
    error = try cFunction("SSL_get_error", in: library)
    clearErrors = try cFunction("ERR_clear_error", in: library)
    nextError = try cFunction("ERR_get_error", in: library)
    describeError = try cFunction("ERR_error_string_n", in: library)
    clientMethod = try cFunction("TLS_client_method", in: library)
  }

  /// The oldest error in the queue, in OpenSSL's words.
  func lastError() -> String {
    var text = [CChar](repeating: 0, count: 256)
    describeError(nextError(), &text, text.count)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// What all TLS connections to one server share: TLS 1.3 alone, no check of the server's certificate, one application
/// protocol where the server wants one.
final class TLSContext {
  let library: OpenSSL
  private let context: OpenSSL.Pointer

  /// Values of `openssl/ssl.h`, where they are macros.
  private static let setMode: Int32 = 33
  private static let setReadAhead: Int32 = 41
  private static let setMinimumVersion: Int32 = 123
  private static let version13 = 0x0304
  /// Partial writes, a write buffer that may move, and no buffers kept by idle connections.
  private static let modes = 0x1 | 0x2 | 0x10

  init(applicationProtocol: String?) throws {
    library = try OpenSSL()
    guard let context = library.newContext(library.clientMethod()) else { throw BenchError(library.lastError()) }
    self.context = context
    _ = library.controlContext(context, Self.setMinimumVersion, Self.version13, nil)
    _ = library.controlContext(context, Self.setMode, Self.modes, nil)
    // One system call then takes in many records; without it every record costs two.
    _ = library.controlContext(context, Self.setReadAhead, 1, nil)
    library.setReadBuffer(context, 120 * 1024)
    if let applicationProtocol {
      let name = Array(applicationProtocol.utf8)
      let list = [UInt8(name.count)] + name
      guard library.setProtocols(context, list, UInt32(list.count)) == 0 else {
        throw BenchError(library.lastError())
      }
    }
  }

  deinit {
    library.freeContext(context)
  }

  /// A session on a connected, blocking socket, after its handshake.
  func open(on descriptor: Int32, as certificate: SelfSignedCertificate?) throws -> TLSSession {
    guard let pointer = library.newSession(context) else { throw BenchError(library.lastError()) }
    let session = TLSSession(context: self, pointer: pointer)
    if let certificate {
      let der = certificate.certificate
      let key = certificate.privateKey
      // 408 is NID_X9_62_id_ecPublicKey.
      guard library.useCertificate(pointer, der, Int32(der.count)) == 1,
        library.useKey(408, pointer, key, key.count) == 1
      else { throw BenchError(library.lastError()) }
    }
    library.clearErrors()
    guard library.setDescriptor(pointer, descriptor) == 1, library.connect(pointer) == 1 else {
      throw BenchError("TLS handshake: \(library.lastError())")
    }
    return session
  }
}

/// One TLS connection.
struct TLSSession {
  private static let wantsRead: Int32 = 2
  private static let wantsWrite: Int32 = 3

  fileprivate let context: TLSContext
  fileprivate let pointer: OpenSSL.Pointer

  /// Decrypts what there is into `buffer`, until it is full or the socket has no more. Stopping sooner would leave
  /// bytes in the session's own buffer, which epoll doesn't see.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Connection.Read {
    var filled = 0
    while buffer.count - filled > 0 {
      let count = context.library.read(pointer, buffer.baseAddress! + filled, Int32(buffer.count - filled))
      if count > 0 {
        filled += Int(count)
        continue
      }
      let reason = context.library.error(pointer, count)
      context.library.clearErrors()
      if reason == Self.wantsRead || reason == Self.wantsWrite { break }
      return filled > 0 ? .bytes(filled, more: true) : .end
    }
    return filled > 0 ? .bytes(filled, more: filled == buffer.count) : .nothing
  }

  /// How many bytes were taken; 0 where there is no room, nil where the connection is lost.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int? {
    let count = context.library.write(pointer, bytes.baseAddress!, Int32(min(bytes.count, 1 << 20)))
    if count > 0 { return Int(count) }
    let reason = context.library.error(pointer, count)
    context.library.clearErrors()
    return reason == Self.wantsRead || reason == Self.wantsWrite ? 0 : nil
  }

  func close() {
    _ = context.library.shutdown(pointer)
    context.library.clearErrors()
    context.library.freeSession(pointer)
  }
}
