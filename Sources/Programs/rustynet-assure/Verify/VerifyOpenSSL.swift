public import ArgumentParser
import Attestation
public import Cryptography
import Diagnostics
import ForeignSignatures
import LinuxKit
import StrictJSON
import Wire

/// `rustynet-assure verify openssl`.
struct VerifyOpenSSL: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "openssl", abstract: "Verify a bare signature, such as openssl dgst -sign makes.",
    discussion: """
      The signature says nothing of how it was made: --algorithm says it, and nothing is guessed. RSA-PSS has a salt as
      long as the digest; ECDSA signatures are DER; Ed25519 signs the file itself, of at most 1 GiB.

      Example: rustynet-assure verify openssl --signature notes.sig --key key.pem --algorithm rsa-pss-sha256 notes
      """)

  @Option(help: "The signature, binary.") var signature: String
  @Option(help: "The public key: a PEM file with one PUBLIC KEY block.") var key: String
  @Option(help: "How the signature was made.") var algorithm: SignatureAlgorithm
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "The file that was signed, or its digest.") var file: String

  func run() throws {
    try format.answer(about: signature) { () throws(Problem) -> Answer in
      let time = try time.time()
      let parsed = try Input.parsed(signature, limit: DetachedSignature.sizeLimit) { bytes throws(Problem) in
        try DetachedSignature(bytes)
      }
      let key = try Input.foreignKey(key)
      let signed: DetachedSignature.Signed =
        if let hash = algorithm.hash { .digest(try SignedFile.digest(file, hash)) } else {
          .message(try SignedFile.bytes(file))
        }
      return Answer(
        "\(signature) by a key of the sort \(key.kind.name) as of \(time)", place: signature,
        parsed.judge(signed, key: key, algorithm, policy: try AlgorithmPolicy(), at: time),
        facts: [
          ("asOf", .string(time.description)), ("key", .string(Digest(of: key.der).description)),
          ("algorithm", .string(algorithm.rawValue)),
        ])
    }
  }
}

extension SignatureAlgorithm: ExpressibleByArgument {}
