import CLinux
import Diagnostics
import Glibc
import LinuxKit

/// A network namespace without a name: it is there for as long as this object, or a process or device in it, is.
///
/// So nothing is left of it when this program ends, however it ends.
final class NetworkSpace {
  private let descriptor: FileDescriptor

  /// A new one, with its loopback up.
  init() throws(Problem) {
    let outside = try Self.current()
    _ = try checked("unshare", "network") { cl_unshare(Int32(CL_NEW_NETWORK)) }
    do throws(Problem) { descriptor = try Self.current() } catch {
      cl_setns(outside.number, Int32(CL_NEW_NETWORK))
      throw error
    }
    _ = try checked("setns", "network") { cl_setns(outside.number, Int32(CL_NEW_NETWORK)) }
    try ip("link", "set", "lo", "up")
  }

  private static func current() throws(Problem) -> FileDescriptor {
    try FileDescriptor(opening: "/proc/thread-self/ns/net", O_RDONLY)
  }

  /// A path by which other programs find it while this one runs.
  var path: String { "/proc/\(getpid())/fd/\(descriptor.number)" }

  /// Calls `body` on this thread inside the namespace: what it opens and starts stays there.
  func inside<Result>(_ body: () throws(Problem) -> Result) throws(Problem) -> Result {
    let before = try Self.current()
    _ = try checked("setns", "network") { cl_setns(descriptor.number, Int32(CL_NEW_NETWORK)) }
    defer {
      // A thread that cannot go back would go on in the wrong place.
      guard cl_setns(before.number, Int32(CL_NEW_NETWORK)) == 0 else { fatalError("setns back: errno \(errno)") }
    }
    return try body()
  }

  /// Runs ip(8) inside and returns what it printed; `lab.command` unless it ends with 0.
  @discardableResult func ip(_ arguments: String...) throws(Problem) -> String {
    guard let output = try tryIP(arguments) else {
      throw .couldNotRun("lab.command", "ip \(arguments.joined(separator: " ")) did not end with 0")
    }
    return output
  }

  /// The same; nil unless it ends with 0.
  func tryIP(_ arguments: [String]) throws(Problem) -> String? {
    try inside { () throws(Problem) in
      let result = try ChildProcess.run(
        ["/bin/sh", "-c", "exec ip \"$@\" 2>/dev/null", "ip"] + arguments,
        environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], input: [], outputLimit: 1 << 20,
        seconds: 10)
      return result.status == 0 ? String(decoding: result.output, as: UTF8.self) : nil
    }
  }

  /// Sets a sysctl inside.
  func set(_ name: String, _ value: String) throws(Problem) {
    try inside { () throws(Problem) in
      try FileDescriptor(opening: "/proc/sys/\(name)", O_WRONLY).write(Array(value.utf8))
    }
  }
}

/// Calls into the system; −1 becomes `lab.system`.
func checked(_ name: String, _ place: String, _ body: () -> Int32) throws(Problem) -> Int32 {
  let result = body()
  guard result != -1 else {
    throw .couldNotRun("lab.system", "\(name): errno \(errno)", place: place)
  }
  return result
}
