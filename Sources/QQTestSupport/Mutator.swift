/// Makes lines that are almost right from lines that are, the same ones in every run.
public struct Mutator: Sendable {
  public var random: SplitMix64
  private let corpus: [[UInt8]]
  /// Results that were worth keeping, to go on from.
  private var kept: [[UInt8]] = []
  private static let maximumKept = 512
  private static let maximumLength = 1_024

  public init(seed: UInt64, corpus: [[UInt8]]) {
    random = SplitMix64(seed: seed)
    self.corpus = corpus
  }

  /// The next line, in the place of what `line` holds.
  public mutating func next(_ line: inout [UInt8]) {
    line.removeAll(keepingCapacity: true)
    line.append(contentsOf: any())
    repeat { mutate(&line) } while random.oneIn(2)
    if line.count > Self.maximumLength { line.removeLast(line.count - Self.maximumLength) }
  }

  /// Says that a line was worth going on from; a long one never is, the short ones would be crowded out.
  public mutating func keep(_ line: [UInt8]) {
    guard line.count <= 384 else { return }
    if kept.count < Self.maximumKept {
      kept.append(line)
    } else {
      kept[random.below(kept.count)] = line
    }
  }

  private mutating func any() -> [UInt8] {
    if !kept.isEmpty, random.oneIn(4) { return kept[random.below(kept.count)] }
    return corpus[random.below(corpus.count)]
  }

  private mutating func range(in line: [UInt8], longest: Int = 32) -> Range<Int> {
    let start = random.below(line.count)
    return start..<min(line.count, start + 1 + random.below(longest))
  }

  private mutating func mutate(_ line: inout [UInt8]) {
    guard !line.isEmpty else {
      return line.append(contentsOf: FuzzCorpus.tokens[random.below(FuzzCorpus.tokens.count)])
    }
    switch random.below(12) {
    case 0: line[random.below(line.count)] ^= 1 << UInt8(random.below(8))
    case 1: line[random.below(line.count)] = UInt8(truncatingIfNeeded: random.next())
    case 2: line.insert(UInt8(truncatingIfNeeded: random.next()), at: random.below(line.count + 1))
    case 3: line.remove(at: random.below(line.count))
    case 4: line.removeSubrange(range(in: line))
    case 5: line.removeLast(random.below(line.count))
    case 6:
      let chunk = Array(line[range(in: line)])
      line.insert(contentsOf: chunk, at: random.below(line.count + 1))
    case 7:
      let other = any()
      let start = random.below(other.count)
      line.replaceSubrange(random.below(line.count)..., with: other[min(start, other.count)...])
    case 8:
      let token = FuzzCorpus.tokens[random.below(FuzzCorpus.tokens.count)]
      line.insert(contentsOf: token, at: random.below(line.count + 1))
    case 9:
      let token = FuzzCorpus.tokens[random.below(FuzzCorpus.tokens.count)]
      line.replaceSubrange(range(in: line, longest: 8), with: token)
    default: changeTokens(&line)
    }
  }

  /// Swaps two strings, numbers or words of the line, or puts another in the place of one.
  private mutating func changeTokens(_ line: inout [UInt8]) {
    var tokens: [Range<Int>] = []
    var start = 0
    for index in line.indices {
      switch line[index] {
      case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["),
        UInt8(ascii: "]"):
        if index > start { tokens.append(start..<index) }
        start = index + 1
      default: break
      }
    }
    guard tokens.count > 1 else { return }
    let first = random.below(tokens.count - 1)
    if random.oneIn(2) {
      line.replaceSubrange(tokens[first], with: FuzzCorpus.tokens[random.below(FuzzCorpus.tokens.count)])
    } else {
      let second = first + 1 + random.below(tokens.count - first - 1)
      let (left, right) = (Array(line[tokens[first]]), Array(line[tokens[second]]))
      line.replaceSubrange(tokens[second], with: left)
      line.replaceSubrange(tokens[first], with: right)
    }
  }
}
