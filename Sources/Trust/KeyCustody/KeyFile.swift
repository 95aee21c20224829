public import Cryptography
public import Diagnostics
import LinuxKit
public import Wire

/// Signing keys on the disk, each sealed under a passphrase (P1-13).
///
/// Every call first judges the folder (exactly 0700) and the file (exactly 0600), both owned by the effective user and
/// no symbolic links, and refuses with a `custody.…` code.
public enum KeyFile {
  private static let mode: UInt32 = 0o600

  /// The key of a file. A wrong passphrase is `sealed-key.passphrase` (78).
  public static func load(path: String, passphrase: SecretBytes) throws(Problem) -> Ed25519.SigningKey {
    let sealed = try inspect(path: path)
    do { return try sealed.unseal(passphrase: passphrase) } catch { throw error.at(path) }
  }

  /// The public half that a file states.
  ///
  /// Not authentic: without the passphrase nobody can tell whether the file was changed. The custody rules are what
  /// speaks for it. To trust it more than the file's owner, take the public key of `load`.
  public static func publicKey(path: String) throws(Problem) -> Ed25519.PublicKey {
    try inspect(path: path).publicKey
  }

  /// What a file states about its key; not authentic, as for `publicKey(path:)`.
  public static func inspect(path: String) throws(Problem) -> SealedKey {
    try Custody.checkFolder(of: path)
    let bytes = try Custody.open(path, modes: [mode]).readAll(limit: SealedKey.sizeLimit)
    do { return try SealedKey(parsing: bytes) } catch { throw error.at(path) }
  }

  /// Whether a sealed key stands at `path`, however badly it is kept: for those who are about to write there.
  public static func isSealedKey(path: String) -> Bool {
    guard let bytes = try? FileSystem.read(path, limit: SealedKey.sizeLimit, links: .refused) else { return false }
    return (try? SealedKey(parsing: bytes)) != nil
  }

  /// Seals `key` into a new file; `file.exists` when there is one. On the disk when the call returns.
  public static func create(
    path: String, key: Ed25519.SigningKey, passphrase: SecretBytes, created: Timestamp,
    label: SealedKey.Label = .none, cost: Argon2id.Cost = .standard
  ) throws(Problem) {
    try Custody.checkFolder(of: path)
    guard FileSystem.status(path) == nil else {
      // Before the work of Argon2id; `FileSystem.create` decides again, without a race.
      throw .malformed("file.exists", "the file is there already", place: path, hint: "a key is never overwritten")
    }
    let sealed = try SealedKey(sealing: key, passphrase: passphrase, created: created, label: label, cost: cost)
    try FileSystem.create(sealed.bytes, at: path, mode: mode)
  }

  /// Seals the key of a file under another passphrase; salt and nonce are new, key, time and label stay.
  ///
  /// After a power cut at any point the file opens with the old passphrase or with the new one.
  public static func changePassphrase(
    path: String, from old: SecretBytes, to new: SecretBytes, cost: Argon2id.Cost = .standard
  ) throws(Problem) {
    let sealed = try inspect(path: path)
    let key: Ed25519.SigningKey
    do { key = try sealed.unseal(passphrase: old) } catch { throw error.at(path) }
    let changed = try SealedKey(
      sealing: key, passphrase: new, created: sealed.created, label: sealed.label, cost: cost)
    try FileSystem.write(changed.bytes, to: path, mode: mode)
  }

  /// Makes the folder of a new key file with mode 0700 where it is missing; one that is there stays as it is.
  public static func makeFolder(of path: String) throws(Problem) {
    try FileSystem.makeFolder(Path.folder(of: path), mode: 0o700)
  }
}
