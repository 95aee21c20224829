import CCrypto
import Synchronization

/// libcrypto, initialised once before its first use, without the machine's `openssl.cnf`.
///
/// A configuration file, which the environment may name, could load a module of somebody else into the process or
/// change what a signature is; an answer must be the same on every machine.
package enum LibCrypto {
  /// Touch it before any other function of libcrypto; it is thread-safe and costs nothing the second time.
  package static let ready: Void = {
    guard OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil) == 1 else {
      fatalError("libcrypto cannot be initialised")
    }
    used.store(true, ordering: .relaxed)
  }()

  private static let used = Atomic<Bool>(false)

  /// Whether somebody has touched `ready`.
  static var isInUse: Bool { used.load(ordering: .relaxed) }

  /// A constant of the program as C sees it, for a parameter that keeps its name's address: a string of Swift would be
  /// gone after the call. Safe: a literal ends with a zero byte and lives as long as the program.
  package static func constant(_ text: StaticString) -> UnsafePointer<CChar> {
    unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
  }
}
