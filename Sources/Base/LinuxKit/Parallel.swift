public import Diagnostics
import Glibc

/// Two pieces of work at the same time, where one of them mostly waits for the disk.
public enum Parallel {
  /// Runs `second` on a thread of its own and `first` on this one; returns when both have ended.
  ///
  /// The two must not touch the same variables. The problem of `first` is thrown before that of `second`.
  public static func run(
    _ first: () throws(Problem) -> Void, _ second: () throws(Problem) -> Void
  ) throws(Problem) {
    try run(beside: second) { (_) throws(Problem) in try first() }
  }

  /// Runs `work` on a thread of its own and `body` on this one; returns when both have ended.
  ///
  /// `body` may wait for the work in its midst: `finish` returns when it has ended, and throws its problem. Before that
  /// the two must not touch the same variables. The problem of `body` is thrown before that of `work`.
  public static func run(
    beside work: () throws(Problem) -> Void, _ body: (Work) throws(Problem) -> Void
  ) throws(Problem) {
    var problems: (body: Problem?, work: Problem?) = (nil, nil)
    withoutActuallyEscaping(work) { work in
      let job = Work(work)
      do throws(Problem) { try body(job) } catch { problems.body = error }
      do throws(Problem) { try job.finish() } catch { problems.work = error }
    }
    if let problem = problems.body ?? problems.work { throw problem }
  }

  /// Work on a thread of its own.
  public final class Work {
    private var work: (() throws(Problem) -> Void)?
    private var problem: Problem?
    private var thread: pthread_t?

    init(_ work: @escaping () throws(Problem) -> Void) {
      self.work = work
      // Safe: the thread takes over the reference that is passed here, and `finish` joins it before this scope ends.
      let reference = unsafe Unmanaged.passRetained(self).toOpaque()
      var thread = pthread_t()
      if unsafe pthread_create(&thread, nil, Work.run, reference) == 0 {
        self.thread = thread
      } else {
        _ = unsafe Work.run(reference)
      }
    }

    /// Returns when the work has ended; throws its problem, each time.
    public func finish() throws(Problem) {
      if let thread { pthread_join(thread, nil) }
      thread = nil
      // Nothing may hold the closure when it stops being escapable.
      work = nil
      if let problem { throw problem }
    }

    /// What the thread does; also called directly where no thread can be made.
    private static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { reference in
      guard let reference = unsafe reference else { return nil }
      let job = unsafe Unmanaged<Work>.fromOpaque(reference).takeRetainedValue()
      do throws(Problem) { try job.work?() } catch { job.problem = error }
      return nil
    }
  }
}
