import Diagnostics
import Glibc
import LinuxKit

/// Goes on in a process namespace of its own, so that daemons that were started die with this program however it ends,
/// and with a folder of sockets of its own, which vanishes too.
enum OwnProcesses {
  private static let mark = "RUSTYNET_OWN_PROCESSES"

  /// Replaces this program by itself inside; returns at once when it is inside already. Only for root.
  static func enter() throws(Problem) {
    guard Host.environment(mark) == nil else { return }
    let shell = "mkdir -p -m 0700 /run/wireguard && mount -t tmpfs -o mode=0700 tmpfs /run/wireguard && exec \"$@\""
    // The link would lead to the program of whoever asks: its text is what is run.
    let program = try FileSystem.resolve("/proc/self/exe")
    let arguments =
      [
        "/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", "-c", shell, "sh",
        program,
      ]
      + CommandLine.arguments.dropFirst()
    _ = unsafe setenv(mark, "1", 1)
    // Safe: the copies end with a null pointer and are never given back, since the program is replaced.
    var copies = unsafe arguments.map { unsafe strdup($0) }
    unsafe copies.append(nil)
    if let path = unsafe copies[0] { unsafe execv(path, copies) }
    throw .couldNotRun("lab.system", "unshare cannot be run: errno \(errno)")
  }
}
