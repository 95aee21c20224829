import ArgumentParser
import Attestation
import Diagnostics
import LinuxKit
import Sigstore
import StrictJSON

/// `rustynet-assure verify bundles`.
struct VerifyBundles: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundles", abstract: "Verify every Sigstore bundle in a folder, on all cores.",
    discussion: """
      A bundle is a file whose name ends in .sigstore.json or .sigstore, at any depth; it is about the file that has the
      same name without that ending. All of them must verify, and there must be at least one.

      Example: rustynet-assure verify bundles dist --certificate-identity me@example.org \\
      --certificate-oidc-issuer https://accounts.google.com
      """)

  /// The endings of bundles, longest first.
  static let endings = [".sigstore.json", ".sigstore"]
  /// More bundles than anybody has in one folder; a limit on what a strange folder can cost.
  static let limit = 100_000

  @Argument(help: "The folder.") var folder: String
  @OptionGroup var signer: SignerIdentityOptions
  @Option(help: "The public key (PEM) that must have signed, where there is no certificate.") var key: String?
  @OptionGroup var trusted: TrustedRootOptions
  @OptionGroup var format: AnswerOptions

  func run() async throws {
    let answer: Answer
    do throws(Problem) { answer = try await judge() } catch {
      return try format.answer(about: folder) { () throws(Problem) -> Answer in throw error }
    }
    try format.finish(answer, isBrief: true)
  }

  private func judge() async throws(Problem) -> Answer {
    let expected = try signer.or(key: key)
    let verifier = SigstoreVerifier(root: try trusted.root())
    var files: [String] = []
    try VerifyBundles.collect(folder, into: &files)
    guard !files.isEmpty else {
      throw Problem.malformed(
        "bundles.none", "there is no bundle here", place: folder, hint: "NAME.sigstore.json beside NAME")
    }
    _ = try signer.claims()
    let answers = await VerifyBundles.judge(files) { [signer] path in
      VerifyBundles.answer(path, verifier: verifier, signer: expected, claims: signer)
    }
    return VerifyBundles.summary(folder, answers)
  }

  /// The bundles at `path`, in the order of their names; links are not followed.
  private static func collect(_ path: String, into files: inout [String]) throws(Problem) {
    for name in try FileSystem.list(path) {
      let child = "\(path)/\(name)"
      switch FileSystem.status(child)?.kind {
      case .directory: try collect(child, into: &files)
      case .regular where endings.contains { name.hasSuffix($0) }:
        guard files.count < limit else {
          throw .malformed("bundles.many", "there are more than \(limit) bundles", place: path)
        }
        files.append(child)
      default: continue
      }
    }
  }

  /// Judges all of `files`, as many at a time as there are cores, and says how far it is.
  private static func judge(
    _ files: [String], by judge: @escaping @Sendable (String) -> Answer
  ) async -> [Answer] {
    await withTaskGroup(of: (Int, Answer).self) { group in
      var answers = [Answer?](repeating: nil, count: files.count)
      var next = 0
      func start() {
        guard next < files.count else { return }
        let (number, file) = (next, files[next])
        next += 1
        group.addTask { (number, judge(file)) }
      }
      for _ in 0..<max(Host.cores, 1) { start() }
      var done = 0
      for await (number, answer) in group {
        answers[number] = answer
        done += 1
        if done.isMultiple(of: 1000) { Console.note("verified \(done) of \(files.count) bundles") }
        start()
      }
      return answers.compactMap(\.self)
    }
  }

  private static func answer(
    _ path: String, verifier: SigstoreVerifier, signer: SigstoreVerifier.Signer, claims: SignerIdentityOptions
  ) -> Answer {
    do throws(Problem) {
      let ending = endings.first { path.hasSuffix($0) } ?? ""
      let bundle = try Input.parsed(path, limit: SigstoreBundle.limits.size) { bytes throws(Problem) in
        try SigstoreBundle(parsing: bytes)
      }
      let artifact = try Input.artifact(String(path.dropLast(ending.count)), hashes: bundle.hashes)
      let judgement = verifier.judge(bundle, artifact: artifact, signer: signer)
      let checks = judgement.checks + (try claims.checks(judgement.signer))
      return Answer(path, place: path, checks, facts: judgement.facts)
    } catch { return Answer(error, place: path) }
  }

  /// One check a bundle, with every reason; the whole answers stand beside them in JSON.
  private static func summary(_ folder: String, _ answers: [Answer]) -> Answer {
    let checks = answers.map { answer -> Check in
      guard answer.outcome != .passed else {
        return .passed(answer.place, "\(answer.checks.count) checks passed")
      }
      let bad = answer.checks.filter { $0.outcome != .passed }
      return .failed(
        answer.place, bad[0].code, bad.map { "\($0.id): \($0.message)" }.joined(separator: "; "),
        source: bad[0].source, hint: bad[0].hint)
    }
    let passed = checks.count { $0.outcome == .passed }
    var answer = Answer(
      "\(passed) of \(checks.count) bundles in \(folder)", place: folder, checks,
      facts: [("bundles", .array(answers.map(\.json)))])
    answer.exitCode = answers.flatMap(\.checks).exitCode
    return answer
  }
}

extension SignerIdentityOptions {
  /// Who must have signed: the identity, or the key in the file `key`.
  func or(key: String?) throws(Problem) -> SigstoreVerifier.Signer {
    guard let key else { return try required() }
    guard isEmpty else {
      throw .usage("usage.signer", "a key signs without a certificate: give --key or whom a certificate must name")
    }
    return .key(try Input.foreignKey(key))
  }
}
