public import Diagnostics
import CLinux
import Glibc

/// Waits for many descriptors at a time (epoll).
///
/// Safe: of the union in an event only the number is written and read.
@safe
public struct Poller: ~Copyable {
  /// What happened to a descriptor.
  public struct Event: Sendable {
    /// What it was added with.
    public let token: UInt64
    public let isReadable, isWritable, isBroken: Bool
  }

  private let number: Int32
  private var buffer: [epoll_event]

  /// A poller that reports at most 64 descriptors at a time.
  public init() throws(Problem) {
    number = try checked("epoll_create1", "epoll") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
    unsafe buffer = Array(repeating: epoll_event(), count: 64)
  }

  deinit { _ = close(number) }

  /// Adds a descriptor that is reported with `token`; a descriptor that is closed leaves by itself.
  public func add(_ descriptor: Int32, token: UInt64, writable: Bool = false) throws(Problem) {
    try control(EPOLL_CTL_ADD, descriptor, token, readable: true, writable)
  }

  /// Changes what is waited for.
  public func change(_ descriptor: Int32, token: UInt64, readable: Bool, writable: Bool) throws(Problem) {
    try control(EPOLL_CTL_MOD, descriptor, token, readable: readable, writable)
  }

  private func control(
    _ operation: Int32, _ descriptor: Int32, _ token: UInt64, readable: Bool, _ writable: Bool
  ) throws(Problem) {
    var event = unsafe epoll_event()
    unsafe event.events = (readable ? UInt32(EPOLLIN.rawValue) : 0) | (writable ? UInt32(EPOLLOUT.rawValue) : 0)
    unsafe event.data.u64 = token
    _ = try checked("epoll_ctl", "epoll") { unsafe epoll_ctl(number, operation, descriptor, &event) }
  }

  /// Waits at most so many milliseconds, for ever with -1, and passes on what happened.
  public mutating func wait(milliseconds: Int32, _ body: (Event) -> Void) {
    let count = unsafe epoll_wait(number, &buffer, Int32(buffer.count), milliseconds)
    guard count > 0 else { return }
    for index in 0..<Int(count) {
      let event = unsafe buffer[index]
      body(
        unsafe Event(
          token: event.data.u64, isReadable: event.events & UInt32(EPOLLIN.rawValue) != 0,
          isWritable: event.events & UInt32(EPOLLOUT.rawValue) != 0,
          isBroken: event.events & UInt32(EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0))
    }
  }
}

/// Clocks of the daemon.
public enum Clock {
  /// Milliseconds that never go back; they begin anywhere.
  public static func monotonic() -> UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }

  /// Seconds since 1970, as far as 32 bits go.
  public static func seconds() -> UInt32 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UInt32(truncatingIfNeeded: time.tv_sec)
  }
}

/// Signals that a daemon is told by: they are read from a descriptor instead of interrupting.
public struct SignalDescriptor: ~Copyable {
  /// Number of the descriptor, for a poller.
  public let number: Int32

  /// Takes SIGTERM, SIGINT and SIGHUP; call before any thread begins.
  public init() throws(Problem) {
    let result = cl_signalfd()
    guard result >= 0 else { throw fileProblem("signalfd", "signals", -result) }
    number = result
  }

  deinit { _ = close(number) }

  /// The next signal; nil where there is none.
  public func next() -> Int32? {
    let signal = cl_next_signal(number)
    return signal == 0 ? nil : signal
  }
}

extension Host {
  /// Raises the number of descriptors that the process may have open to what it is allowed, at most `count`.
  public static func raiseDescriptorLimit(to count: UInt) {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 else { return }
    limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, rlim_t(count)))
    _ = unsafe setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
  }
}
