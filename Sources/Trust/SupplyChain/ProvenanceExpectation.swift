public import Attestation
public import Cryptography
import StrictJSON

/// What a provenance must say to be accepted, as the one who verifies demands it.
public struct ProvenanceExpectation: Sendable {
  /// The ref that must have been built.
  public enum Ref: Sendable, Equatable {
    case tag(String), branch(String)

    /// The ref in full.
    var text: String {
      switch self {
      case .tag(let name): "refs/tags/\(name)"
      case .branch(let name): "refs/heads/\(name)"
      }
    }
  }

  /// The builder; any version of it where none is named.
  public var builder: BuilderID
  /// The repository in its one spelling.
  public let repository: String
  /// The ref, where one is demanded.
  public var ref: Ref?
  /// The commit, where one is demanded.
  public var commit: String?
  /// Who must have issued the signer's identity; GitHub for builders on GitHub where nothing else is said.
  public var issuer: String?
  /// Build types that are accepted though their parameters are not known to us.
  public var otherBuildTypes: [String] = []

  /// An expectation; builder and source are never optional.
  public init(builder: String, source: String, ref: Ref? = nil, commit: String? = nil) {
    self.builder = BuilderID(builder)
    repository = SourceReference.normalised(source)
    self.ref = ref
    self.commit = commit
  }
}

/// Who signed a statement, as it was verified.
public enum ProvenanceSigner: Sendable {
  /// A certificate, judged with its chain and its time.
  case certificate(SignerIdentity)
  /// A key that the one who verifies named as the builder's; `String` says which, for people.
  case key(String)
}

extension ProvenanceExpectation {
  /// Judges a statement whose signatures hold, and only after they do.
  ///
  /// - Parameter artifact: the digests of the artifact's bytes, computed by the caller from the bytes themselves.
  /// - Returns: every check, failed ones too; nothing stops at the first.
  public func judge(
    _ statement: Statement, signer: ProvenanceSigner, artifact: [Digest], builders: BuilderTable = .builtIn
  ) -> [Check] {
    let subject = SubjectRules.check("subject", artifact, in: statement)
    do {
      let provenance = try SLSAProvenance(statement)
      return [subject] + judge(provenance, signer: signer, builders: builders)
    } catch {
      return [
        subject, Check("predicate", error),
        .notRun("provenance", "provenance.unreadable", "nothing else was looked at: there is no provenance to judge"),
      ]
    }
  }

  /// Judges everything but the subject.
  public func judge(_ provenance: SLSAProvenance, signer: ProvenanceSigner, builders: BuilderTable = .builtIn)
    -> [Check]
  {
    var checks = BuilderRules(
      expected: builder, issuer: issuer, provenance: provenance, signer: signer, table: builders
    ).checks
    checks.append(buildType(provenance))
    checks += parameters(provenance)
    checks += source(provenance)
    if case .certificate(let identity) = signer {
      checks += CertificateRules(identity: identity, provenance: provenance).checks
    }
    return checks
  }

  private static let rule = "SLSA v1.0, “Verifying artifacts”, step 2"

  private func buildType(_ provenance: SLSAProvenance) -> Check {
    let found = provenance.buildType
    if provenance.unknownParameters != nil {
      return .passed("build-type", "the build type is known", found: found, source: Self.rule)
    }
    return otherBuildTypes.contains { $0.isExactly(found) }
      ? .passed("build-type", "the build type is not known here, and was accepted by name", found: found)
      : .failed(
        "build-type", "provenance.build-type", "the build type is not known, so its parameters cannot be judged",
        expected: "a known build type", found: found, source: Self.rule, hint: "accept it by name with --build-type")
  }

  private func parameters(_ provenance: SLSAProvenance) -> [Check] {
    let id = "parameters"
    guard let unknown = provenance.unknownParameters else {
      return provenance.parameters.members.isEmpty || otherBuildTypes.contains { $0.isExactly(provenance.buildType) }
        ? [] : [.notRun(id, "provenance.build-type", "the parameters of an unknown build type cannot be judged")]
    }
    if unknown.isEmpty {
      let names = provenance.parameters.members.map(\.key).joined(separator: ", ")
      return [
        .passed(
          id, "every external parameter is one of the build type's", found: names.isEmpty ? "none" : names,
          source: Self.rule)
      ]
    }
    return unknown.prefix(64).map { name in
      .failed(
        id, "provenance.unknown-parameter", "an external parameter is not one of the build type's",
        found: name, source: Self.rule, hint: "what it does to the build is not known")
    }
  }

  private func source(_ provenance: SLSAProvenance) -> [Check] {
    guard let source = provenance.source else {
      return [
        .failed(
          "source.uri", "provenance.source", "the provenance does not say what was built", expected: repository,
          found: "nothing", source: Self.rule)
      ]
    }
    var checks: [Check] = [
      .equal(
        "source.uri", "provenance.source", "the source repository", expected: repository, found: source.repository,
        source: Self.rule)
    ]
    // A build may be started by one repository and build another: then the expectation would cover only half of it.
    if let trigger = provenance.trigger {
      checks.append(
        .equal(
          "source.trigger", "provenance.trigger", "the repository that started the build", expected: repository,
          found: trigger.repository, source: Self.rule))
      if let started = trigger.ref, let built = source.ref, !started.isExactly(built) {
        checks.append(
          .failed(
            "source.trigger-ref", "provenance.trigger", "the ref that was built is not the one that started the build",
            expected: started, found: built, source: Self.rule))
      }
      // A builder under a delegator may build another commit than the one that started it; then no ref stands there.
      if source.ref != nil, let started = trigger.commit, let built = source.commit, !started.isExactly(built) {
        checks.append(
          .failed(
            "source.trigger-commit", "provenance.trigger",
            "the commit that was built is not the one that started the build", expected: started, found: built,
            source: Self.rule))
      }
    }
    checks += ref(source.ref ?? provenance.trigger?.ref)
    if let commit {
      checks.append(
        .equal(
          "source.commit", "provenance.commit", "the commit", expected: commit, found: source.commit ?? "nothing",
          source: Self.rule))
    }
    return checks
  }

  private func ref(_ found: String?) -> [Check] {
    guard let ref else { return [] }
    let isTag = if case .tag = ref { true } else { false }
    let hint = "a build of a tag names the tag only, whichever branch it is on"
    return [
      .equal(
        isTag ? "source.tag" : "source.branch", isTag ? "provenance.tag" : "provenance.branch",
        isTag ? "the tag" : "the branch", expected: ref.text, found: found ?? "nothing", source: Self.rule,
        hint: isTag ? nil : hint)
    ]
  }
}
