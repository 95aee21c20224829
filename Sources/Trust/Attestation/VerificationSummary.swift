public import Cryptography
import Diagnostics
public import StrictJSON
public import Wire

/// A SLSA verification summary (https://slsa.dev/spec/v1.1/verification_summary): one verifier's decision in short.
public struct VerificationSummary: Sendable {
  /// Something that the decision rests on.
  public struct Input: Sendable, Equatable {
    /// Where it is found.
    public let uri: String
    /// What it is; ours have one digest, those of others may have several or none.
    public let digests: [Digest]

    /// An input with one digest.
    public init(uri: String, digest: Digest) { self.init(uri: uri, digests: [digest]) }

    /// An input with these digests.
    public init(uri: String, digests: [Digest]) {
      self.uri = uri
      self.digests = digests
    }

    /// The digest set as JSON.
    var set: JSON {
      var set = JSONObject()
      for digest in digests { set[digest.algorithm.rawValue] = .string(digest.hex) }
      return .object(set)
    }
  }

  /// The URI of the verifier.
  public let verifier: String
  /// The digest of the verifier's program, so that a second host's judgement can be told apart; nil in those of others.
  public let program: Digest?
  /// When it decided.
  public let time: Timestamp
  /// The URI of what was judged.
  public let resource: String
  /// The policy that was applied.
  public let policy: Input
  /// The attestations that were read.
  public let inputs: [Input]
  /// Whether it passed.
  public let isPassed: Bool
  /// What is thereby verified; empty where it failed (V24).
  public let levels: [String]

  /// A summary.
  public init(
    verifier: String, program: Digest?, time: Timestamp, resource: String, policy: Input, inputs: [Input],
    isPassed: Bool, levels: [String]
  ) {
    self.verifier = verifier
    self.program = program
    self.time = time
    self.resource = resource
    self.policy = policy
    self.inputs = inputs
    self.isPassed = isPassed
    self.levels = isPassed ? levels : []
  }

  /// The summary as a predicate.
  public var json: JSON {
    var version: JSONObject = JSONObject()
    version["rustynet-assure"] = .string(Product.version)
    version["rustynet-assure.digest"] = program.map { .string($0.description) }
    return [
      "verifier": ["id": .string(verifier), "version": .object(version)], "timeVerified": .string(time.description),
      "resourceUri": .string(resource), "policy": VerificationSummary.json(policy),
      "inputAttestations": .array(inputs.map(VerificationSummary.json)),
      "verificationResult": .string(isPassed ? "PASSED" : "FAILED"),
      "verifiedLevels": .array(levels.map { .string($0) }), "slsaVersion": "1.1",
    ]
  }

  private static func json(_ input: Input) -> JSON { ["uri": .string(input.uri), "digest": input.set] }
}

/// An in-toto simple verification result v0.2: the properties that a verifier found to hold.
public struct SimpleVerificationResult: Sendable {
  /// The URI of the verifier.
  public let verifier: String
  /// When it decided.
  public let time: Timestamp
  /// The policy that was applied.
  public let policy: VerificationSummary.Input
  /// What holds, such as `RUSTYNET_GATE_LAYERS`.
  public let properties: [String]

  /// A result.
  public init(verifier: String, time: Timestamp, policy: VerificationSummary.Input, properties: [String]) {
    self.verifier = verifier
    self.time = time
    self.policy = policy
    self.properties = properties
  }

  /// The result as a predicate.
  public var json: JSON {
    [
      "verifier": [
        "id": .string(verifier),
        "policies": [
          ["uri": .string(policy.uri), "digest": policy.set]
        ],
      ], "timeCreated": .string(time.description), "properties": .array(properties.map { .string($0) }),
    ]
  }
}

/// An in-toto test result v0.1.
public struct TestResult: Sendable {
  /// The names of the tests that passed.
  public let passed: [String]
  /// The names of the tests that failed.
  public let failed: [String]
  /// The files that configured the run, with their digests.
  public let configuration: [(name: String, digest: Digest)]

  /// A test run.
  public init(passed: [String], failed: [String], configuration: [(name: String, digest: Digest)]) {
    self.passed = passed
    self.failed = failed
    self.configuration = configuration
  }

  /// The result as a predicate; a run in which nothing passed has failed.
  public var json: JSON {
    [
      "result": .string(failed.isEmpty && !passed.isEmpty ? "PASSED" : "FAILED"),
      "configuration": .array(
        configuration.map { file in
          ["name": .string(file.name), "digest": [file.digest.algorithm.rawValue: .string(file.digest.hex)]]
        }), "passedTests": .array(passed.map { .string($0) }), "failedTests": .array(failed.map { .string($0) }),
    ]
  }
}
