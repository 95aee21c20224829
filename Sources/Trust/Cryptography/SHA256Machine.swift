import CCrypto

/// SHA-256 for very many short messages: one context that is used again and again.
///
/// A Merkle tree hashes two short messages for each entry; making a context for each would cost more than hashing.
/// Safe: the context and the function are made, used and freed by this object alone, and it is not `Sendable`.
@safe public final class SHA256Machine {
  /// A digest as four words in the order of its bytes in memory, so that it needs no allocation.
  public typealias Words = (UInt64, UInt64, UInt64, UInt64)

  private let context: OpaquePointer
  private let function: OpaquePointer

  /// Makes a machine; the process ends when libcrypto has no SHA-256, because nothing can be proved then.
  public init() {
    LibCrypto.ready
    guard let function = unsafe EVP_MD_fetch(nil, "SHA256", nil), let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex2(context, function, nil) == 1
    else { fatalError("libcrypto has no memory or no SHA-256") }
    unsafe self.context = context
    unsafe self.function = function
  }

  deinit {
    unsafe EVP_MD_CTX_free(context)
    unsafe EVP_MD_free(function)
  }

  /// The digest of the byte `prefix` followed by `message`.
  public func digest(prefix: UInt8, _ message: RawSpan) -> Words {
    var first = prefix
    var words: Words = (0, 0, 0, 0)
    // Safe: every pointer lives for its call, the digest has 32 bytes as `words` has.
    unsafe EVP_DigestInit_ex2(context, nil, nil)
    unsafe EVP_DigestUpdate(context, &first, 1)
    _ = unsafe message.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    return finish(&words)
  }

  /// The digest of the byte `prefix` followed by two digests.
  public func digest(prefix: UInt8, _ left: Words, _ right: Words) -> Words {
    var first = prefix
    var message = (left, right)
    var words: Words = (0, 0, 0, 0)
    // Safe: as above; two tuples of four words are 64 bytes without a gap.
    unsafe EVP_DigestInit_ex2(context, nil, nil)
    unsafe EVP_DigestUpdate(context, &first, 1)
    unsafe EVP_DigestUpdate(context, &message, 64)
    return finish(&words)
  }

  private func finish(_ words: inout Words) -> Words {
    let done = unsafe withUnsafeMutableBytes(of: &words) { output in
      unsafe EVP_DigestFinal_ex(context, output.assumingMemoryBound(to: UInt8.self).baseAddress, nil)
    }
    guard done == 1 else { fatalError("libcrypto could not finish a digest") }
    return words
  }
}
