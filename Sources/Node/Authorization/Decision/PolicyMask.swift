/// A set of policies by their place in the policy set. Up to 128 take no memory of their own.
public struct PolicyMask: Sendable, Hashable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  private var more: [UInt64] = []

  /// No policy.
  public init() {}

  /// Adds the policy at `place`.
  mutating func insert(_ place: Int) {
    switch place {
    case ..<64: low |= 1 << UInt64(place)
    case ..<128: high |= 1 << UInt64(place - 64)
    default:
      let word = (place - 128) / 64
      while more.count <= word { more.append(0) }
      more[word] |= 1 << UInt64(place % 64)
    }
  }

  /// Whether there is none.
  public var isEmpty: Bool { low == 0 && high == 0 && more.isEmpty }

  /// The places, in order.
  public var places: [Int] {
    var places: [Int] = []
    for (word, bits) in ([low, high] + more).enumerated() {
      for bit in 0..<64 where bits & 1 << UInt64(bit) != 0 { places.append(word * 64 + bit) }
    }
    return places
  }
}
