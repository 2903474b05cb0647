import NIOCore
import QQProtocol
import QQTransport

/// How clients of the original mini QQ are dealt with.
public struct ClassicSettings: Sendable {
  /// Whoever says nothing for so long is one: they wait to be told who is there.
  public var silence: TimeAmount
  /// Between two objects to one client, which sleeps for up to two seconds between its reads.
  public var gap: TimeAmount

  public init(silence: TimeAmount = .seconds(1), gap: TimeAmount = .milliseconds(2_500)) {
    self.silence = silence
    self.gap = gap
  }

  var dialect: DialectHandler.Classic {
    .init(silence: silence) {
      var framer = ClassicFramer()
      // Our own clients' first line is a hello; theirs are of the types "1" to "5".
      return { bytes in
        do throws(ClassicFramer.Fault) {
          guard let first = try framer.feed(bytes).first else { return nil }
          return ClassicSaid(first) == nil ? .plaintext : .classic
        } catch {
          return .plaintext
        }
      }
    }
  }

  /// What stands before a connection from an address. Its nick says what it is; two clients of one machine are one user.
  func handler(for address: IPAddress, _ channel: any Channel) -> ClassicHandler {
    let name = "classic-" + address.description.replacing(":", with: "-")
    var generator = MessageIDGenerator(random: (.random(in: 0...(.max)), .random(in: 0...(.max))))
    let hub = IPAddress(channel.localAddress)?.description ?? ""
    return ClassicHandler(ClassicTranslator(hub: hub, nick: name), gap: gap) {
      generator.next(
        time: HubRunner.clock(), random: (.random(in: 0...(.max)), .random(in: 0...(.max))))
    }
  }
}
