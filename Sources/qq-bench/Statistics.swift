/// The value below which the share `quantile` of the sorted values lies: the nearest-rank method, so always one of the
/// values that were measured. Zero where there are none.
func percentile<Value: Comparable & ExpressibleByIntegerLiteral>(_ quantile: Double, ofSorted values: [Value]) -> Value
{
  guard !values.isEmpty else { return 0 }
  let rank = Int((quantile * Double(values.count)).rounded(.up))
  return values[min(max(rank, 1), values.count) - 1]
}

/// The middle value, or the mean of the two in the middle; nil where there are none.
func median(_ values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
