import NetworkTypes

/// A token bucket for each source of handshakes: 20 a second, 5 at once (whitepaper, 5.3).
///
/// Asked only for sources that proved by a cookie that they receive at their address, so strangers cannot fill it.
struct RateLimiter {
  static let perSecond: UInt64 = 20
  static let burst: UInt64 = 5
  /// The most sources; more are refused until old ones are forgotten. 16,384 take about one megabyte.
  static let sourceLimit = 16_384
  private static let cost = 1_000_000_000 / perSecond
  private static let fullBucket = cost * burst
  /// Nanoseconds after which a source that was quiet is forgotten: its bucket is full again.
  private static let memory: UInt64 = 1_000_000_000

  /// An IPv4 address, or the upper half of an IPv6 address: whoever has one has a network of them.
  private enum Source: Hashable {
    case v4(UInt32)
    case v6(UInt64)

    init(_ address: IPAddress) {
      self =
        switch address {
        case .v4(let value): .v4(value)
        case .v6(let value): .v6(UInt64(truncatingIfNeeded: value >> 64))
        }
    }
  }

  private struct Bucket {
    var tokens: UInt64
    var last: Moment
  }

  private var buckets: [Source: Bucket] = [:]
  private var lastSweep = Moment.never

  /// How many sources are remembered.
  var count: Int { buckets.count }

  /// Whether one more message of this source is taken.
  mutating func allows(_ address: IPAddress, at now: Moment) -> Bool {
    sweep(at: now)
    let source = Source(address)
    guard var bucket = buckets[source] else {
      guard buckets.count < Self.sourceLimit else { return false }
      buckets[source] = Bucket(tokens: Self.fullBucket - Self.cost, last: now)
      return true
    }
    let elapsed = now.nanoseconds &- min(bucket.last.nanoseconds, now.nanoseconds)
    bucket.tokens = min(Self.fullBucket, bucket.tokens + min(elapsed, Self.fullBucket))
    bucket.last = now
    let isAllowed = bucket.tokens >= Self.cost
    if isAllowed { bucket.tokens -= Self.cost }
    buckets[source] = bucket
    return isAllowed
  }

  /// Forgets quiet sources, at most once a second.
  private mutating func sweep(at now: Moment) {
    guard now.nanoseconds &- lastSweep.nanoseconds >= Self.memory else { return }
    lastSweep = now
    buckets = buckets.filter { now.nanoseconds &- $0.value.last.nanoseconds < Self.memory }
  }
}
