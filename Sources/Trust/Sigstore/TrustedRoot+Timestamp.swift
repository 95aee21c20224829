import Diagnostics
import Wire

extension TrustedRoot {
  /// When an authority of this root saw `signature`, by its time-stamp token.
  func requireTimestamp(_ token: [UInt8], over signature: [UInt8]) throws(Problem) -> Timestamp {
    throw .couldNotRun("timestamp.unsupported", "time-stamp tokens are not judged yet")
  }
}
