import CCrypto
import CSodium
public import Diagnostics
import Wire

/// The hash functions that we compute. Which of them a purpose may use is a matter of `AlgorithmPolicy`.
public enum HashAlgorithm: String, Sendable, CaseIterable {
  case sha256, sha384, sha512

  /// The length of a digest, in bytes.
  public var length: Int {
    switch self {
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }

  var implementation: OpaquePointer? {
    switch self {
    case .sha256: unsafe HashAlgorithm.fetchedSHA256
    case .sha384: unsafe HashAlgorithm.fetchedSHA384
    case .sha512: unsafe HashAlgorithm.fetchedSHA512
    }
  }

  // Looked up once: libcrypto looks `EVP_sha256()` up again for each hash, which costs as much as a short hash.
  // Safe: set once, never freed, and only read.
  nonisolated(unsafe) private static let fetchedSHA256 = unsafe fetch("SHA256")
  nonisolated(unsafe) private static let fetchedSHA384 = unsafe fetch("SHA384")
  nonisolated(unsafe) private static let fetchedSHA512 = unsafe fetch("SHA512")

  private static func fetch(_ name: String) -> OpaquePointer? {
    LibCrypto.ready
    return unsafe EVP_MD_fetch(nil, name, nil)
  }
}

/// A digest with the name of its algorithm; it prints as `sha256:` and lower-case hexadecimal.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  /// The hash function.
  public let algorithm: HashAlgorithm
  /// The digest, as long as the algorithm says.
  public let bytes: [UInt8]

  /// The digest of `bytes`.
  public init(of bytes: [UInt8], _ algorithm: HashAlgorithm = .sha256) {
    var hash = HashFunction(algorithm)
    hash.update(bytes)
    self = hash.finish()
  }

  /// A digest that was computed elsewhere; its length must fit its algorithm.
  public init(_ algorithm: HashAlgorithm, bytes: [UInt8]) throws(Problem) {
    guard bytes.count == algorithm.length else {
      throw .malformed("digest.length", "a \(algorithm.rawValue) digest has \(algorithm.length) bytes")
    }
    self.algorithm = algorithm
    self.bytes = bytes
  }

  /// Reads `sha256:` and 64 lower-case hexadecimal digits, likewise sha384 and sha512.
  public init(_ text: String) throws(Problem) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let algorithm = HashAlgorithm.allCases.first(where: { $0.rawValue == parts[0] }) else {
      throw .malformed("digest.format", "“\(text.prefix(80))” is not a digest", hint: "write sha256:HEX")
    }
    self = try Digest(algorithm, bytes: try Hex.decode(String(parts[1])))
  }

  /// The digest in lower-case hexadecimal, without the algorithm.
  public var hex: String { Hex.encode(bytes) }

  /// `sha256:` and the digest in lower-case hexadecimal.
  public var description: String { "\(algorithm.rawValue):\(hex)" }
}

/// An incremental hash: over libcrypto's EVP interface, and for short messages by libsodium as long as nothing else has
/// needed libcrypto.
///
/// To start libcrypto and look a function of it up costs as much as to hash a megabyte; a program that only names keys by
/// their digests never needs to. Both give the same digests, which a test compares at lengths around every border.
///
/// Safe: the context is made, used and freed by this value alone.
@safe public struct HashFunction: ~Copyable {
  private let algorithm: HashAlgorithm
  /// Messages of at most so many bytes are short.
  private let shortLimit: Int
  /// The message, as long as it is short.
  private var message: [UInt8] = []
  /// Set as soon as it is not.
  private var context: OpaquePointer?

  /// Starts a hash.
  public init(_ algorithm: HashAlgorithm = .sha256) {
    self.init(algorithm, shortLimit: LibCrypto.isInUse ? -1 : 2048)
  }

  init(_ algorithm: HashAlgorithm, shortLimit: Int) {
    self.algorithm = algorithm
    self.shortLimit = shortLimit
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Adds bytes.
  public mutating func update(_ bytes: [UInt8]) {
    // Safe: bytes have no padding that could be uninitialised.
    update(unsafe bytes.span.bytes)
  }

  /// Adds bytes.
  public mutating func update(_ bytes: RawSpan) {
    if unsafe context == nil {
      guard message.count + bytes.byteCount > shortLimit else {
        unsafe bytes.withUnsafeBytes { unsafe message.append(contentsOf: $0) }
        return
      }
      start()
    }
    // Safe: the span is alive for the call, and libcrypto reads `count` bytes of it.
    _ = unsafe bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
  }

  /// Goes on with libcrypto, which gets what was kept so far.
  private mutating func start() {
    LibCrypto.ready
    guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, algorithm.implementation, nil) == 1,
      unsafe EVP_DigestUpdate(context, message, message.count) == 1
    else { fatalError("libcrypto has no memory or no \(algorithm.rawValue)") }
    unsafe self.context = context
    message = []
  }

  /// The digest of everything added.
  public consuming func finish() -> Digest {
    var output = [UInt8](repeating: 0, count: algorithm.length)
    if unsafe context == nil, !HashFunction.short(message, algorithm, into: &output) { start() }
    if unsafe context != nil { _ = unsafe EVP_DigestFinal_ex(context, &output, nil) }
    guard let digest = try? Digest(algorithm, bytes: output) else { fatalError("libcrypto returned a short digest") }
    return digest
  }

  /// The digest of a short message; false where libsodium does not have the algorithm.
  private static func short(_ message: [UInt8], _ algorithm: HashAlgorithm, into output: inout [UInt8]) -> Bool {
    Sodium.ready
    // Safe: the output is as long as the algorithm says, the input as long as it is.
    switch algorithm {
    case .sha256: _ = unsafe crypto_hash_sha256(&output, message, UInt64(message.count))
    case .sha512: _ = unsafe crypto_hash_sha512(&output, message, UInt64(message.count))
    case .sha384: return false
    }
    return true
  }
}
