import Attestation
import Cryptography
public import Diagnostics
import Inventory
public import StrictJSON

/// Writes an in-toto Statement v1 with a SLSA provenance v1 predicate from facts. The same facts give the same bytes.
public enum ProvenanceWriter {
  /// `buildType`: what external and internal parameters mean is written in documents/specs/provenance.md.
  public static let buildType = "urn:rustynet:build:swiftpm:v1"

  /// The canonical JSON of the statement and a line feed, read back before it is returned.
  public static func bytes(_ facts: ProvenanceFacts) throws(Problem) -> [UInt8] {
    let bytes = try statement(facts).canonical + [0x0a]
    _ = try ProvenanceDocument(parsing: bytes)
    return bytes
  }

  /// The statement. Subjects without a name of their own are refused, since a verifier could not tell them apart.
  public static func statement(_ facts: ProvenanceFacts) throws(Problem) -> JSON {
    guard !facts.subjects.isEmpty else {
      throw .usage("provenance.no-subject", "a provenance about nothing proves nothing", hint: "pass --subject FILE")
    }
    guard Set(facts.subjects.map(\.name)).count == facts.subjects.count else {
      throw .refused("provenance.subject-twice", "two subjects have the same name")
    }
    return Statement(
      subjects: facts.subjects.sorted { $0.name < $1.name }.map(subject), predicateType: PredicateType.provenance,
      predicate: predicate(facts)
    ).json
  }

  /// The predicate alone.
  public static func predicate(_ facts: ProvenanceFacts) -> JSON {
    let definition: JSON = [
      "buildType": .string(buildType), "externalParameters": externalParameters(facts),
      "internalParameters": internalParameters(facts), "resolvedDependencies": .array(dependencies(facts)),
    ]
    return ["buildDefinition": definition, "runDetails": runDetails(facts)]
  }

  private static func externalParameters(_ facts: ProvenanceFacts) -> JSON {
    object([
      ("source", object([("uri", .string(facts.source.uri)), ("ref", text(facts.source.reference))])),
      ("command", facts.command.isEmpty ? nil : .array(facts.command.map { .string($0) })),
      ("configuration", text(facts.configuration)),
    ])
  }

  private static func internalParameters(_ facts: ProvenanceFacts) -> JSON {
    let system = facts.machine.system
    return [
      "sourceTree": ["clean": .bool(facts.source.isClean), "sha256": .string(facts.source.tree.hex)],
      "host": [
        "architecture": .string(facts.machine.architecture), "kernel": .string(facts.machine.kernel),
        "distribution": .string(system.distro), "distributionName": .string(system.name),
        "target": .string(facts.toolchain.target),
      ],
    ]
  }

  private static func dependencies(_ facts: ProvenanceFacts) -> [JSON] {
    let suffix = facts.source.reference.map { "@\($0)" } ?? ""
    let algorithm = "gitCommit"
    var list: [JSON] = [
      object([
        ("name", "source"), ("uri", .string(facts.source.uri + suffix)),
        ("digest", object([(algorithm, .string(facts.source.commit))])),
      ]),
      object([
        ("name", "swift-toolchain"),
        ("uri", .string(PackageURL.generic("swift", version: facts.toolchain.version))),
        ("digest", ["sha256": .string(facts.toolchain.frontend.sha256.hex)]),
        (
          "annotations",
          ["version": .string(facts.toolchain.description), "file": .string(facts.toolchain.frontend.name)]
        ),
      ]),
    ]
    list += facts.packages.sorted { $0.package.identity < $1.package.identity }.map { dependency($0) }
    list += facts.debian.sorted { $0.name < $1.name }.map { package in
      object([
        ("name", .string(package.name)), ("uri", .string(PackageURL.deb(package, on: facts.machine.system))),
        ("annotations", ["source": .string("\(package.source) \(package.sourceVersion)")]),
      ])
    }
    return list
  }

  private static func dependency(_ source: SwiftPackageSource) -> JSON {
    let package = source.package
    // `sha256` is the digest of the sources; a `gitCommit` is named only when it is upstream's.
    var digest: [(String, JSON?)] = [("sha256", .string(source.tree.hex))]
    var revision = "unverified-mirror"
    if case .verified(let commit) = source.revision {
      digest.append(("gitCommit", .string(commit)))
      revision = "verified"
    }
    let uri = PackageURL.swift(package.address, version: package.version)
    return object([
      ("name", .string(package.identity)), ("uri", .string(uri ?? package.address)), ("digest", object(digest)),
      (
        "annotations",
        ["digest": "source-tree", "revision": .string(revision), "version": .string(package.version ?? "unspecified")]
      ),
    ])
  }

  private static func runDetails(_ facts: ProvenanceFacts) -> JSON {
    let run = facts.run
    let metadata: [(String, JSON?)] = [
      ("invocationId", text(run.invocation)), ("startedOn", text(run.started.map { "\($0)" })),
      ("finishedOn", text(run.finished.map { "\($0)" })),
    ]
    return object([
      (
        "builder",
        ["id": .string(run.builder), "version": ["rustynet-assure": .string(run.toolVersion)]]
      ),
      ("metadata", metadata.contains { $0.1 != nil } ? object(metadata) : nil),
      (
        "byproducts",
        facts.byproducts.isEmpty
          ? nil : .array(facts.byproducts.sorted { $0.name < $1.name }.map { subject($0).json })
      ),
    ])
  }

  private static func subject(_ file: FileFacts) -> Subject {
    Subject(name: file.name, digests: [file.sha256, file.sha512])
  }

  private static func text(_ text: String?) -> JSON? { text.map { .string($0) } }

  private static func object(_ members: [(String, JSON?)]) -> JSON {
    var object = JSONObject()
    for (key, value) in members { object[key] = value }
    return .object(object)
  }
}
