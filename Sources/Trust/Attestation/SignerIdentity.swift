import StrictJSON

/// Who signed, as a verified certificate says it: what is judged after the certificate itself has been.
///
/// Nothing here is verified; whoever makes one has verified the chain, the time and the signature before.
public struct SignerIdentity: Sendable, Equatable {
  /// What Fulcio writes about a run of a continuous integration service into the certificate, by the last part of the
  /// object identifier 1.3.6.1.4.1.57264.1.N (Fulcio, docs/oid-info.md). Absent extensions are nil.
  public struct Claims: Sendable, Equatable {
    /// `.2`, legacy: the event, such as `push`.
    public var workflowTrigger: String?
    /// `.3`, legacy: the commit.
    public var workflowCommit: String?
    /// `.4`, legacy: the name of the workflow.
    public var workflowName: String?
    /// `.5`, legacy: `owner/repository`.
    public var workflowRepository: String?
    /// `.6`, legacy: the ref, such as `refs/tags/v1`.
    public var workflowRef: String?
    /// `.9`: the workflow that built and signed, with its ref.
    public var buildSignerURI: String?
    /// `.10`: the commit of that workflow.
    public var buildSignerDigest: String?
    /// `.11`: `github-hosted` or `self-hosted`.
    public var runnerEnvironment: String?
    /// `.12`: the repository that was built, such as `https://github.com/owner/repository`.
    public var sourceRepositoryURI: String?
    /// `.13`: the commit that was built.
    public var sourceRepositoryDigest: String?
    /// `.14`: the ref that was built.
    public var sourceRepositoryRef: String?
    /// `.15`: the number of the repository.
    public var sourceRepositoryIdentifier: String?
    /// `.16`: the owner of the repository.
    public var sourceRepositoryOwnerURI: String?
    /// `.17`: the number of the owner.
    public var sourceRepositoryOwnerIdentifier: String?
    /// `.18`: the workflow that started the build, with its ref.
    public var buildConfigURI: String?
    /// `.19`: the commit of that workflow.
    public var buildConfigDigest: String?
    /// `.20`: the event that started the build.
    public var buildTrigger: String?
    /// `.21`: the run, such as `https://github.com/owner/repository/actions/runs/1/attempts/1`.
    public var runInvocationURI: String?
    /// `.22`: `public`, `private` or `internal`.
    public var sourceRepositoryVisibility: String?

    /// No claims; set those that the certificate has.
    public init() {}
  }

  /// The only subject alternative name: a URI, an e-mail address or another name, as text.
  public let name: String
  /// The issuer of the identity token (`.8`, or `.1` in older certificates).
  public let issuer: String
  /// What else the certificate says.
  public let claims: Claims

  /// An identity from a verified certificate.
  public init(name: String, issuer: String, claims: Claims = Claims()) {
    self.name = name
    self.issuer = issuer
    self.claims = claims
  }
}

extension SignerIdentity.Claims {
  /// Every claim by the name that options and policies use.
  static let named: [(name: String, claim: any KeyPath<SignerIdentity.Claims, String?> & Sendable)] = [
    ("workflow-trigger", \.workflowTrigger),
    ("workflow-commit", \.workflowCommit),
    ("workflow-name", \.workflowName),
    ("workflow-repository", \.workflowRepository),
    ("workflow-ref", \.workflowRef),
    ("build-signer-uri", \.buildSignerURI),
    ("build-signer-digest", \.buildSignerDigest),
    ("runner-environment", \.runnerEnvironment),
    ("source-repository-uri", \.sourceRepositoryURI),
    ("source-repository-digest", \.sourceRepositoryDigest),
    ("source-repository-ref", \.sourceRepositoryRef),
    ("source-repository-identifier", \.sourceRepositoryIdentifier),
    ("source-repository-owner-uri", \.sourceRepositoryOwnerURI),
    ("source-repository-owner-identifier", \.sourceRepositoryOwnerIdentifier),
    ("build-config-uri", \.buildConfigURI),
    ("build-config-digest", \.buildConfigDigest),
    ("build-trigger", \.buildTrigger),
    ("run-invocation-uri", \.runInvocationURI),
    ("source-repository-visibility", \.sourceRepositoryVisibility),
  ]

  /// The names, for help and errors.
  public static var names: [String] { named.map(\.name) }

  /// The claim of this name: nil where there is no such name, a nil inside where the certificate does not make it.
  public func claim(named name: String) -> String?? {
    Self.named.first { $0.name.isExactly(name) }.map { self[keyPath: $0.claim as KeyPath<Self, String?>] }
  }
}
