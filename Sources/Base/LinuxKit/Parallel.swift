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
    var problems: (first: Problem?, second: Problem?) = (nil, nil)
    withoutActuallyEscaping(second) { second in
      let job = Job(second)
      // Safe: the thread takes over the reference that is passed here, and it is joined before this scope ends.
      let reference = unsafe Unmanaged.passRetained(job).toOpaque()
      var thread = pthread_t()
      let isRunning = unsafe pthread_create(&thread, nil, Job.run, reference) == 0
      do throws(Problem) { try first() } catch { problems.first = error }
      if isRunning {
        pthread_join(thread, nil)
      } else {
        _ = unsafe Job.run(reference)
      }
      problems.second = job.problem
      // Nothing may hold the closure when it stops being escapable.
      job.work = nil
    }
    if let problem = problems.first ?? problems.second { throw problem }
  }

  private final class Job {
    var work: (() throws(Problem) -> Void)?
    var problem: Problem?

    init(_ work: @escaping () throws(Problem) -> Void) { self.work = work }

    /// What the thread does; also called directly where no thread can be made.
    static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { reference in
      guard let reference = unsafe reference else { return nil }
      let job = unsafe Unmanaged<Job>.fromOpaque(reference).takeRetainedValue()
      do throws(Problem) { try job.work?() } catch { job.problem = error }
      return nil
    }
  }
}
