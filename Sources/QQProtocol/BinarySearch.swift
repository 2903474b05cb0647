extension RandomAccessCollection {
  /// The first index whose element satisfies `belongs`, where all behind it do as well; `endIndex` where none does.
  public func partitioningIndex(where belongs: (Element) -> Bool) -> Index {
    var low = startIndex
    var count = count
    while count > 0 {
      let half = count / 2
      let middle = index(low, offsetBy: half)
      if belongs(self[middle]) {
        count = half
      } else {
        low = index(after: middle)
        count -= half + 1
      }
    }
    return low
  }
}
