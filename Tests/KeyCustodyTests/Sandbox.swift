import Cryptography
import Diagnostics
import Glibc
@testable import KeyCustody
import LinuxKit
import StrictJSON
import Testing
import Wire

/// A folder of our own with mode 0700 that goes away with this value.
final class Sandbox {
  let path = "/tmp/rustynet-custody-\(UInt64.random(in: 0 ... .max))"
  var keyPath: String { "\(path)/release.key" }

  init() throws { try FileSystem.makeFolder(path, mode: 0o700) }

  deinit { try? FileSystem.removeTree(path) }

  /// Writes a file into the folder and returns its path.
  @discardableResult
  func write(_ bytes: [UInt8], as name: String, mode: UInt32 = 0o600) throws -> String {
    try FileSystem.write(bytes, to: "\(path)/\(name)", mode: mode)
    return "\(path)/\(name)"
  }

  func mode(_ mode: UInt32, of path: String) throws { try #require(unsafe chmod(path, mode) == 0) }

  func link(_ target: String, at path: String) throws { try #require(unsafe symlink(target, path) == 0) }
}

/// What the tests share: one key and its file, made once, because Argon2id takes its time by design.
enum Sample {
  static let passphrase = secret("correct horse")
  static let created = Timestamp(seconds: 1_795_363_500) ?? .latest

  /// The cheapest cost that the format allows.
  static var cheap: Argon2id.Cost { get throws { try Argon2id.Cost(passes: 1, memory: 19 << 20) } }

  static let made: Result<(key: Ed25519.SigningKey, file: [UInt8]), any Error> = Result {
    let key = Ed25519.SigningKey()
    let sealed = try SealedKey(
      sealing: key, passphrase: passphrase, created: created,
      label: try SealedKey.Label(comment: "for tests", use: "release"), cost: try cheap)
    return (key, sealed.bytes)
  }

  /// A secret from text, for tests alone.
  static func secret(_ text: String) -> SecretBytes {
    var bytes = Array(text.utf8)
    return SecretBytes(consuming: &bytes)
  }

  /// The text of a secret, for tests alone.
  static func text(_ secret: SecretBytes) -> String {
    unsafe secret.withBytes {
      unsafe String(decoding: UnsafeBufferPointer(start: $0, count: secret.count), as: UTF8.self)
    }
  }
}
