import Attestation
import Cryptography
import Diagnostics
import Evidence
import KeyCustody
import LinuxKit
import StrictJSON
import TransparencyLog
import Wire

/// The key, trust file and ledger of the preview profile, in the user's state folder.
///
/// The passphrase lies beside the key, readable by its owner: this is no protection and is not meant to be one. The
/// key says `use: preview`, so that nothing it signs can pass for a release (documents/threat-model.md).
enum PreviewIdentity {
  private static let principal = "builder"
  private static let days: Int64 = 90

  /// Loads the identity, making it on first use and anew when it has expired.
  static func load() throws(Problem) -> ReleaseIdentity {
    let folder = try stateFolder() + "/preview"
    try FileSystem.makeFolder(folder, mode: 0o700)
    // Two runs at once must not make two keys.
    let lock = try FileLock("\(folder)/lock")
    defer { withExtendedLifetime(lock) {} }
    if let identity = try read(folder) { return identity }
    try create(folder)
    guard let identity = try read(folder) else {
      throw .couldNotRun("preview.identity", "the preview key could not be made", place: folder)
    }
    return identity
  }

  /// The identity with another signer of measurements, verdict and pack, such as a key on a token.
  ///
  /// Its trust file is made for this run and signed by the preview key, which stays its root and signs the ledger.
  static func load(signingWith signer: any Signer) throws(Problem) -> ReleaseIdentity {
    let own = try load()
    let now = Host.now()
    let root = RoleRule(threshold: 1, principals: [principal])
    let rule = RoleRule(threshold: 1, principals: ["signer"])
    let trusted = TrustedKey(
      key: signer.verificationKey, validFrom: now, validUntil: own.trust.expires, use: .preview,
      custody: KeyAttestation(of: signer, at: now).custody)
    let trust = try TrustFile(
      version: 1, issued: now, expires: own.trust.expires, profile: .preview,
      principals: own.trust.principals + [Principal(name: "signer", keys: [trusted])],
      roles: [.root: root, .log: root, .builder: rule, .verifier: rule])
    let envelope = try Envelope(
      payloadType: TrustFile.payloadType, payload: trust.json.canonical, signedBy: [own.key])
    return ReleaseIdentity(key: signer, trustEnvelope: envelope, trust: trust, log: own.log, ledger: own.ledger)
  }

  private static func stateFolder() throws(Problem) -> String {
    if let state = Host.environment("XDG_STATE_HOME"), state.hasPrefix("/") { return "\(state)/rustynet" }
    guard let home = Host.environment("HOME"), home.hasPrefix("/") else {
      throw .refused("preview.home", "neither HOME nor XDG_STATE_HOME names a folder for the preview key")
    }
    return "\(home)/.local/state/rustynet"
  }

  /// The identity in `folder`; nil where there is none or it is valid no longer.
  private static func read(_ folder: String) throws(Problem) -> ReleaseIdentity? {
    let trustPath = "\(folder)/trust.json"
    // The trust file is written last: without it the rest is a run that was cut short.
    guard FileSystem.status(trustPath) != nil else { return nil }
    let envelope: Envelope
    let trust: TrustFile
    do throws(Problem) {
      envelope = try Envelope(parsing: try FileSystem.read(trustPath, limit: 1 << 20, links: .refused))
      trust = try TrustFile(parsing: envelope.payload)
    } catch { throw error.at(trustPath) }
    guard Host.now().adding(seconds: 86_400) < trust.expires else { return nil }
    let passphrase = try PassphraseSource.file("\(folder)/passphrase").read()
    let key = try KeyFile.load(path: "\(folder)/key.json", passphrase: passphrase)
    return ReleaseIdentity(
      key: key, trustEnvelope: envelope, trust: trust,
      log: try NoteSigner(name: "preview/\(key.publicKey.id)", signingKey: key),
      ledger: "\(folder)/ledger-\(key.publicKey.id.dropFirst(8))")
  }

  private static func create(_ folder: String) throws(Problem) {
    for name in ["trust.json", "key.json", "passphrase"] { try FileSystem.remove("\(folder)/\(name)") }
    let secret = Hex.encode(Randomness.bytes(32))
    try FileSystem.write(Array(secret.utf8) + [0x0a], to: "\(folder)/passphrase", mode: 0o600)
    let passphrase = try PassphraseSource.file("\(folder)/passphrase").read()
    let key = Ed25519.SigningKey()
    let now = Host.now()
    try KeyFile.create(
      path: "\(folder)/key.json", key: key, passphrase: passphrase, created: now,
      label: SealedKey.Label(comment: nil, use: "preview"))
    let until = now.adding(seconds: days * 86_400)
    let rule = RoleRule(threshold: 1, principals: [principal])
    let trusted = TrustedKey(key: key.publicKey, validFrom: now, validUntil: until, use: .preview)
    let trust = try TrustFile(
      version: 1, issued: now, expires: until, profile: .preview,
      principals: [Principal(name: principal, keys: [trusted])],
      roles: [.root: rule, .builder: rule, .verifier: rule, .log: rule])
    let envelope = Envelope(payloadType: TrustFile.payloadType, payload: trust.json.canonical, signedBy: [key])
    try FileSystem.write(envelope.encoded, to: "\(folder)/trust.json")
  }
}
