/// A moment of the wall clock, since 1970.
public struct WallTime: Hashable, Comparable, Sendable {
  /// Since 1970, without leap seconds.
  public var seconds: Int64
  /// 0 to 999,999,999.
  public var nanoseconds: Int64
  /// The moment of its parts.
  public init(seconds: Int64, nanoseconds: Int64 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }
  /// Earlier.
  public static func < (left: WallTime, right: WallTime) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }

  /// Later by nanoseconds.
  func adding(nanoseconds more: UInt64) -> WallTime {
    let sum = nanoseconds + Int64(more % 1_000_000_000)
    return WallTime(
      seconds: seconds + Int64(more / 1_000_000_000) + sum / 1_000_000_000, nanoseconds: sum % 1_000_000_000)
  }
}

/// A label of TAI64N: twelve bytes, big-endian, that grow with time; what a responder keeps against replay (5.1).
struct TAI64N: Comparable {
  static let length = 12
  /// 2^62 and the ten seconds that TAI was ahead in 1970.
  private static let epoch: UInt64 = 0x4000_0000_0000_000a
  /// Nanoseconds are cut to steps of 2^24, 17 ms: a precise clock is nobody's business, and steps are still smaller
  /// than the 20 ms between two initiations that a peer takes.
  static let step: UInt64 = 1 << 24

  let seconds: UInt64
  let nanoseconds: UInt32

  init(_ time: WallTime) {
    seconds = Self.epoch &+ UInt64(bitPattern: time.seconds)
    nanoseconds = UInt32(truncatingIfNeeded: time.nanoseconds) & ~UInt32(Self.step - 1)
  }

  /// Reads twelve bytes; they are compared and never interpreted.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.length else { return nil }
    seconds = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    nanoseconds = bytes[8...].reduce(0) { $0 << 8 | UInt32($1) }
  }

  var bytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: seconds >> (56 - 8 * UInt64($0))) }
      + (0..<4).map { UInt8(truncatingIfNeeded: nanoseconds >> (24 - 8 * UInt32($0))) }
  }

  static func < (left: TAI64N, right: TAI64N) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}

/// The clock of our timestamps: the wall clock, but never behind what was sent already.
///
/// A peer refuses a timestamp that is not later than the last, so a wall clock that is set back would shut us out for as
/// long as it was set back. From the moment of its last use on this clock goes at least as fast as the monotonic one.
struct TimestampClock {
  private var last: (wall: WallTime, at: Moment)?

  /// A timestamp that is later than every one before.
  mutating func timestamp(_ wall: WallTime, at now: Moment) -> TAI64N {
    var time = wall
    if let last {
      // A moment that was read before the last one must not count as a very long time.
      let passed = now > last.at ? now.nanoseconds - last.at.nanoseconds : 0
      time = max(time, last.wall.adding(nanoseconds: passed))
    }
    last = (time, now)
    return TAI64N(time)
  }
}
