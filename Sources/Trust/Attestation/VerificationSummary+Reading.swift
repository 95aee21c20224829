import Cryptography
public import Diagnostics
import StrictJSON
import Wire

extension VerificationSummary {
  /// The largest number of levels, and of input attestations.
  private static let limit = 1024

  /// Reads the summary of anybody from a statement whose signatures hold.
  ///
  /// Members that the specification does not name are ignored. A result that is neither `PASSED` nor `FAILED` is
  /// malformed, and so is one that failed and lists levels all the same, or passed and lists `FAILED` (SLSA v1.1, VSA:
  /// `verifiedLevels` is “FAILED” if the policy verification failed).
  ///
  /// - Throws: `vsa.predicate-type` (refused) for any other predicate; malformed for one that is wrong.
  public init(_ statement: Statement) throws(Problem) {
    guard statement.predicateType.isExactly(PredicateType.verificationSummary) else {
      throw .refused(
        "vsa.predicate-type", "the statement holds no verification summary v1 but “\(statement.predicateType)”",
        source: "SLSA v1.1, VSA; CVE-2022-35929")
    }
    let reader = JSONReader(statement.predicate, pointer: "/predicate")
    let result = try reader.member("verificationResult")
    guard case .string(let word) = result.value, word.isExactly("PASSED") || word.isExactly("FAILED") else {
      throw result.problem("vsa.result", "the result is neither PASSED nor FAILED", source: "SLSA v1.1, VSA")
    }
    let isPassed = word.isExactly("PASSED")
    let list = try reader.member("verifiedLevels")
    let levels = try list.tokens(atMost: VerificationSummary.limit)
    let contradicts =
      isPassed ? levels.contains { $0.isExactly("FAILED") } : levels.contains { !$0.isExactly("FAILED") }
    guard !contradicts else {
      throw list.problem("vsa.levels", "the result is \(word) and the levels say otherwise", source: "SLSA v1.1, VSA")
    }
    var inputs: [Input] = []
    if let list = try reader.optional("inputAttestations") {
      for input in try list.elements(atMost: VerificationSummary.limit) { inputs.append(try Input(reading: input)) }
    }
    let verifier = try reader.member("verifier")
    let version = try verifier.optional("version")?.optional("rustynet-assure.digest")
    let time = try reader.member("timeVerified")
    let timestamp: Timestamp
    do { timestamp = try Timestamp(rfc3339: try time.text(atMost: 64)) } catch { throw time.located(error) }
    self.init(
      verifier: try verifier.member("id").token(),
      program: try version.map { value throws(Problem) in try value.digest() }, time: timestamp,
      resource: try reader.member("resourceUri").token(), policy: try Input(reading: try reader.member("policy")),
      inputs: inputs, isPassed: isPassed, levels: levels)
  }
}

extension VerificationSummary.Input {
  /// Reads a resource descriptor; digests of algorithms that we do not accept are left out.
  init(reading reader: JSONReader) throws(Problem) {
    var digests: [Digest] = []
    if let set = try reader.optional("digest") {
      for (name, value) in try set.members(atMost: 32) {
        guard let algorithm = HashAlgorithm.allCases.first(where: { $0.rawValue.isExactly(name) }) else { continue }
        digests.append(try Digest(algorithm, bytes: try value.hex(count: algorithm.length)))
      }
    }
    self.init(uri: try reader.optional("uri")?.text(atMost: 8192) ?? "", digests: digests)
  }
}
