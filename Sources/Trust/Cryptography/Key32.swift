import CSodium

/// A secret of thirty-two bytes: a key of the tunnel. Wiped when the last owner drops it; it has no description.
///
/// For keys that come and go by thousands a second: unlike `SecretBytes` it has no guard pages and no locked memory,
/// which would cost four pages and five system calls a key.
/// Safe: the memory is written before the initialiser returns and is never written again.
@safe public final class Key32: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
  /// Thirty-two.
  public static let length = 32
  private let memory: UnsafeMutablePointer<UInt8>

  /// Thirty-two bytes that `body` writes; they are zero before.
  public init(filledBy body: (UnsafeMutablePointer<UInt8>) -> Void) {
    unsafe memory = .allocate(capacity: Self.length)
    unsafe memory.initialize(repeating: 0, count: Self.length)
    unsafe body(memory)
  }

  /// Copies thirty-two bytes; nil for any other count. The caller wipes its own copy.
  public convenience init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.length else { return nil }
    unsafe self.init { memory in
      for index in 0..<Self.length { unsafe memory[index] = bytes[index] }
    }
  }

  deinit {
    unsafe sodium_memzero(memory, Self.length)
    unsafe memory.deallocate()
  }

  /// Lends the bytes; they must not outlive the call in ordinary memory.
  @inlinable public func withBytes<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    unsafe body(pointer)
  }

  @usableFromInline var pointer: UnsafePointer<UInt8> { unsafe UnsafePointer(memory) }

  /// Whether every byte is zero, in constant time.
  public var isZero: Bool { unsafe sodium_is_zero(memory, Self.length) == 1 }

  /// Compares in constant time.
  public func isEqual(to other: Key32) -> Bool { unsafe sodium_memcmp(memory, other.memory, Self.length) == 0 }

  /// Always the same text.
  public var description: String { "REDACTED" }
  /// Shows nothing.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
