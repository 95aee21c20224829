import CSodium

/// libsodium, initialised once before its first use.
enum Sodium {
  /// Call it before any other function of libsodium; it is thread-safe and costs nothing the second time.
  static let ready: Void = {
    guard sodium_init() >= 0 else { fatalError("libsodium cannot be initialised") }
  }()
}

/// Random bytes from the operating system, through libsodium.
public enum Randomness {
  /// `count` bytes for keys, salts and nonces.
  public static func bytes(_ count: Int) -> [UInt8] {
    Sodium.ready
    var bytes = [UInt8](repeating: 0, count: count)
    unsafe randombytes_buf(&bytes, bytes.count)
    return bytes
  }
}

/// Bytes that must not leak: in guarded memory of libsodium (locked, left out of core dumps), wiped when dropped.
///
/// It has no description and no mirror, so that it cannot be printed, logged or encoded by accident (R8).
/// Safe: the memory is written before the initialiser returns, read-only afterwards, and freed with the value.
@safe public final class SecretBytes: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
  private let memory: UnsafeMutablePointer<UInt8>
  /// The length in bytes.
  public let count: Int

  /// `count` zero bytes, to be filled by `body`; afterwards the memory is read-only.
  public init<Failure: Error>(
    count: Int, filledBy body: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    Sodium.ready
    let size = max(count, 1)
    guard let memory = unsafe sodium_malloc(size) else { fatalError("no guarded memory is left") }
    unsafe sodium_memzero(memory, size)
    unsafe self.memory = memory.assumingMemoryBound(to: UInt8.self)
    self.count = count
    try unsafe body(self.memory)
    _ = unsafe sodium_mprotect_readonly(memory)
  }

  /// Takes the bytes over and wipes the array that held them.
  public convenience init(consuming bytes: inout [UInt8]) {
    let count = bytes.count
    unsafe self.init(count: count) { memory in
      for index in 0..<count { unsafe memory[index] = bytes[index] }
    }
    unsafe sodium_memzero(&bytes, count)
    bytes = []
  }

  deinit {
    // sodium_free makes the memory writable, wipes it and checks its guards.
    unsafe sodium_free(memory)
  }

  /// Lends the bytes to `body`; they must not be copied to ordinary memory that outlives the call.
  public func withBytes<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    unsafe body(UnsafePointer(memory))
  }

  /// Always the same text.
  public var description: String { "REDACTED" }
  /// Shows nothing.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
