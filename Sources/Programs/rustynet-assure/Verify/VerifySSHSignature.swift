import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import ForeignSignatures
import Inventory
import LinuxKit
import StrictJSON
import Wire

/// `rustynet-assure verify sshsig`.
struct VerifySSHSignature: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sshsig", abstract: "Verify what ssh-keygen -Y sign has signed.",
    discussion: """
      The allowed signers say which key may sign for the identity, for which purpose and from when until when. An SSH
      signature holds no time that could be trusted: it is judged at --as-of. Certificates are not supported.

      Example: rustynet-assure verify sshsig --signature notes.sig --allowed-signers signers --identity ada@example.org \\
        --namespace file notes
      """)

  @Option(help: "The signature.") var signature: String
  @Option(help: "Who may sign, as ssh-keygen -Y verify -f reads it.") var allowedSigners: String
  @Option(help: "Who must have signed.") var identity: String
  @Option(help: "What the signature must be for, such as file or git.") var namespace: String
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "The file that was signed, or its digest.") var file: String

  func run() throws {
    try format.answer(about: signature) { () throws(Problem) -> Answer in
      let time = try time.time()
      let parsed = try Input.parsed(signature, limit: SSHSignature.sizeLimit) { bytes throws(Problem) in
        try SSHSignature(armoured: bytes)
      }
      let signers = try Input.parsed(allowedSigners, limit: AllowedSigners.sizeLimit) { bytes throws(Problem) in
        try AllowedSigners(parsing: bytes)
      }
      let digest = try SignedFile.digest(file, parsed.hash)
      let demand = SSHSignature.Demand(identity: identity, namespace: namespace, signers: signers, time: time)
      return Answer(
        "\(signature) by \(identity) as of \(time)", place: signature,
        parsed.judge(digest, by: demand, policy: try AlgorithmPolicy()),
        facts: [
          ("asOf", .string(time.description)), ("key", .string(parsed.key.fingerprint)),
          ("namespace", .string(parsed.namespace)), ("subject", .string(digest.description)),
        ])
    }
  }
}

extension Input {
  /// Reads a small file and parses it; a problem names the file.
  static func parsed<Value>(
    _ path: String, limit: Int, _ parse: ([UInt8]) throws(Problem) -> Value
  ) throws(Problem) -> Value {
    let bytes = try FileSystem.read(path, limit: limit)
    do { return try parse(bytes) } catch { throw error.at(path) }
  }
}

/// The file that a signature is about.
enum SignedFile {
  /// The largest file whose bytes themselves are signed, without a hash before the signature: 1 GiB, as minisign has.
  static let sizeLimit = 1 << 30

  /// The digest of a file of any size, or the digest that `text` is.
  static func digest(_ text: String, _ algorithm: HashAlgorithm) throws(Problem) -> Digest {
    if let digest = try Input.digest(text) { return digest }
    var hash = HashFunction(algorithm)
    try FileSystem.open(text).forEachChunk { (piece: RawSpan) throws(Problem) in hash.update(piece) }
    return hash.finish()
  }

  /// The BLAKE2b-512 of a file of any size.
  static func blake2b(_ path: String) throws(Problem) -> [UInt8] {
    var hash = BLAKE2b()
    try FileSystem.open(path).forEachChunk { (piece: RawSpan) throws(Problem) in hash.update(piece) }
    return hash.finish()
  }

  /// The bytes of a file.
  static func bytes(_ path: String) throws(Problem) -> [UInt8] { try FileSystem.read(path, limit: sizeLimit) }
}
