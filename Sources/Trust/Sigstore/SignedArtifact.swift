import Attestation
public import Cryptography
public import Diagnostics
import X509

/// What a bundle is said to be about: a file, or a digest where the file is not at hand.
public struct SignedArtifact: Sendable {
  /// How people call it.
  public let name: String
  /// Its digests; one where only that was given.
  public let digests: [Digest]
  /// Reads the whole file; nil where only a digest was given. Some signatures need every byte (Ed25519).
  public let read: (@Sendable () throws(Problem) -> [UInt8])?

  /// An artifact.
  public init(name: String, digests: [Digest], read: (@Sendable () throws(Problem) -> [UInt8])? = nil) {
    self.name = name
    self.digests = digests
    self.read = read
  }

  /// The artifact in these bytes.
  public init(name: String, bytes: [UInt8]) {
    self.init(name: name, digests: HashAlgorithm.allCases.map { Digest(of: bytes, $0) }) { () throws(Problem) in bytes }
  }

  /// The digest by this algorithm, nil where it is not known.
  public func digest(_ algorithm: HashAlgorithm) -> Digest? { digests.first { $0.algorithm == algorithm } }
}

extension SigstoreBundle {
  /// Which digests of an artifact are compared when this bundle is judged about it; a large file is then hashed by these
  /// alone. What is not needed may be here, what is needed is.
  public var hashes: Set<HashAlgorithm> {
    switch (content, material) {
    case (.message(_, let stated), .certificate(let certificate, _)):
      // Their usual signatures are over SHA-256; other kinds of keys sign by others, or all of the file.
      switch certificate.publicKey.kind {
      case .ecdsaP256, .rsa:
        let logged = entries.compactMap { (try? LoggedSignature($0))?.messageHash }
        return Set([.sha256] + (stated.map { [$0.algorithm] } ?? []) + logged)
      case .ecdsaP384, .ed25519: return Set(HashAlgorithm.allCases)
      }
    case (.message, .publicKey): return Set(HashAlgorithm.allCases)
    case (.envelope(let envelope), _):
      // Nothing is decided by what nobody has verified yet, but for what to hash.
      let statement = try? Statement(parsing: envelope.payload, allowsIdentifiersOnly: true)
      return Set([.sha256] + (statement?.subjects.flatMap { $0.digests.map(\.algorithm) } ?? []))
    }
  }
}
