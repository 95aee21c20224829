public import Diagnostics
import WireGuard

/// The known-answer tests that run before a socket is opened.
public enum SelfTests {
  /// Throws `tunnel.self-test` with the first thing that is not as it should be.
  public static func run() throws(Problem) {
    if let problem = SelfTest.run().first { throw problem }
  }
}
