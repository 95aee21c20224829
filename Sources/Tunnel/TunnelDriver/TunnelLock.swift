import Diagnostics
import LinuxKit
import TunnelBackend

/// Keeps two processes from driving one tunnel: a lock for each name in each network namespace, which ends with its
/// process. Only who holds it may sweep away what an earlier process left.
enum TunnelLock {
  static let folder = "/run/rustynet"

  /// Takes the lock of a name in the namespace of the caller. Throws `tunnel.already-running` while another process has it.
  static func take(_ name: String) throws(Problem) -> FileLock {
    try FileSystem.makeFolder(folder, mode: 0o700)
    let namespace = try FileDescriptor(opening: "/proc/thread-self/ns/net", 0).status().serial
    do throws(Problem) { return try FileLock("\(folder)/\(name).\(namespace).lock", seconds: 0) } catch {
      guard error.code == "lock.timeout" else { throw error }
      var problem = TunnelProblem.alreadyRunning
      problem.message = "another process has a tunnel of this name"
      throw problem.at(name)
    }
  }
}
