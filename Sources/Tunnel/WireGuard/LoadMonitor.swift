/// Whether handshakes come faster than they are answered (whitepaper, 5.3): then the device asks for cookies.
public struct LoadMonitor: Sendable {
  private var lastLong = Moment.never
  /// A device that was not under load yet.
  public init() {}

  /// Whether the device is under load with so many messages waiting; load lasts a second longer than its cause.
  /// Call it for each message that is taken from the queue.
  public mutating func isUnderLoad(queued: Int, at now: Moment) -> Bool {
    if queued >= Implementation.loadThreshold {
      lastLong = now
      return true
    }
    return lastLong != .never && now < lastLong.adding(milliseconds: Implementation.loadMilliseconds)
  }
}
