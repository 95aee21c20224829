public import Attestation
public import Diagnostics
public import StrictJSON
public import Wire

/// A SLSA provenance of anybody, v0.2 or v1, as rules read it.
///
/// Nothing is trusted for standing here: it is what the signer says, in one form for both versions.
public struct SLSAProvenance: Sendable, Equatable {
  /// The versions of the predicate, by their exact type.
  public enum Version: String, Sendable, CaseIterable {
    case v02 = "https://slsa.dev/provenance/v0.2"
    case v1 = "https://slsa.dev/provenance/v1"
  }

  /// Something that the build used.
  public struct Resource: Sendable, Equatable {
    /// Where it came from.
    public let uri: String?
    /// What it is called.
    public let name: String?
    /// The digest set, as it stands: algorithm and value.
    public let digests: [Subject.Identifier]

    /// The commit, under whichever name the version gives it.
    var commit: String? {
      digests.first { ["gitCommit", "sha1"].contains($0.name) && SourceReference.isCommit($0.value) }?.value
    }
  }

  /// The largest number of resolved dependencies or materials.
  public static let dependencyLimit = 16_384

  /// Which version of the predicate.
  public let version: Version
  /// Who built.
  public let builder: BuilderID
  /// How the parameters are to be read.
  public let buildType: String
  /// What was built; nil where the build type does not say.
  public let source: SourceReference?
  /// What started the build, where the build type tells it apart from the source.
  public let trigger: SourceReference?
  /// The workflow or the file that defined the build, where it is told.
  public let entryPoint: String?
  /// What the one who started the build decided, as it stands.
  public let parameters: JSONObject
  /// Names of external parameters that the build type does not have, as JSON pointers; nil for an unknown build type.
  public let unknownParameters: [String]?
  /// Resolved dependencies or materials.
  public let dependencies: [Resource]
  /// The run, as the builder names it.
  public let invocation: String?
  /// The run as a URI where it can be told, so that attestations of different forms can be compared.
  public let run: String?
  /// The event that started the build, such as `push`, where it is told.
  public let event: String?
  /// `github-hosted` or `self-hosted`, where it is told.
  public let runnerEnvironment: String?
  /// When the build began.
  public let started: Timestamp?
  /// When the build ended.
  public let finished: Timestamp?

  /// Reads the predicate of a statement whose signatures hold.
  ///
  /// - Throws: `provenance.predicate-type` (refused) for any other predicate; malformed for one that is wrong.
  public init(_ statement: Statement) throws(Problem) {
    guard let version = Version.allCases.first(where: { $0.rawValue.isExactly(statement.predicateType) }) else {
      throw .refused(
        "provenance.predicate-type", "the statement holds no SLSA provenance but “\(statement.predicateType)”",
        source: "SLSA provenance v1, v0.2; CVE-2022-35929", hint: "v0.2 and v1 are read")
    }
    let reader = JSONReader(statement.predicate, pointer: "/predicate")
    let parts = try version == .v1 ? Parts(v1: reader) : Parts(v02: reader)
    self.version = version
    builder = BuilderID(parts.builder)
    buildType = parts.buildType
    parameters = parts.parameters
    dependencies = parts.dependencies
    invocation = parts.invocation
    started = parts.started
    finished = parts.finished
    let known = BuildType.named(parts.buildType, version)
    unknownParameters = known?.unknownParameters(in: parts.parameters)
    let origin = try (known?.origin ?? .dependency).read(parts)
    source = origin.source
    trigger = origin.trigger
    entryPoint = origin.entryPoint ?? parts.configuration?.entryPoint
    event = parts.inner("GITHUB_EVENT_NAME") ?? parts.inner("github_event_name") ?? parts.github("event_name")
    runnerEnvironment = parts.github("runner_environment")
    run = SLSAProvenance.run(parts.invocation, of: origin.trigger ?? origin.source)
  }

  /// `https://github.com/o/r/actions/runs/1/attempts/2` for both `…/runs/1/attempts/2` and `1-2` with a source.
  private static func run(_ invocation: String?, of source: SourceReference?) -> String? {
    guard let invocation else { return nil }
    if invocation.contains("://") { return invocation }
    let numbers = invocation.split(separator: "-", omittingEmptySubsequences: false)
    let prefix = "git+https://github.com/"
    guard numbers.count == 2, numbers.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      let repository = source?.repository, repository.hasPrefix(prefix)
    else { return nil }
    return "https://github.com/\(repository.dropFirst(prefix.count))/actions/runs/\(numbers[0])/attempts/\(numbers[1])"
  }
}

/// The members of both versions under the names of v1.
struct Parts {
  /// `invocation.configSource` of v0.2.
  struct Configuration {
    let uri: String
    let commit: String?
    let entryPoint: String?
  }

  let builder: String
  let buildType: String
  let parameters: JSONObject
  let inner: JSONObject
  let dependencies: [SLSAProvenance.Resource]
  let configuration: Configuration?
  let invocation: String?
  let started: Timestamp?
  let finished: Timestamp?

  /// https://slsa.dev/spec/v1.0/provenance
  init(v1 reader: JSONReader) throws(Problem) {
    let definition = try reader.member("buildDefinition")
    let details = try reader.member("runDetails")
    buildType = try definition.member("buildType").token()
    parameters = try definition.member("externalParameters").object()
    inner = try definition.present("internalParameters")?.object() ?? JSONObject()
    dependencies = try definition.resources("resolvedDependencies")
    configuration = nil
    builder = try details.member("builder").member("id").token()
    let metadata = try details.present("metadata")
    invocation = try metadata?.present("invocationId")?.text(atMost: 2048)
    started = try metadata?.present("startedOn")?.foreignTime()
    finished = try metadata?.present("finishedOn")?.foreignTime()
  }

  /// https://slsa.dev/spec/v0.2/provenance
  init(v02 reader: JSONReader) throws(Problem) {
    builder = try reader.member("builder").member("id").token()
    buildType = try reader.member("buildType").token()
    let run = try reader.present("invocation")
    parameters = try run?.present("parameters")?.object() ?? JSONObject()
    inner = try run?.present("environment")?.object() ?? JSONObject()
    if let config = try run?.present("configSource"), let uri = try config.present("uri") {
      let digest = try config.present("digest")
      configuration = Configuration(
        uri: try uri.token(),
        commit: try digest.map { value throws(Problem) in try value.digestSet() }?
          .first { ["sha1", "gitCommit"].contains($0.name) && SourceReference.isCommit($0.value) }?.value,
        entryPoint: try config.present("entryPoint")?.text(atMost: 2048))
    } else {
      configuration = nil
    }
    dependencies = try reader.resources("materials")
    let metadata = try reader.present("metadata")
    // The specification says `buildInvocationId`; the SLSA generator wrote `buildInvocationID`.
    var written = try metadata?.present("buildInvocationId")
    if written == nil { written = try metadata?.present("buildInvocationID") }
    invocation = try written?.text(atMost: 2048)
    started = try metadata?.present("buildStartedOn")?.foreignTime()
    finished = try metadata?.present("buildFinishedOn")?.foreignTime()
  }

  /// A text of `internalParameters.github`.
  func github(_ name: String) -> String? {
    guard case .object(let github)? = inner["github"], case .string(let text)? = github[name] else { return nil }
    return text
  }

  /// A text among the internal parameters.
  func inner(_ name: String) -> String? {
    if case .string(let text)? = inner[name] { return text }
    return nil
  }
}

extension JSONReader {
  /// The member `key`; nil where it is absent or `null`, as Go programs write an absent value.
  func present(_ key: String) throws(Problem) -> JSONReader? {
    guard let member = try optional(key), member.value != .null else { return nil }
    return member
  }

  /// At most 32 algorithms with their values, as they stand.
  func digestSet() throws(Problem) -> [Subject.Identifier] {
    var set: [Subject.Identifier] = []
    for (name, value) in try members(atMost: 32) {
      set.append(Subject.Identifier(name: name, value: try value.token(atMost: 512)))
    }
    return set
  }

  func resources(_ key: String) throws(Problem) -> [SLSAProvenance.Resource] {
    guard let list = try present(key) else { return [] }
    return try list.elements(atMost: SLSAProvenance.dependencyLimit).map { entry throws(Problem) in
      SLSAProvenance.Resource(
        uri: try entry.present("uri")?.text(atMost: 8192), name: try entry.present("name")?.text(atMost: 8192),
        digests: try entry.present("digest")?.digestSet() ?? [])
    }
  }

  /// Others write fractions and offsets.
  func foreignTime() throws(Problem) -> Timestamp {
    let text = try text(atMost: 64)
    do { return try Timestamp(rfc3339: text) } catch { throw located(error) }
  }
}
