public import Cryptography
public import Diagnostics
import LinuxKit
import StrictJSON
import Wire

/// A key behind a command, such as the client of a key service (`documents/specs/external-signer.md`).
///
/// What stands behind the command is its owner's word. What it returns counts only if it verifies.
public struct ExternalSigner: Signer, Equatable {
  /// The format and its major version.
  public static let type = "rustynet-external-signer/v1"
  /// The largest file and the largest answer, in bytes.
  public static let sizeLimit = 16_384
  private static let answerLimit = 1024

  /// How the command writes a signature.
  enum Answer: String, CaseIterable { case binary, base64 }
  /// What an ECDSA signature is written as.
  enum Encoding: String, CaseIterable { case der, raw }

  /// The public half, as the file states it.
  public let verificationKey: VerificationKey
  let arguments: [String]
  let environment: [String]
  let seconds: Int64
  let answer: Answer
  let encoding: Encoding

  /// Reads the file at `path`; it names a program to run, so that nobody else may be able to change it.
  public init(path: String) throws(Problem) {
    let file = try FileSystem.open(path, links: .refused)
    let status = try file.status()
    guard status.kind == .regular, status.owner == Host.effectiveUser || status.owner == 0,
      status.permissions & 0o022 == 0
    else {
      throw .refused(
        "external-signer.custody", "the file can be changed by others, and names a program to run", place: path,
        source: "P1-13", hint: "chmod go-w; it belongs to you or to root")
    }
    let bytes = try file.readAll(limit: ExternalSigner.sizeLimit)
    do { try self.init(parsing: bytes) } catch { throw error.at(path) }
  }

  /// Reads the content of such a file.
  public init(parsing bytes: [UInt8]) throws(Problem) {
    self = try JSON.decode(bytes, limits: JSON.Limits(size: ExternalSigner.sizeLimit, depth: 3)) {
      (reader) throws(Problem) in try ExternalSigner(reader)
    }
  }

  private init(_ reader: JSONReader) throws(Problem) {
    try reader.closed("type", "algorithm", "public", "argv", "environment", "seconds", "answer", "encoding")
    guard try reader.member("type").token().isExactly(ExternalSigner.type) else {
      throw reader.problem("external-signer.type", "this is no external signer that we read", source: "P1-15")
    }
    let algorithm = try reader.member("algorithm").choice(VerificationKey.Algorithm.self)
    let bytes = try reader.member("public").base64(atMost: 256)
    do {
      verificationKey = try VerificationKey(algorithm, bytes)
      try verificationKey.requireTokenSigning()
    } catch { throw reader.located(error) }
    arguments = try reader.member("argv").texts(atMost: 64, length: 4096)
    environment = try reader.optional("environment")?.texts(atMost: 32, length: 128) ?? []
    seconds = try reader.optional("seconds")?.integer(in: 1...600) ?? 30
    answer = try reader.optional("answer")?.choice(Answer.self) ?? .binary
    encoding = try reader.optional("encoding")?.choice(Encoding.self) ?? .der
    guard arguments.first?.hasPrefix("/") ?? false, arguments.allSatisfy({ !$0.utf8.contains(0) }) else {
      throw reader.problem("external-signer.argv", "argv begins with the absolute path of a program, and holds no NUL")
    }
    guard environment.allSatisfy({ KeyName.isName($0) && !["PATH", "LC_ALL"].contains($0) && !$0.hasPrefix("LD_") })
    else {
      throw reader.problem(
        "external-signer.environment", "environment holds names of variables, but not PATH, LC_ALL or LD_…")
    }
  }

  /// The signature that the command makes: it gets the digest for ECDSA, and the message itself for Ed25519.
  public func signature(over message: [UInt8]) throws(Problem) -> [UInt8] {
    let algorithm = verificationKey.algorithm
    let input = algorithm.signature.hash.map { Digest(of: message, $0).bytes } ?? message
    let variables = environment.compactMap { name in Host.environment(name).map { "\(name)=\($0)" } }
    let result = try ChildProcess.run(
      arguments, environment: ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"] + variables, input: input,
      outputLimit: ExternalSigner.answerLimit, seconds: Double(seconds))
    guard result.status == 0 else {
      throw .couldNotRun(
        "external-signer.failed", "the command that signs ended with \(result.status)", place: arguments[0],
        hint: "what it wrote to standard error stands above")
    }
    var bytes = result.output
    if answer == .base64 {
      if bytes.last == 0x0a { bytes.removeLast() }
      bytes = try Base64.decode(String(decoding: bytes, as: UTF8.self))
    }
    guard let length = algorithm.rawLength, encoding == .raw else { return bytes }
    guard bytes.count == length else {
      throw .malformed(
        "external-signer.length", "the command returned \(bytes.count) bytes where a raw signature has \(length)")
    }
    return try ECDSASignature.der(raw: bytes)
  }
}
