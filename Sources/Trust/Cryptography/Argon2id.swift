import CSodium
public import Diagnostics

/// Argon2id (RFC 9106) by libsodium: keys from passphrases.
public enum Argon2id {
  /// The length of a salt, in bytes.
  public static let saltLength = 16

  /// How much work one guess costs.
  public struct Cost: Sendable, Equatable {
    /// Passes over the memory.
    public let passes: Int
    /// Bytes of memory.
    public let memory: Int

    /// A cost from 1 to 10 passes and from 19 MiB to 256 MiB; refused outside (P1-13).
    ///
    /// The lower bound keeps a guess expensive (19 MiB is the least of OWASP's recommendations), the upper one keeps a
    /// foreign file from taking the machine's memory or time.
    public init(passes: Int, memory: Int) throws(Problem) {
      guard (1...10).contains(passes), ((19 << 20)...(256 << 20)).contains(memory) else {
        throw .refused(
          "argon2id.cost", "an Argon2id cost of \(passes) passes over \(memory) bytes is out of bounds",
          source: "P1-13", hint: "1 to 10 passes, 19 MiB to 256 MiB")
      }
      self.init(unchecked: passes, memory: memory)
    }

    private init(unchecked passes: Int, memory: Int) {
      self.passes = passes
      self.memory = memory
    }

    /// 4 passes over 32 MiB: a verb that unseals a key stays below 64 MiB of resident memory.
    public static let standard = Cost(unchecked: 4, memory: 32 << 20)
  }

  /// A key of `length` bytes from a passphrase.
  public static func derive(
    _ length: Int, from passphrase: SecretBytes, salt: [UInt8], cost: Cost
  ) throws(Problem) -> SecretBytes {
    Sodium.ready
    guard salt.count == saltLength else {
      throw .malformed("argon2id.salt", "an Argon2id salt has \(saltLength) bytes, not \(salt.count)")
    }
    // Safe: each length is that of its buffer, and the output is read-only once the closure returned.
    return try unsafe SecretBytes(count: length) { output throws(Problem) in
      let result = unsafe passphrase.withBytes { text in
        unsafe text.withMemoryRebound(to: CChar.self, capacity: passphrase.count) {
          unsafe crypto_pwhash(
            output, UInt64(length), $0, UInt64(passphrase.count), salt, UInt64(cost.passes), cost.memory,
            crypto_pwhash_ALG_ARGON2ID13)
        }
      }
      guard result == 0 else {
        throw .couldNotRun("argon2id.memory", "there is no memory for Argon2id", hint: "free \(cost.memory >> 20) MiB")
      }
    }
  }
}
