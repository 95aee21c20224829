import ArgumentParser
import Attestation
import Diagnostics
import ForeignSignatures
import LinuxKit
import StrictJSON

/// `rustynet-assure verify minisign`.
struct VerifyMinisign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "minisign", abstract: "Verify what minisign has signed.",
    discussion: """
      Both forms are verified: Ed25519 over the BLAKE2b-512 of the file, and the legacy one over the file itself, of at
      most 1 GiB. The trusted comment is verified too. A minisign signature holds no time that could be trusted.

      Example: rustynet-assure verify minisign --signature notes.minisig --public-key minisign.pub notes
      """)

  @Option(help: "The signature.") var signature: String
  @Option(help: "The public key: a file, or the base 64 itself.") var publicKey: String
  @OptionGroup var format: AnswerOptions
  @Argument(help: "The file that was signed.") var file: String

  func run() throws {
    try format.answer(about: signature) { () throws(Problem) -> Answer in
      let parsed = try Input.parsed(signature, limit: MinisignSignature.sizeLimit) { bytes throws(Problem) in
        try MinisignSignature(parsing: bytes)
      }
      let key = try key()
      let signed = parsed.form == .prehashed ? try SignedFile.blake2b(file) : try SignedFile.bytes(file)
      let checks = parsed.judge(signed, key: key)
      var facts: [(String, JSON)] = [("key", .string(key.name)), ("form", .string(parsed.form.rawValue))]
      // What nobody vouches for is not repeated.
      if checks.outcome == .passed { facts.append(("trustedComment", .string(parsed.trustedComment))) }
      return Answer("\(signature) by the key \(key.name)", place: signature, checks, facts: facts)
    }
  }

  private func key() throws(Problem) -> MinisignKey {
    // 42 bytes in base 64 are 56 characters; a file of that name wins.
    if publicKey.utf8.count == 56, FileSystem.status(publicKey) == nil {
      return try MinisignKey(parsing: Array(publicKey.utf8))
    }
    return try Input.parsed(publicKey, limit: MinisignKey.sizeLimit) { bytes throws(Problem) in
      try MinisignKey(parsing: bytes)
    }
  }
}
