import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import TestSupport
import Testing
import Wire

@testable import Gates

let commit = String(repeating: "c", count: 40)
let toolBytes: [UInt8] = Array("tool".utf8)

func member(_ value: JSON, _ path: String...) -> JSON? {
  path.reduce(value as JSON?) { value, key in
    guard case .object(let object)? = value else { return nil }
    return object[key]
  }
}

extension JSON {
  /// A copy in which the member at `path` is `value`, or is left out.
  func with(_ path: String..., value: JSON?) -> JSON { setting(path[...], value) }

  private func setting(_ path: ArraySlice<String>, _ value: JSON?) -> JSON {
    guard let key = path.first, case .object(var object) = self else { return value ?? .null }
    object[key] = path.count == 1 ? value : (object[key] ?? .null).setting(path.dropFirst(), value)
    return .object(object)
  }
}

/// The codes of the checks that did not pass.
func faults(_ checks: [Check]) -> [String] { checks.filter { $0.outcome != .passed }.map(\.code) }

func definition(_ kind: String, minimum: Int = 1, rest: String = "", id: String = "g") throws -> GateDefinition {
  try GateDefinition(yaml: yaml(kind, minimum: minimum, rest: rest, id: id), name: id)
}

func yaml(_ kind: String, minimum: Int = 1, rest: String = "", id: String = "g") -> [UInt8] {
  let text = """
    id: \(id)
    title: A gate
    requirements: [P1-1]
    severity: high
    kind: \(kind)
    minimum:
      count: \(minimum)
      of: things
    \(rest)
    """
  return Array(text.utf8)
}

/// Evidence of a small release that is right; tests change one thing.
struct Sample {
  var time = now
  var subjects = [Subject(name: "tool", digests: [Digest(of: toolBytes), Digest(of: toolBytes, .sha512)])]
  var commit = GatesTests.commit
  var documents: [String: [UInt8]] = [:]
  var policy = Sample.policy
  var trust: TrustFile?

  /// Key 1 builds, 2 is the security owner, 3 the engineering owner, 4 is both; 5 is the root; 9 is a stranger's.
  init() throws {
    let names = ["builder", "sec", "eng", "both", "root"]
    let principals = try names.enumerated().map { index, name in
      let trusted = TrustedKey(
        key: try key(UInt8(index + 1)).publicKey, validFrom: now.adding(seconds: -day),
        validUntil: now.adding(seconds: 30 * day), use: .release)
      return Principal(name: name, keys: [trusted])
    }
    trust = try TrustFile(
      version: 1, issued: now.adding(seconds: -day), expires: now.adding(seconds: 60 * day), profile: .release,
      principals: principals,
      roles: [
        .root: RoleRule(threshold: 1, principals: ["root"]), .builder: RoleRule(threshold: 1, principals: ["builder"]),
        .security: RoleRule(threshold: 1, principals: ["sec", "both"]),
        .engineering: RoleRule(threshold: 1, principals: ["eng", "both"]),
      ])
    documents["sbom.cdx.json"] = Sample.sbom.canonical
    documents["dependency-exceptions.json"] = exceptions([]).canonical
    documents["provenance.json"] = try statement(Sample.provenance, type: PredicateType.provenance)
  }

  var evidence: GateEvidence {
    get throws {
      GateEvidence(
        policy: try ReleasePolicy(parsing: policy.canonical), trust: trust, time: time, commit: commit,
        subjects: subjects, documents: documents)
    }
  }

  /// A signed statement about the subjects.
  func statement(_ predicate: JSON, type: String, by signer: UInt8 = 1) throws -> [UInt8] {
    Statement(subjects: subjects, predicateType: type, predicate: predicate).signed(by: [try key(signer)]).encoded
  }

  static let policy: JSON = [
    "type": "rustynet-release-policy/v1", "version": 1, "issued": "2026-11-01T00:00:00Z",
    "expires": "2027-11-01T00:00:00Z", "profile": "release", "subjects": ["tool"],
    "gates": [["id": "g", "definition": .string("\(Digest(of: yaml("command")))")]], "deferred": [],
    "limits": [
      "tests.minimum": 2, "sbom.minimum-components": 2, "evidence.maximum-age-seconds": 1000,
      "exceptions.maximum-days": 90, "keys.maximum-validity-days": 31,
    ], "provenance": ["builders": ["urn:b"], "sources": ["git+https://h/o/n"], "buildTypes": ["urn:t"]],
    "dependencies": [
      ["purl": "pkg:swift/h/o/lib", "licence": "MIT"],
      ["purl": "pkg:deb/debian/libc6", "licence": "LGPL-2.1-or-later"],
    ],
  ]

  static func component(_ reference: String, type: String = "library", name: String, purl: String?, _ bytes: [UInt8])
    -> JSON
  {
    var object = JSONObject()
    object["type"] = .string(type)
    object["bom-ref"] = .string(reference)
    object["name"] = .string(name)
    object["purl"] = purl.map { .string($0) }
    object["hashes"] = [["alg": "SHA-256", "content": .string(Digest(of: bytes).hex)]]
    return .object(object)
  }

  static let components: [JSON] = [
    component("tool", type: "application", name: "tool", purl: "pkg:generic/tool@1.0", toolBytes),
    component("lib", name: "lib", purl: "pkg:swift/h/o/lib@2.0.1", [2]),
    component("libc", name: "libc.so.6", purl: "pkg:deb/debian/libc6@2.36?arch=amd64&distro=debian-12", [3]),
  ]

  static func sbom(_ components: [JSON], edges: JSON = [["ref": "tool", "dependsOn": ["lib", "libc"]]]) -> JSON {
    ["bomFormat": "CycloneDX", "specVersion": "1.6", "components": .array(components), "dependencies": edges]
  }

  static let sbom = sbom(components)

  static let provenance: JSON = [
    "buildDefinition": [
      "buildType": "urn:t",
      "externalParameters": ["source": ["uri": "git+https://h/o/n", "ref": "main"], "command": ["swift", "build"]],
      "internalParameters": ["sourceTree": ["clean": true]],
      "resolvedDependencies": [
        ["name": "source", "uri": "git+https://h/o/n@main", "digest": ["gitCommit": .string(GatesTests.commit)]],
        ["name": "lib", "uri": "pkg:swift/h/o/lib@2.0.1", "digest": ["sha256": .string(Digest(of: [2]).hex)]],
      ],
    ], "runDetails": ["builder": ["id": "urn:b"]],
  ]

  /// What the gates about binaries see.
  static let binaries: JSON = [
    "sample": 1, "binaries": [["name": "tool", "sha256": .string(Digest(of: toolBytes).hex)]],
  ]

  func record(
    _ facts: JSON, name: String = "g", age: Int64 = 10, commit: String = GatesTests.commit, clean: Bool = true,
    commands: [Record.Command] = []
  ) -> Record {
    let time = now.adding(seconds: -age)
    return Record(
      name: name, started: time, finished: time, machine: .init(host: "h", kernel: "k", architecture: "a"),
      source: .init(commit: commit, isClean: clean), tool: Digest(of: []), commands: commands, facts: facts)
  }
}

/// A list of exceptions; each row is package, days from issue to now, days from now to the end.
func exceptions(_ rows: [(package: String, age: Int64, left: Int64)]) -> JSON {
  [
    "type": "rustynet-dependency-exceptions/v1",
    "exceptions": .array(
      rows.enumerated().map { index, row in
        [
          "id": .string("e\(index)"), "package": .string(row.package), "reason": "r", "owner": "o",
          "issued": .string("\(now.adding(seconds: -row.age * day))"),
          "expires": .string("\(now.adding(seconds: row.left * day))"),
        ]
      }),
  ]
}

func command(_ argv: [String], exitCode: Int64 = 0) -> Record.Command {
  Record.Command(argv: argv, exitCode: exitCode, milliseconds: 1, log: Digest(of: []))
}
