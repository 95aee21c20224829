/// A set of addresses of both families: sorted ranges that neither overlap nor touch, so that equal sets are equal
/// values.
public struct AddressSet: Hashable, Sendable {
  var v4: IntervalSet<UInt32>
  var v6: IntervalSet<UInt128>

  init(v4: IntervalSet<UInt32>, v6: IntervalSet<UInt128>) {
    self.v4 = v4
    self.v6 = v6
  }

  /// No address.
  public init() { self.init(v4: IntervalSet([]), v6: IntervalSet([])) }

  /// Every address of both families.
  public static let everything = AddressSet(v4: IntervalSet([(0, .max)]), v6: IntervalSet([(0, .max)]))

  /// The addresses of all ranges, in any order.
  public init(_ ranges: some Sequence<AddressRange>) {
    var four: [(UInt32, UInt32)] = []
    var six: [(UInt128, UInt128)] = []
    for range in ranges {
      switch (range.lower, range.upper) {
      case (.v4(let low), .v4(let high)): four.append((low, high))
      case (.v6(let low), .v6(let high)): six.append((low, high))
      default: continue
      }
    }
    self.init(v4: IntervalSet(four), v6: IntervalSet(six))
  }

  /// The addresses themselves, in any order.
  public init(_ addresses: some Sequence<IPAddress>) {
    self.init(addresses.lazy.map { AddressRange($0) })
  }

  /// Addresses as their values, in any order.
  public init(v4: [UInt32], v6: [UInt128]) {
    self.init(v4: IntervalSet(values: v4), v6: IntervalSet(values: v6))
  }

  /// Whether no address is in it.
  public var isEmpty: Bool { v4.isEmpty && v6.isEmpty }

  /// How many ranges there are.
  public var rangeCount: Int { v4.count + v6.count }

  /// The ranges, IPv4 first, ascending.
  public var ranges: [AddressRange] {
    v4.pairs.compactMap { AddressRange(.v4($0.0), through: .v4($0.1)) }
      + v6.pairs.compactMap { AddressRange(.v6($0.0), through: .v6($0.1)) }
  }

  /// Whether the address is in it.
  public func contains(_ address: IPAddress) -> Bool {
    switch address {
    case .v4(let value): v4.contains(value)
    case .v6(let value): v6.contains(value)
    }
  }

  /// Whether at least one address of the range is in it.
  public func overlaps(_ range: AddressRange) -> Bool {
    switch (range.lower, range.upper) {
    case (.v4(let low), .v4(let high)): v4.overlaps(low, high)
    case (.v6(let low), .v6(let high)): v6.overlaps(low, high)
    default: false
    }
  }

  /// The addresses of all sets.
  public static func union(_ sets: some Sequence<AddressSet>) -> AddressSet {
    // Concrete from here on: generic code over another module's sequence is several times slower.
    let sets = Array(sets)
    return AddressSet(v4: .union(sets.map { $0.v4 }), v6: .union(sets.map { $0.v6 }))
  }

  /// The addresses of both sets.
  public func union(_ other: AddressSet) -> AddressSet { .union([self, other]) }

  /// The addresses that the other set does not have.
  public func subtracting(_ other: AddressSet) -> AddressSet {
    AddressSet(v4: v4.subtracting(other.v4), v6: v6.subtracting(other.v6))
  }

  /// The addresses that both sets have.
  public func intersection(_ other: AddressSet) -> AddressSet { subtracting(subtracting(other)) }
}

/// Sorted intervals of integers, both ends included, with a gap of at least one value between two of them.
struct IntervalSet<Value: FixedWidthInteger & UnsignedInteger & Sendable>: Hashable, Sendable {
  /// Lower and upper ends, one behind the other: one array is quicker to compare and to search than one of pairs.
  private(set) var ends: [Value]

  /// The intervals in any order; they may overlap.
  init(_ intervals: [(Value, Value)]) {
    ends = []
    ends.reserveCapacity(intervals.count * 2)
    for (low, high) in intervals.sorted(by: { $0.0 < $1.0 }) { append(low, high) }
  }

  /// Single values in any order.
  init(values: [Value]) {
    ends = []
    ends.reserveCapacity(values.count * 2)
    for value in values.sorted() { append(value, value) }
  }

  /// Adds an interval whose lower end is not below the last interval's.
  private mutating func append(_ low: Value, _ high: Value) {
    guard let last = ends.last, low <= last || low == last &+ 1 else {
      ends.append(low)
      ends.append(high)
      return
    }
    if high > last { ends[ends.count - 1] = high }
  }

  var isEmpty: Bool { ends.isEmpty }

  var count: Int { ends.count / 2 }

  var pairs: [(Value, Value)] { stride(from: 0, to: ends.count, by: 2).map { (ends[$0], ends[$0 + 1]) } }

  /// The position of the first interval whose upper end is not below `value`, times two.
  private func search(_ value: Value) -> Int {
    var low = 0
    var high = ends.count / 2
    while low < high {
      let middle = (low + high) / 2
      if ends[2 * middle + 1] < value { low = middle + 1 } else { high = middle }
    }
    return 2 * low
  }

  func contains(_ value: Value) -> Bool {
    let place = search(value)
    return place < ends.count && ends[place] <= value
  }

  func overlaps(_ low: Value, _ high: Value) -> Bool {
    let place = search(low)
    return place < ends.count && ends[place] <= high
  }

  /// Pairs of sets are merged, then pairs of those: each interval is looked at once for each doubling of the count.
  static func union(_ sets: [IntervalSet]) -> IntervalSet {
    var sets = sets.filter { !$0.isEmpty }
    while sets.count > 1 {
      sets = stride(from: 0, to: sets.count, by: 2).map { place in
        place + 1 < sets.count ? sets[place].merged(with: sets[place + 1]) : sets[place]
      }
    }
    return sets.first ?? IntervalSet([])
  }

  private func merged(with other: IntervalSet) -> IntervalSet {
    var result = IntervalSet([])
    result.ends.reserveCapacity(ends.count + other.ends.count)
    var (left, right) = (0, 0)
    while left < ends.count || right < other.ends.count {
      if right == other.ends.count || (left < ends.count && ends[left] <= other.ends[right]) {
        result.append(ends[left], ends[left + 1])
        left += 2
      } else {
        result.append(other.ends[right], other.ends[right + 1])
        right += 2
      }
    }
    return result
  }

  func subtracting(_ other: IntervalSet) -> IntervalSet {
    var result: [(Value, Value)] = []
    for (low, high) in pairs {
      var next: Value? = low
      var place = other.search(low)
      while let start = next, place < other.ends.count, other.ends[place] <= high {
        if other.ends[place] > start { result.append((start, other.ends[place] - 1)) }
        next = other.ends[place + 1] == .max ? nil : other.ends[place + 1] + 1
        place += 2
      }
      if let start = next, start <= high { result.append((start, high)) }
    }
    return IntervalSet(result)
  }
}
