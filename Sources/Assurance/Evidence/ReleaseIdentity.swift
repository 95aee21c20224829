public import Attestation
public import Cryptography
public import TransparencyLog

/// With what a release is signed: the key of the run, its trust file, and its ledger.
public struct ReleaseIdentity: Sendable {
  /// Signs records, provenance, verdict and pack.
  public let key: any Signer
  /// The signed trust file.
  public let trustEnvelope: Envelope
  /// The trust file.
  public let trust: TrustFile
  /// Signs the ledger's checkpoints, under the ledger's origin.
  public let log: NoteSigner
  /// The folder of the ledger.
  public let ledger: String

  /// An identity whose parts belong together.
  public init(
    key: any Signer, trustEnvelope: Envelope, trust: TrustFile, log: NoteSigner, ledger: String
  ) {
    self.key = key
    self.trustEnvelope = trustEnvelope
    self.trust = trust
    self.log = log
    self.ledger = ledger
  }
}
