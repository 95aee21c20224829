public import NetworkTypes

/// A bucket of tokens for each source, in a table of fixed size: what one source sends takes nothing from another.
///
/// A source is an IPv4 address or an IPv6 /64, which is one site's. Where two sources meet in one place of the table the
/// older gives way and comes back with a bucket half full: somebody who forges sources gains no more than that.
public struct RateLimiter: Sendable {
  private struct Bucket {
    var source: UInt64 = 0
    /// Thousandths of a query.
    var tokens: Int64 = 0
    /// Milliseconds of the clock that `admit` is given.
    var time: UInt64 = 0
  }

  /// Queries a second for each source; 0 is no limit.
  public let rate: Int
  /// Queries that a source which was silent may send at once.
  public let burst: Int
  private let seed: UInt64
  private var buckets: [Bucket]

  /// A limiter with `places` buckets, rounded up to a power of two; `seed` is random, so that nobody can aim at a place.
  public init(rate: Int, burst: Int, places: Int = 4096, seed: UInt64) {
    self.rate = rate
    self.burst = max(burst, 1)
    self.seed = seed | 1
    var count = 2
    while count < places { count *= 2 }
    buckets = Array(repeating: Bucket(), count: rate == 0 ? 0 : count)
  }

  /// Whether a source may be served now; `now` is in milliseconds and never goes back.
  public mutating func admit(_ source: IPAddress, now: UInt64) -> Bool {
    guard rate > 0 else { return true }
    let key: UInt64
    switch source {
    case .v4(let value): key = UInt64(value) | 1 << 32
    case .v6(let value): key = UInt64(truncatingIfNeeded: value >> 64) | 1 << 63
    }
    let hash = (key ^ seed) &* 0x9e37_79b9_7f4a_7c15
    let place = Int(truncatingIfNeeded: (hash ^ seed) >> 20) & (buckets.count - 2)
    return admit(key, now, place)
  }

  private mutating func admit(_ key: UInt64, _ now: UInt64, _ place: Int) -> Bool {
    var index = place
    if buckets[place].source != key {
      index = place + 1
      if buckets[index].source != key {
        if buckets[place].time < buckets[index].time { index = place }
        buckets[index] = Bucket(source: key, tokens: Int64(burst) * 500 + 1000, time: now)
      }
    }
    let passed = Int64(truncatingIfNeeded: min(now &- buckets[index].time, 3_600_000))
    let tokens = min(Int64(burst) * 1000, buckets[index].tokens + passed * Int64(rate))
    buckets[index].time = now
    guard tokens >= 1000 else {
      buckets[index].tokens = tokens
      return false
    }
    buckets[index].tokens = tokens - 1000
    return true
  }
}
