import CLinux

/// What a packet thread tells control, in a ring: 96 octets, written and read as plain memory.
struct Report {
  enum Kind {
    static let staged: Int32 = 1
    static let renewal: Int32 = 2
    static let lastMinute: Int32 = 3
    static let confirmed: Int32 = 4
    static let moved: Int32 = 5
    static let deviceLost: Int32 = 6
  }
  static let size = 96

  var kind: Int32
  var slot: Int32
  var localIndex: UInt32
  var interface: UInt32 = 0
  var address: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  var local: (UInt64, UInt64) = (0, 0)
  var localLength: UInt8 = 0
  /// Of a move: where the record of the old place is, which control frees; 0 where there was none.
  var replaced: UInt = 0
}

/// How soon after traffic something can be due (whitepaper, 6); used only to decide whether control must wake earlier.
enum Deadline {
  /// A keepalive after data was received.
  static let acknowledgement: UInt64 = 10_000_000_000
  /// A handshake after data was not answered.
  static let answer: UInt64 = 15_000_000_000
}

/// Wakes control when it would sleep beyond `moment`.
@inline(__always)
func wakeControl(_ shared: UnsafeMutablePointer<SharedHot>, _ control: Int32, _ moment: UInt64) {
  if unsafe cl_load_relaxed(&shared.pointee.controlSleepsUntil) > moment {
    unsafe cl_store_relaxed(&shared.pointee.controlSleepsUntil, moment)
    cl_signal(control)
  }
}
