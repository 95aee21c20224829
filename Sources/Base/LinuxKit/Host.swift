import Glibc
public import Wire

/// Facts of the machine and of this process.
public enum Host {
  /// The wall clock. Only programs call it: everything below takes the time as an argument.
  public static func now() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec)) ?? .latest
  }

  /// Seconds of a clock that never jumps, for durations.
  public static func monotonicSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The numeric user that this process acts as.
  public static var effectiveUser: UInt32 { geteuid() }

  /// The name of the machine, as `uname -n` prints it.
  public static var name: String { field(\.nodename) }
  /// The kernel's release, as `uname -r` prints it.
  public static var kernel: String { field(\.release) }
  /// The architecture, as `uname -m` prints it.
  public static var architecture: String { field(\.machine) }

  /// How many processors are online; at least one.
  public static var cores: Int { max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1) }

  /// An environment variable, nil when it is not set or empty.
  public static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// Whether an open file is a terminal.
  public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// The folder of the current process.
  public static var workingFolder: String {
    guard let path = unsafe getcwd(nil, 0) else { return "." }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
  }

  private static func field<Field>(_ path: KeyPath<utsname, Field>) -> String {
    var names = utsname()
    guard unsafe uname(&names) == 0 else { return "unknown" }
    // Safe: uname filled the field with zero-terminated text, which is copied here.
    return unsafe withUnsafeBytes(of: names[keyPath: path]) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
