import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import SBOM
import StrictJSON
import Wire

/// Exceptions for dependencies (P8-3): each for a package that is really used, for at most 90 days, signed by a security
/// and an engineering owner who are two different principals.
enum ExceptionsGate: GateKind {
  static let name = "exceptions"

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    let bytes = try FileSystem.read(
      "\(workspace.output)/\(MemberName.exceptions)", limit: 1 << 20, links: .refused)
    return Observation(sample: 1, [("document", .string(Digest(of: bytes).description))])
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let bytes = try evidence.document(MemberName.exceptions)
    let packages = try SBOMDocument(parsing: try evidence.document(MemberName.sbom)).components.compactMap(\.purl)
    var checks = [
      try RecordChecks.same(
        MemberName.exceptions, as: try facts.member("document"), code: "exceptions.document",
        what: "the list of exceptions", evidence: evidence)
    ]
    guard !packages.isEmpty else {
      return checks + [
        .failed("dependencies", "exceptions.no-dependency", "the bill of materials names no dependency", source: "A11")
      ]
    }
    let exceptions = try DependencyExceptions(parsing: bytes)
    if exceptions.list.isEmpty {
      checks.append(.passed("empty", "there is no exception", found: "0 for \(packages.count) dependencies"))
    } else {
      checks += try exceptions.judge(evidence: evidence, packages: packages)
    }
    return checks
  }
}

/// The list of exceptions: a plain document while it is empty, a signed envelope as soon as it is not.
struct DependencyExceptions {
  static let type = "rustynet-dependency-exceptions/v1"
  static let payloadType = "application/vnd.rustynet.dependency-exceptions.v1+json"

  struct Exception {
    let id: String
    let package: String
    let reason: String
    let owner: String
    let issued: Timestamp
    let expires: Timestamp
  }

  let list: [Exception]
  private let envelope: Envelope?

  init(parsing bytes: [UInt8]) throws(Problem) {
    let document = try SignableDocument(
      parsing: bytes, payloadType: DependencyExceptions.payloadType, kind: "exceptions", name: "exceptions")
    envelope = document.envelope
    list = try DependencyExceptions.list(JSONReader(try JSON(parsing: document.bytes)))
  }

  private static func list(_ reader: JSONReader) throws(Problem) -> [Exception] {
    try reader.closed("type", "exceptions")
    guard try reader.member("type").token() == type else {
      throw reader.problem("exceptions.type", "this is no list of exceptions that we read", source: "P1-15")
    }
    var list: [Exception] = []
    for element in try reader.member("exceptions").elements(atMost: 256) {
      try element.closed("id", "package", "reason", "owner", "issued", "expires")
      let exception = Exception(
        id: try element.member("id").token(atMost: 64), package: try element.member("package").token(),
        reason: try element.member("reason").text(), owner: try element.member("owner").token(atMost: 64),
        issued: try element.member("issued").timestamp(), expires: try element.member("expires").timestamp())
      guard !list.contains(where: { $0.id == exception.id || $0.package == exception.package }) else {
        throw element.problem("exceptions.duplicate", "an exception stands twice", source: "A11")
      }
      list.append(exception)
    }
    return list
  }

  /// Whether an exception covers `purl` at `time`.
  func covers(_ purl: String, at time: Timestamp) -> Bool {
    list.contains { $0.issued <= time && time <= $0.expires && DependenciesGate.matches(purl, $0.package) }
  }

  func judge(evidence: GateEvidence, packages: [String]) throws(Problem) -> [Check] {
    let source = "P8-3, A11"
    var checks = signatures(evidence, source: source)
    let limit = try evidence.policy.limit("exceptions.maximum-days") * 86_400
    for exception in list {
      let id = "exception.\(exception.id)"
      let time = evidence.time
      if !packages.contains(where: { DependenciesGate.matches($0, exception.package) }) {
        checks.append(
          .failed(id, "exceptions.unused", "no dependency is \(exception.package)", source: source))
      } else if exception.issued > time || time > exception.expires {
        checks.append(
          .failed(
            id, "exceptions.expired", "the exception is not valid at \(time)",
            expected: "\(exception.issued) to \(exception.expires)", found: "\(time)", source: source))
      } else if exception.expires.seconds - exception.issued.seconds > limit {
        checks.append(
          .failed(
            id, "exceptions.too-long", "the exception is longer than allowed", expected: "\(limit / 86_400) days",
            found: "\((exception.expires.seconds - exception.issued.seconds) / 86_400) days", source: source))
      } else {
        checks.append(
          .passed(id, "the exception for \(exception.package) is valid", found: "until \(exception.expires)"))
      }
    }
    return checks
  }

  private func signatures(_ evidence: GateEvidence, source: String) -> [Check] {
    guard let envelope, let trust = evidence.trust else {
      return [
        .failed(
          "signatures", "exceptions.unsigned", "a list with exceptions must be signed by security and engineering",
          source: source)
      ]
    }
    let roles = [Role.security, .engineering]
    var checks = roles.flatMap { role in
      trust.judge(envelope, role: role, at: evidence.time, for: evidence.policy.profile)
        .prefixed("\(role.rawValue): ")
    }
    let signers = roles.map {
      Set(trust.signers(of: envelope, role: $0, at: evidence.time, for: evidence.policy.profile))
    }
    let isTwo = signers[0].union(signers[1]).count >= 2
    checks.append(
      isTwo
        ? .passed("two", "two different principals have signed", source: source)
        : .failed("two", "exceptions.one-signer", "one principal signed for both roles", source: source))
    return checks
  }
}
