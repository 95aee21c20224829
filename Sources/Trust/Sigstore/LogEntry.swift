import Diagnostics
import StrictJSON
public import TransparencyLog
public import Wire

/// An entry of a Rekor transparency log as a bundle carries it (sigstore_rekor.proto, TransparencyLogEntry).
public struct LogEntry: Sendable {
  /// A Merkle proof with the log's signed statement about its tree.
  public struct Proof: Sendable {
    /// The place of the entry in its tree; not the index over all trees of the log.
    public let index: Int
    /// How many entries the tree has.
    public let size: Int
    /// The root of the tree.
    public let root: LogHash
    /// The neighbours, from the leaf to the root.
    public let hashes: [LogHash]
    /// The checkpoint, byte for byte.
    public let checkpoint: [UInt8]
  }

  /// The index over all trees of the log.
  public let index: Int
  /// SHA-256 over the log's key, or over its name and key.
  public let logID: [UInt8]
  /// The kind of the entry, such as `hashedrekord`, and its version.
  public let kind: String
  /// The version of the kind.
  public let kindVersion: String
  /// When the log says that it took the entry; means nothing without the promise that covers it. Nil in Rekor 2.
  public let integratedTime: Timestamp?
  /// The log's signature over time, index and body; nil in Rekor 2.
  public let promise: [UInt8]?
  /// The proof that the entry is in the log.
  public let proof: Proof?
  /// The entry, byte for byte as the log hashed it.
  public let body: [UInt8]

  init(_ reader: JSONReader, _ version: SigstoreBundle.Version) throws(Problem) {
    index = try reader.countOrZero("logIndex")
    logID = try reader.member("logId").member("keyId").bytes(atMost: 32)
    let kind = try reader.member("kindVersion")
    self.kind = try kind.member("kind").token(atMost: 64)
    kindVersion = try kind.member("version").token(atMost: 64)
    let seconds = try reader.countOrZero("integratedTime")
    guard let time = Timestamp(seconds: Int64(seconds)) else {
      throw reader.problem("log.time", "the integrated time cannot be")
    }
    integratedTime = seconds == 0 ? nil : time
    promise = try reader.present("inclusionPromise")?.member("signedEntryTimestamp").bytes(atMost: 1024)
    proof = try LogEntry.proof(reader, version)
    body = try reader.member("canonicalizedBody").bytes(atMost: 24 << 20)
    switch version {
    case .v01:
      guard promise != nil else {
        throw reader.problem(
          "log.promise", "an entry in a bundle of version 0.1 needs the log's promise",
          source: "protobuf-specs, sigstore_bundle.proto")
      }
    case .v02, .v03:
      guard proof != nil else {
        throw reader.problem(
          "log.proof", "an entry in a bundle of version \(version.rawValue) needs a proof of inclusion",
          source: "protobuf-specs, sigstore_bundle.proto")
      }
    }
  }

  /// The proof; in version 0.1 a proof without a checkpoint is none: nobody signed its root, and the promise counts
  /// alone. Clients of 2023 wrote such bundles.
  private static func proof(_ reader: JSONReader, _ version: SigstoreBundle.Version) throws(Problem) -> Proof? {
    guard let proof = try reader.present("inclusionProof") else { return nil }
    let checkpoint = try proof.present("checkpoint")?.present("envelope")?.text(atMost: SignedNote.sizeLimit)
    guard version > .v01 || checkpoint?.isEmpty == false else { return nil }
    return try Proof(proof)
  }
}

extension LogEntry.Proof {
  init(_ reader: JSONReader) throws(Problem) {
    index = try reader.countOrZero("logIndex")
    size = try reader.countOrZero("treeSize")
    do throws(Problem) { root = try LogHash(try reader.member("rootHash").bytes(atMost: 32)) } catch {
      throw reader.located(error)
    }
    var hashes: [LogHash] = []
    for hash in try reader.list("hashes", atMost: 64) {
      do throws(Problem) { hashes.append(try LogHash(try hash.bytes(atMost: 32))) } catch { throw hash.located(error) }
    }
    self.hashes = hashes
    let envelope = try reader.member("checkpoint").member("envelope")
    checkpoint = Array(try envelope.text(atMost: SignedNote.sizeLimit).utf8)
  }
}
