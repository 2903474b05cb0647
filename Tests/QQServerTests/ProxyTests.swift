import QQProtocol
import QQTestSupport
import QQTransport
import Testing

@Suite("behind a load balancer") struct ProxyTests {
  private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

  private func header(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
    Self.signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 0xff)] + rest
  }

  /// From 203.0.113.9:1000 to 10.0.0.1:6789.
  private static let v4: [UInt8] = [203, 0, 113, 9, 10, 0, 0, 1, 3, 232, 26, 133]

  private func source(_ bytes: [UInt8]) throws -> ProxyHeader? { try ProxyHeader.parse(bytes) }

  @Test("a header says whose connection it is, whatever else it says; the proxy's own is the proxy's")
  func headers() throws {
    let claimed = IPAddress("203.0.113.9")
    #expect(try source(header(0x21, 0x11, Self.v4)) == ProxyHeader(source: claimed, length: 28))
    #expect(try source(header(0x21, 0x11, Self.v4 + [3, 0, 1, 9])) == ProxyHeader(source: claimed, length: 32))
    let v6 = try #require(IPAddress("2001:db8::7")).bytes
    #expect(
      try source(header(0x21, 0x21, v6 + v6 + [0, 1, 0, 2]) + Array("{".utf8))
        == ProxyHeader(source: IPAddress("2001:db8::7"), length: 52))
    let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 203, 0, 113, 9]
    #expect(try source(header(0x21, 0x21, mapped + v6 + [0, 1, 0, 2]))?.source == claimed)
    #expect(try source(header(0x20, 0x00, [])) == ProxyHeader(source: nil, length: 16))
    #expect(try source(header(0x20, 0x11, Self.v4)) == ProxyHeader(source: nil, length: 28))
  }

  @Test("a header is waited for, byte by byte")
  func pieces() throws {
    let whole = header(0x21, 0x11, Self.v4)
    for count in 0..<whole.count { #expect(try source(Array(whole.prefix(count))) == nil) }
  }

  @Test("what is none, names nobody, or is too long, is refused")
  func refused() {
    #expect(throws: ProxyHeader.Fault.absent) { try source(Array("{\"type\"".utf8)) }
    #expect(throws: ProxyHeader.Fault.absent) { try source(Array("PROXY TCP4 1.2.3.4".utf8)) }
    #expect(throws: ProxyHeader.Fault.absent) { try source([0x16, 3, 1]) }
    #expect(throws: ProxyHeader.Fault.unknownCommand) { try source(header(0x11, 0x11, Self.v4)) }
    #expect(throws: ProxyHeader.Fault.unknownCommand) { try source(header(0x22, 0x11, Self.v4)) }
    #expect(throws: ProxyHeader.Fault.noAddress) { try source(header(0x21, 0x00, [])) }
    #expect(throws: ProxyHeader.Fault.noAddress) { try source(header(0x21, 0x12, Self.v4)) }
    #expect(throws: ProxyHeader.Fault.noAddress) { try source(header(0x21, 0x31, Array(repeating: 47, count: 216))) }
    #expect(throws: ProxyHeader.Fault.noAddress) { try source(header(0x21, 0x11, Array(Self.v4.dropLast()))) }
    #expect(throws: ProxyHeader.Fault.tooLong) { try source(Self.signature + [0x21, 0x11, 0x10, 0]) }
  }

  private static let hello = Array("{\"type\":\"hello\",\"protocol\":1,\"nick\":\"zoe\"}\n".utf8)

  /// What a greeting behind these bytes is answered with.
  private func answer(_ hub: Scene.Hub, _ start: [UInt8]) async throws -> JSONLine? {
    let connection = try hub.connection()
    connection.write(start + Self.hello)
    return await connection.line()
  }

  @Test("from a trusted proxy the claimed source counts: for admission, and for whom others see")
  func trusted() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve(
        "--plaintext=lan", "--trusted-proxy", "127.0.0.0/8", "--invite-only", "--admit", "203.0.113.0/24")
      let welcome = try await answer(hub, header(0x21, 0x11, Self.v4))
      #expect(welcome?["type"] == "welcome")
      #expect(welcome?["address"] == "203.0.113.9")
      let other: [UInt8] = [198, 51, 100, 1] + Self.v4.dropFirst(4)
      #expect(try await answer(hub, header(0x21, 0x11, other))?["code"] == "not_admitted")
      // The proxy itself is its own address.
      #expect(try await answer(hub, header(0x20, 0x00, []))?["code"] == "not_admitted")
    }
  }

  @Test("a trusted proxy that says nothing of the source is cut off, and that is logged")
  func silent() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--trusted-proxy", "127.0.0.1")
      #expect(try await answer(hub, []) == nil)
      #expect(try await answer(hub, header(0x21, 0x00, [])) == nil)
      try await hub.process.complaint("it began without a header of the PROXY protocol")
      try await hub.process.complaint("names no TCP address of a client")
    }
  }

  @Test("from anybody else a header is not believed")
  func untrusted() async throws {
    try await Scene.run { scene in
      let hub = try await scene.serve("--plaintext", "--trusted-proxy", "192.0.2.0/24")
      #expect(try await answer(hub, header(0x21, 0x11, Self.v4)) == nil)
      #expect(try await answer(hub, [])?["address"] == "127.0.0.1")
    }
  }
}
