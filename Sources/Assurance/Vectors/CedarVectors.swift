import Authorization
public import Diagnostics
import LinuxKit
import StrictJSON

/// The suites of cedar-policy/cedar-integration-tests, written by hand and generated: decisions, reasons, errors.
///
/// A case is a file with its requests; it agrees when all of them do. Whether our validator agrees with
/// `shouldValidate` is counted besides, in the notes.
public enum CedarVectors {
  /// Judges every case below `path`, and those in `corpus-tests.tar.gz` where that has not been unpacked.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    var validation = Validation()
    try judge(folder: path, into: &report, &validation)
    let archive = "\(path)/corpus-tests.tar.gz"
    if FileSystem.status(archive) != nil, FileSystem.status("\(path)/corpus-tests") == nil {
      let folder = "/tmp/rustynet-cedar-\(UInt64.random(in: 0 ... .max))"
      try FileSystem.makeFolder(folder, mode: 0o700)
      defer { try? FileSystem.removeTree(folder) }
      let result = try ChildProcess.run(
        ["/usr/bin/tar", "-C", folder, "-xzf", try FileSystem.resolve(archive)],
        environment: ["PATH=/usr/bin:/bin", "LC_ALL=C"], input: [], outputLimit: 4096, seconds: 120)
      guard result.status == 0 else {
        throw .malformed("vectors.archive", "tar ended with \(result.status)", place: archive)
      }
      try judge(folder: folder, into: &report, &validation)
    }
    report.note("validation agree=\(validation.agree) disagree=\(validation.disagree.count)")
    for one in validation.disagree { report.note("validation disagrees: \(one)") }
    return report
  }

  private struct Validation {
    var agree = 0
    var disagree: [String] = []
  }

  private static func judge(
    folder: String, into report: inout VectorReport, _ validation: inout Validation
  ) throws(Problem) {
    // Entities stand beside the cases, and are read with them.
    for file in try Corpus.files(at: folder) where !file.hasSuffix(".entities.json") {
      let document: JSONReader
      do {
        document = JSONReader(try JSON(parsing: try Corpus.bytes(of: file), limits: EntityReader.limits))
      } catch { throw error.at(file) }
      // Entities stand beside the cases: lists, not objects with requests. A text that should parse or not is a case of
      // our own, for the comparison with the official engine.
      guard case .object(let members) = document.value, members["requests"] ?? members["shouldParse"] != nil else {
        continue
      }
      let id = file.hasPrefix("\(folder)/") ? String(file.dropFirst(folder.utf8.count + 1)) : file
      do throws(Problem) {
        try judge(document, id: id, folder: folder, into: &report, &validation)
      } catch { report.judge(id, expected: "a judgement", found: "\(error)") }
    }
  }

  private static func judge(
    _ document: JSONReader, id: String, folder: String, into report: inout VectorReport,
    _ validation: inout Validation
  ) throws(Problem) {
    func file(_ member: String) throws(Problem) -> [UInt8] {
      try Corpus.bytes(of: "\(folder)/\(try document.member(member).text())")
    }
    if let shouldParse = try document.optional("shouldParse")?.bool() {
      return report.judge(id, expected: Answer.word(shouldParse), found: Answer.word(try parses(document, file)))
    }
    let schema = try Schema(parsing: try file("schema"))
    let policies = try PolicySet(parsing: try file("policies"), naming: .places)
    let reader = EntityReader(schema: schema)
    let authorizer = Authorizer(policies, try reader.entities(parsing: try file("entities")))
    var expected: [String] = []
    var found: [String] = []
    for request in try document.member("requests").elements() {
      expected.append(
        word(
          try request.member("decision").text(), try request.member("reason").texts(),
          try request.member("errors").texts()))
      found.append(try decide(request, reader, authorizer))
    }
    guard !expected.isEmpty else { throw document.problem("vectors.empty", "the case has no request") }
    report.judge(id, expected: expected.joined(separator: "; "), found: found.joined(separator: "; "))
    guard let shouldValidate = try document.optional("shouldValidate")?.bool() else { return }
    let problems = PolicyValidator(schema).judge(policies).problems
    if problems.isEmpty == shouldValidate {
      validation.agree += 1
    } else {
      validation.disagree.append(
        "\(id) should \(shouldValidate ? "" : "not ")validate: \(problems.first.map { "\($0)" } ?? "it does")")
    }
  }

  /// Whether the text parses that a case of our own is about: entities by their schema, else a schema, else policies.
  private static func parses(
    _ document: JSONReader, _ file: (String) throws(Problem) -> [UInt8]
  ) throws(Problem) -> Bool {
    if try document.optional("entities") != nil {
      let reader = EntityReader(schema: try Schema(parsing: try file("schema")))
      let bytes = try file("entities")
      return (try? reader.entities(parsing: bytes)) != nil
    }
    guard try document.optional("schema") == nil else {
      let bytes = try file("schema")
      return (try? Schema(parsing: bytes)) != nil
    }
    let bytes = try file("policies")
    return (try? PolicySet(parsing: bytes, naming: .places)) != nil
  }

  private static func decide(
    _ document: JSONReader, _ reader: EntityReader, _ authorizer: Authorizer
  ) throws(Problem) -> String {
    let action = try reader.name(try document.member("action"))
    let request = Request(
      principal: try reader.name(try document.member("principal")), action: action,
      resource: try reader.name(try document.member("resource")),
      context: try reader.context(try document.member("context"), action: action))
    if try document.optional("validateRequest")?.bool() ?? true { try reader.check(request) }
    let decision = authorizer.decide(request)
    return word(
      decision.isAllowed ? "allow" : "deny", authorizer.policies(in: decision.reasons).map(\.id),
      authorizer.policies(in: decision.errors).map(\.id))
  }

  private static func word(_ decision: String, _ reasons: [String], _ errors: [String]) -> String {
    "\(decision) \(reasons.sorted().joined(separator: ",")) errors \(errors.sorted().joined(separator: ","))"
  }
}
