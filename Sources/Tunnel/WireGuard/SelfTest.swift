public import Diagnostics

/// Known answers for everything that a tunnel rests on; run before a socket is opened.
public enum SelfTest {
  /// One problem for each answer that is not what it must be; empty when all is well.
  public static func run() -> [Problem] { fatalError() }
}
