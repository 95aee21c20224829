import CLinux
public import Diagnostics
import Glibc

/// A process that goes on in the background while its parent waits until it is ready.
public struct Readiness {
  private let descriptor: Int32

  /// Forks; call it before the first thread. The parent never returns: it ends with the child's verdict, 0 or the exit
  /// code of its problem, which the child has reported. Nothing that was inherited stays open but input, output and
  /// errors: a lock of flock(1) around the command would be held for as long as the interface lives.
  public static func fork() throws(Problem) -> Readiness {
    cl_close_from(3)
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw .couldNotRun("tunnel.internal", "no descriptors are left") }
    let child = cl_fork()
    guard child >= 0 else { throw .couldNotRun("tunnel.internal", "no process can be made") }
    if child > 0 {
      _ = close(ends[1])
      var code: UInt8 = 0
      // Safe: one octet. Nothing at all means that the child died without a word.
      let got = unsafe read(ends[0], &code, 1)
      exit(got == 1 ? Int32(code) : ExitCode.couldNotRun.rawValue)
    }
    _ = close(ends[0])
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    _ = setsid()
    return Readiness(descriptor: ends[1])
  }

  /// The device answers: the parent ends with 0, and the child lets go of terminal and folder.
  public func succeed() {
    let null = unsafe open("/dev/null", O_RDWR)
    if null >= 0 {
      for standard in Int32(0)...2 { _ = dup2(null, standard) }
      if null > 2 { _ = close(null) }
    }
    _ = unsafe chdir("/")
    tell(0)
  }

  /// The device does not come up.
  public func fail(_ problem: Problem) { tell(UInt8(problem.kind.exitCode.rawValue)) }

  private func tell(_ code: UInt8) {
    var code = code
    // Safe: one octet. A parent that is gone needs no answer.
    _ = unsafe write(descriptor, &code, 1)
    _ = close(descriptor)
  }
}
