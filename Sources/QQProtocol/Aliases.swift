/// Names of a user's own for addresses, nicks and groups. Pure.
///
/// As text a line each, the name and what it stands for, with comments behind `#`:
///
///     printer 192.168.1.5
///     boss    alice-laptop
public struct Aliases: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public var name: String
    public var target: String

    public init(name: String, target: String) {
      self.name = name
      self.target = target
    }
  }

  /// In the order of their names.
  public private(set) var entries: [Entry] = []

  public init() {}

  /// Throws what is wrong, and in which line.
  public init(text: String) throws(AliasFault) {
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
      if words.isEmpty { continue }
      do throws(AliasFault) {
        guard words.count == 2 else { throw AliasFault("a name and a target are expected") }
        try set(String(words[0]), to: String(words[1]))
      } catch {
        throw AliasFault("line \(index + 1): \(error.message)")
      }
    }
  }

  public var text: String { entries.map { "\($0.name) \($0.target)\n" }.joined() }

  /// What is sent to: the target that a name stands for, or else the name itself.
  public func resolve(_ target: String) -> String {
    entries.first { Self.same($0.name, target) }?.target ?? target
  }

  /// The name that stands for a target, where there is one.
  public func name(of target: String) -> String? { entries.first { $0.target == target }?.name }

  public mutating func set(_ name: String, to target: String) throws(AliasFault) {
    do throws(NickFault) {
      _ = try Nick(name)
    } catch {
      throw AliasFault("\"\(name)\" can be no alias: \(error.message)")
    }
    guard IPAddress(name) == nil else { throw AliasFault("\"\(name)\" can be no alias: it is an address") }
    let target = resolve(target)
    do throws(NickFault) {
      _ = try Target(target)
    } catch {
      throw AliasFault("\"\(target)\" can be no target: \(error.message)")
    }
    guard !Self.same(name, target) else { throw AliasFault("\"\(name)\" would stand for itself") }
    _ = remove(name)
    entries.append(Entry(name: name, target: target))
    entries.sort { $0.name < $1.name }
  }

  /// False where there is none of that name.
  public mutating func remove(_ name: String) -> Bool {
    let count = entries.count
    entries.removeAll { Self.same($0.name, name) }
    return entries.count < count
  }

  private static func same(_ left: String, _ right: String) -> Bool {
    if left == right { return true }
    guard let left = try? Nick(left), let right = try? Nick(right) else { return false }
    return left == right
  }
}

/// Why an alias can't be.
public struct AliasFault: Error, Equatable, Sendable {
  public var message: String

  init(_ message: String) {
    self.message = message
  }
}
