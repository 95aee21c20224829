import Diagnostics
import Glibc

@_silgen_name("unshare") private func moveToNewNamespaces(_ flags: Int32) -> Int32
@_silgen_name("setns") private func moveToNamespace(_ descriptor: Int32, _ kind: Int32) -> Int32

/// Whether this process may make network namespaces.
let mayMakeNamespaces = geteuid() == 0

/// Runs `body` in a network namespace of its own, which goes away with everything in it.
///
/// The calling thread alone moves, and back again: `body` must not change threads.
func inNewNamespace(_ body: () throws -> Void) throws {
  let newNetwork: Int32 = 0x4000_0000  // CLONE_NEWNET of <sched.h>
  let home = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
  guard home >= 0, moveToNewNamespaces(newNetwork) == 0 else {
    throw Problem.couldNotRun("test.namespace", "a network namespace cannot be made")
  }
  defer {
    precondition(moveToNamespace(home, newNetwork) == 0, "the thread cannot go home")
    close(home)
  }
  try body()
}
