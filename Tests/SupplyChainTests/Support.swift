import Attestation
import Cryptography
import Diagnostics
import StrictJSON
import SupplyChain
import TestSupport

let github = "https://token.actions.githubusercontent.com"
let generator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows"

/// A workflow of GitHub that builds and signs for itself, with everything in order.
let workflow = "https://github.com/o/r/.github/workflows/release.yml@refs/tags/v1.2.3"
let artifact = Digest(of: Array("artifact".utf8))
let commit = "d37a7f740ee7404914456f24dcd90e865a0509e8"

/// SLSA v1 of the build type workflow/v1.
let predicateV1: JSON = [
  "buildDefinition": [
    "buildType": "https://actions.github.io/buildtypes/workflow/v1",
    "externalParameters": [
      "workflow": [
        "ref": "refs/tags/v1.2.3", "repository": "https://github.com/o/r", "path": ".github/workflows/release.yml",
      ]
    ],
    "internalParameters": ["github": ["event_name": "push", "runner_environment": "github-hosted"]],
    "resolvedDependencies": [
      ["uri": "git+https://github.com/o/r@refs/tags/v1.2.3", "digest": ["gitCommit": .string(commit)]]
    ],
  ],
  "runDetails": [
    "builder": ["id": .string(workflow)],
    "metadata": [
      "invocationId": "https://github.com/o/r/actions/runs/7/attempts/1", "startedOn": "2026-11-22T10:00:00.5Z",
      "finishedOn": "2026-11-22T11:00:00+01:00",
    ],
  ],
]

/// SLSA v0.2 of the generic generator.
let predicateV02: JSON = [
  "builder": ["id": .string("\(generator)/generator_generic_slsa3.yml@refs/tags/v2.1.0")],
  "buildType": "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
  "invocation": [
    "configSource": [
      "uri": "git+https://github.com/o/r@refs/heads/main", "digest": ["sha1": .string(commit)],
      "entryPoint": ".github/workflows/release.yml",
    ], "parameters": [:], "environment": ["github_event_name": "push"],
  ], "metadata": ["buildInvocationID": "7-1", "buildStartedOn": .null],
  "materials": [["uri": "git+https://github.com/o/r@refs/heads/main", "digest": ["sha1": .string(commit)]]],
]

func statement(_ predicate: JSON, _ type: String = PredicateType.provenance, _ digest: Digest = artifact) -> Statement {
  Statement(subjects: [Subject(name: "artifact", digests: [digest])], predicateType: type, predicate: predicate)
}

/// What GitHub's certificate says of the build in `predicateV1`.
func identity(_ name: String = workflow, _ change: (inout SignerIdentity.Claims) -> Void = { _ in }) -> SignerIdentity {
  var claims = SignerIdentity.Claims()
  claims.buildSignerURI = name
  claims.runnerEnvironment = "github-hosted"
  claims.sourceRepositoryURI = "https://github.com/o/r"
  claims.sourceRepositoryDigest = commit
  claims.sourceRepositoryRef = "refs/tags/v1.2.3"
  claims.buildConfigURI = workflow
  claims.buildTrigger = "push"
  claims.runInvocationURI = "https://github.com/o/r/actions/runs/7/attempts/1"
  change(&claims)
  return SignerIdentity(name: name, issuer: github, claims: claims)
}

/// The codes of what did not pass, each once and sorted.
func codes(_ checks: [Check]) -> [String] { Set(checks.filter { $0.outcome != .passed }.map(\.code)).sorted() }

extension JSON {
  /// The value with `new` at `path`, where numbers are positions of arrays; nil leaves the member out.
  func with(_ path: String, _ new: JSON?) -> JSON {
    JSON.set(self, path.split(separator: "/").map(String.init)[...], new)
  }

  private static func set(_ value: JSON, _ path: ArraySlice<String>, _ new: JSON?) -> JSON {
    guard let key = path.first else { return new ?? .null }
    let rest = path.dropFirst()
    if case .array(var elements) = value, let index = Int(key) {
      if rest.isEmpty, new == nil {
        elements.remove(at: index)
      } else {
        elements[index] = set(elements[index], rest, new)
      }
      return .array(elements)
    }
    var object = if case .object(let object) = value { object } else { JSONObject() }
    object[key] = rest.isEmpty ? new : set(object[key] ?? .object(JSONObject()), rest, new)
    return .object(object)
  }
}
