/// Finds what somebody meant who mistyped a name.
public enum NearestName {
  /// Names longer than this many scalars are neither corrected nor proposed.
  private static let longest = 64

  /// The candidate that takes the fewest edits, whatever the case of the letters: an insertion, a deletion, a
  /// substitution, or a swap of two neighbours. At most a third of the name's length, but always one, may differ.
  /// Of equally near ones the first in alphabetical order; nil where none is near enough.
  public static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
    guard let wanted = fold(name), !wanted.isEmpty else { return nil }
    var best: (name: String, edits: Int)?
    for candidate in candidates {
      guard let folded = fold(candidate) else { continue }
      let limit = best?.edits ?? max(1, wanted.count / 3)
      guard abs(folded.count - wanted.count) <= limit else { continue }
      let edits = distance(wanted, folded)
      guard edits <= limit else { continue }
      if let found = best, found.edits == edits, found.name <= candidate { continue }
      best = (candidate, edits)
    }
    return best?.name
  }

  /// Nil where the name is too long.
  private static func fold(_ name: String) -> [Unicode.Scalar]? {
    guard name.unicodeScalars.dropFirst(longest).isEmpty else { return nil }
    return name.unicodeScalars.flatMap { Array(CaseFolding.fold($0).unicodeScalars) }
  }

  /// The optimal string alignment distance, Damerau's and Levenshtein's without edits of what was swapped:
  /// L. Boytsov, "Indexing methods for approximate dictionary searching", 2011, section 2.2.
  private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      current.reserveCapacity(right.count + 1)
      for column in right.indices {
        let substituted = last[column] + (left[row] == right[column] ? 0 : 1)
        var least = min(substituted, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          least = min(least, beforeLast[column - 1] + 1)
        }
        current.append(least)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
