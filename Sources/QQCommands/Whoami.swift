import ArgumentParser
import QQClient
import QQIdentity
import QQProtocol

struct Whoami: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "whoami", abstract: "Print what this command line would use: hub, user, keys, cursor.")

  @OptionGroup var options: GlobalOptions

  @Option(help: .init("The cursor to tell the place of.", valueName: "name"))
  var cursor: String = "listen"

  func run() async throws {
    let context = try await CommandContext.find(options)
    let key = context.isPlaintext ? nil : try context.identity().fingerprint.description
    let (place, refusal) = try await self.place(context)
    // After connecting: a first contact is remembered.
    var known = "nothing yet"
    do throws(IdentityError) {
      switch try context.knownHubs.lookup(host: context.endpoint.host, port: context.endpoint.port) {
      case .pin(let fingerprint): known = fingerprint.description
      case .ca(let hostname): known = "ca \(hostname)"
      case nil: break
      }
    } catch {
      throw CommandFailure(.config, error.message)
    }
    let nick = place?.welcome.nick ?? context.nick
    try context.output.show(text: text(context, nick: nick, key: key, known: known, place: place)) { json in
      json.begin("whoami")
      json.field("hub", context.endpoint.description)
      json.field("source", source(context))
      json.field("hub_key", known)
      json.field("nick", nick)
      json.field("key", key)
      json.field("online", place != nil)
      json.field("address", place?.welcome.address)
      json.field("epoch", place?.welcome.epoch)
      json.field("cursor", cursor)
      json.field("cursor_seq", place?.cursor)
      json.field("seq", place?.welcome.seq)
      json.field("state", context.stateDirectory)
      json.end()
    }
    // All that is known has been printed, which whoever runs the hub may have to be told.
    if let refusal { throw refusal }
  }

  private func source(_ context: CommandContext) -> String {
    context.hubSource ?? (context.remembered == nil ? "this machine" : "used before")
  }

  private struct Place: Sendable {
    var welcome: HubFrame.Welcome
    var cursor: Int64
  }

  /// What the hub says; nil where it can't be reached, which is no error here, and with the error where it lets nobody
  /// in.
  private func place(_ context: CommandContext) async throws -> (place: Place?, refusal: ClientError?) {
    let cursor = cursor
    do {
      let limit = context.timeout ?? 3_000
      let link = try context.link(within: limit)
      let place = try await within(limit) {
        try await HubLink.with(link) { link, lines in
          try await link.write([.cursor(ref: 1, name: cursor)])
          while let batch = try await lines.next() {
            for line in batch {
              if case .ok(let ok) = line.frame { return Place(welcome: link.welcome, cursor: ok.seq ?? 0) }
            }
          }
          throw ClientError.lost(link.peer.endpoint)
        }
      }
      guard let place else { throw ClientError.timedOut(context.endpoint) }
      return (place, nil)
    } catch let error as ClientError where error.isTransient {
      context.output.note(error.message)
      return (nil, nil)
    } catch let error as ClientError {
      guard case .refused = error else { throw error }
      return (nil, error)
    }
  }

  private func text(
    _ context: CommandContext, nick: String, key: String?, known: String, place: Place?
  ) -> String {
    var lines = [
      "hub     \(context.endpoint) (\(source(context)))",
      "hub key \(known)",
      "nick    \(nick)",
      "key     \(key ?? "none: plaintext")",
    ]
    if let place {
      lines.append("address \(place.welcome.address)")
      lines.append("cursor  \(cursor) at \(place.cursor) of \(place.welcome.seq)")
    }
    lines.append("state   \(context.stateDirectory)")
    return lines.joined(separator: "\n")
  }
}
