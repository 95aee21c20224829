public import ArgumentParser
import Attestation
public import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import Wire
import X509

/// `rustynet-assure timestamp …`: no verb opens a socket; requests and answers travel as files.
struct TimestampCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "timestamp", abstract: "Ask for timestamps (RFC 3161), keep them beside signatures, and verify them.",
    subcommands: [TimestampRequestCommand.self, TimestampAttach.self, TimestampVerify.self])
}

extension HashAlgorithm: ExpressibleByArgument {}

/// What is stamped: the bytes of a file, or a signature in a document.
struct StampedOptions: ParsableArguments {
  @Option(help: "Take a signature of this DSSE envelope.") var envelope: String?
  @Option(help: "Take the signature of this Sigstore bundle.") var bundle: String?
  @Option(help: "Which signature of the document, counted from 1.") var signature = 1

  /// The bytes, and the path that they come from.
  func bytes(file: String?) throws(Problem) -> (path: String, bytes: [UInt8]) {
    switch (file, envelope ?? bundle) {
    case (let path?, nil): return (path, try FileSystem.read(path, limit: 1 << 30))
    case (nil, let path?):
      let signatures = try Input.stamped(path).signatures
      guard (1...signatures.count).contains(signature) else {
        throw .usage("usage.signature", "\(path) has \(signatures.count) signatures")
      }
      return (path, signatures[signature - 1])
    default: throw .usage("usage.stamped", "name one file, or --envelope, or --bundle")
    }
  }

  func validate() throws {
    guard envelope == nil || bundle == nil else { throw ValidationError("name --envelope or --bundle, not both") }
  }
}

extension Input {
  /// A document with signatures, and perhaps with timestamps beside them.
  static func stamped(_ path: String) throws(Problem) -> StampedDocument {
    try parsed(path, limit: Envelope.limits.size) { bytes throws(Problem) in try StampedDocument(parsing: bytes) }
  }

  static func token(_ path: String) throws(Problem) -> TimestampToken {
    try parsed(path, limit: TimestampToken.sizeLimit) { bytes throws(Problem) in try TimestampToken(parsing: bytes) }
  }

  /// The authorities in files, a chain in each; each is trusted while its certificates are valid.
  static func authorities(_ paths: [String]) throws(Problem) -> [TimestampAuthority] {
    var authorities: [TimestampAuthority] = []
    for path in paths {
      let authority = try parsed(path, limit: 1 << 20) { bytes throws(Problem) in
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw Problem.malformed("certificate.format", "this is no text")
        }
        let chain = try Certificate.pem(text, atMost: 9)
        return try TimestampAuthority(
          chain: chain, validFrom: chain.map(\.notBefore).max() ?? .latest,
          validUntil: chain.map(\.notAfter).min() ?? .latest, uri: path)
      }
      authorities.append(authority)
    }
    return authorities
  }
}

/// `rustynet-assure timestamp request`.
struct TimestampRequestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "request", abstract: "Write the request that is sent to a timestamp authority.",
    discussion: """
      Nothing is sent. Example, over the signature of an envelope:
        rustynet-assure timestamp request --envelope sbom.dsse.json --output request.tsq
        curl -H 'Content-Type: application/timestamp-query' --data-binary @request.tsq URL > response.tsr
      """)

  @Option(help: "The file whose bytes are stamped.") var over: String?
  @OptionGroup var stamped: StampedOptions
  @Option(help: "The hash function: sha256, sha384 or sha512.") var algorithm: HashAlgorithm = .sha256
  @Flag(help: "Leave out the random number that the answer would repeat.") var noNonce = false
  @Option(help: "The file to write.") var output: String

  func run() throws {
    try Output.remove(output)
    let (path, bytes) = try stamped.bytes(file: over)
    let imprint = Digest(of: bytes, algorithm)
    let request = TimestampRequest(imprint: imprint, nonce: noNonce ? nil : Randomness.bytes(8))
    try Output.write(request.der, to: output)
    Console.note("wrote \(output): \(imprint) of \(over == nil ? "a signature in " : "")\(path)")
  }
}

/// `rustynet-assure timestamp attach`.
struct TimestampAttach: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attach", abstract: "Keep a timestamp beside the signature that it is about.",
    discussion: """
      The token is not judged, which takes an authority; it must only be about a signature of the document.
      Example: rustynet-assure timestamp attach --envelope e.json --response r.tsr --output e.json
      """)

  @OptionGroup var document: DocumentOptions
  @Option(help: "The authority's response, or a bare token.") var response: String
  @Option(help: "The file to write; it may be the document itself.") var output: String

  func run() throws {
    let path = try document.path()
    var stamped = try Input.stamped(path)
    let token = try Input.token(response)
    do throws(Problem) { try stamped.attach(token) } catch { throw error.at(response) }
    try Output.write(stamped.encoded, to: output)
    Console.note("wrote \(output): signed before \(token.info.time), says the token")
  }
}

/// A document that holds signatures.
struct DocumentOptions: ParsableArguments {
  @Option(help: "The DSSE envelope.") var envelope: String?
  @Option(help: "The Sigstore bundle.") var bundle: String?

  func path() throws(Problem) -> String {
    guard let path = envelope ?? bundle, envelope == nil || bundle == nil else {
      throw .usage("usage.document", "name --envelope or --bundle")
    }
    return path
  }
}

/// `rustynet-assure timestamp verify`.
struct TimestampVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Verify a timestamp over a file or a signature, offline.",
    discussion: """
      Name what was stamped: a FILE, or with --envelope or --bundle a signature in a document.

      Example: rustynet-assure timestamp verify --response r.tsr --authority tsa.pem FILE
      An authority is a file of CERTIFICATE blocks, the root last; the signer's certificate first pins the signer.
      """)

  @Option(help: "The authority's response, or a bare token.") var response: String
  @Option(help: "The chain of a trusted authority; may be given several times.") var authority: [String]
  @Option(help: "The request that was sent: the answer must repeat its number.") var request: String?
  @OptionGroup var stamped: StampedOptions
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: AnswerOptions
  @Argument(help: "The file that was stamped.") var file: String?

  func run() throws { try format.answer(about: response) { () throws(Problem) -> Answer in try answer() } }

  private func answer() throws(Problem) -> Answer {
    let (path, bytes) = try stamped.bytes(file: file)
    let token = try Input.token(response)
    var times = SigningTimes(try time.time())
    var checks = times.judge([token], over: [bytes], authorities: try Input.authorities(authority))
    if let request { checks.append(try nonce(token, request)) }
    var facts: [(String, JSON)] = [
      ("serial", .string(token.info.serial)), ("policy", .string(token.info.policy)),
      ("imprint", .string(token.info.imprint.description)),
    ]
    if checks.outcome == .passed { facts.insert(("time", .string(token.info.time.description)), at: 0) }
    return Answer("\(response) over \(path)", place: response, checks, facts: facts)
  }

  private func nonce(_ token: TimestampToken, _ path: String) throws(Problem) -> Check {
    let request = try Input.parsed(path, limit: 4096) { bytes throws(Problem) in try TimestampRequest(parsing: bytes) }
    return .equal(
      "timestamp.nonce", "timestamp.nonce", "the number of the request",
      expected: request.nonce.map(Hex.encode) ?? "none", found: token.info.nonce.map(Hex.encode) ?? "none",
      source: "RFC 3161 §2.4.2", hint: "this is the answer to another request")
  }
}
