public import Cryptography
public import Diagnostics

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

  /// The digest by this algorithm, nil where it is not known.
  public func digest(_ algorithm: HashAlgorithm) -> Digest? { digests.first { $0.algorithm == algorithm } }
}
