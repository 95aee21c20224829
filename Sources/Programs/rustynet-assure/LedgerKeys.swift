import Cryptography
import Diagnostics
import LinuxKit
import Wire

/// Loads the signing key of a ledger.
///
/// Placeholder until `KeyCustody` lands: a file with the 32-byte seed as 64 lower-case hexadecimal digits.
func loadSigningKey(_ path: String) throws(Problem) -> Ed25519.SigningKey {
  let bytes = try FileSystem.read(path, limit: 65)
  let digits = String(decoding: bytes.last == 0x0a ? bytes.dropLast() : bytes[...], as: UTF8.self)
  do {
    var seed = try Hex.decode(digits)
    return try Ed25519.SigningKey(seed: SecretBytes(consuming: &seed))
  } catch { throw error.at(path) }
}
