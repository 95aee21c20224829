import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import Gates
import LinuxKit
import StrictJSON

/// `rustynet-assure release-policy …`.
struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release-policy", abstract: "Say what a release must show.",
    subcommands: [PolicySign.self, PolicyInspect.self, PolicyDiff.self, PolicyPin.self])

  /// The policy in a plain or a signed file, and the envelope of the latter; nothing is verified.
  static func read(_ path: String) throws(Problem) -> (policy: ReleasePolicy, document: JSON, envelope: Envelope?) {
    let bytes = try FileSystem.read(path, limit: 1 << 20)
    do throws(Problem) {
      let document = try ReleasePolicy.document(parsing: bytes)
      return (try ReleasePolicy(parsing: document.bytes), try JSON(parsing: document.bytes), document.envelope)
    } catch { throw error.at(path) }
  }
}

struct PolicySign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Sign a release policy, or add a signature to a signed one.")

  @Argument(help: "The policy, plain or signed.") var file: String
  @OptionGroup var key: KeyOptions
  @Option(help: "The signed file to write.") var output: String

  func run() throws {
    let (policy, document, envelope) = try PolicyCommand.read(file)
    let key = try key.load()
    var signed =
      try envelope ?? Envelope(payloadType: ReleasePolicy.payloadType, payload: document.canonical, signedBy: [key])
    try signed.sign(with: key)
    try Output.write(signed.encoded, to: output)
    Console.note("wrote \(output): version \(policy.version), \(policy.digest)")
  }
}

struct PolicyInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Print a release policy and its digest.")

  @Argument(help: "The policy.") var file: String
  @Option(help: "A trust file, to say who signed.") var trust: String?
  @OptionGroup var time: TimeOptions
  @OptionGroup var format: JSONOptions

  func run() throws {
    let (policy, document, envelope) = try PolicyCommand.read(file)
    var checks: [Check] = []
    if let trust, let envelope {
      let time = try time.time()
      let file = try loadTrust(trust, fingerprint: nil, profile: policy.profile, at: time)
      checks = file.judge(envelope, role: .root, at: time, for: policy.profile)
    }
    if format.json {
      let facts: JSON = [
        "policy": document, "digest": .string(policy.digest.description), "checks": .array(checks.map(\.json)),
      ]
      return Console.print(facts.printable)
    }
    Console.print(document.pretty.trimmingSuffix("\n"))
    Console.print("digest \(policy.digest)")
    for line in Report.lines(checks) { Console.print(line) }
  }
}

struct PolicyDiff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Print what differs between two release policies, one line each.",
    discussion: "Ends with 0 when nothing differs and with 78 when something does.")

  @Argument(help: "The earlier policy.") var old: String
  @Argument(help: "The later policy.") var new: String

  func run() throws {
    let before = JSONDifference.leaves(try PolicyCommand.read(old).document)
    let after = JSONDifference.leaves(try PolicyCommand.read(new).document)
    var isDifferent = false
    for pointer in Set(before.keys).union(after.keys).sorted() where before[pointer] != after[pointer] {
      isDifferent = true
      Console.print(
        "\(pointer): \(before[pointer]?.canonicalText ?? "absent") -> \(after[pointer]?.canonicalText ?? "absent")")
    }
    if isDifferent { throw Report.end(.refused) }
  }
}

/// The leaves of a JSON document by their pointers.
enum JSONDifference {
  static func leaves(_ value: JSON, pointer: String = "") -> [String: JSON] {
    switch value {
    case .object(let object) where !object.members.isEmpty:
      object.members.reduce(into: [:]) { result, member in
        result.merge(leaves(member.value, pointer: "\(pointer)/\(JSONPointer.escape(member.key))")) { first, _ in first
        }
      }
    case .array(let elements) where !elements.isEmpty:
      elements.enumerated().reduce(into: [:]) { result, element in
        result.merge(leaves(element.element, pointer: "\(pointer)/\(element.offset)")) { first, _ in first }
      }
    default: [pointer: value]
    }
  }
}

struct PolicyPin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin", abstract: "Write the digests of the gates into a policy, and print the policy's own digest.",
    discussion: "For the owner of the policy after a deliberate change; scripts/pin-policy calls it.")

  @Argument(help: "The policy, plain.") var file: String
  @Option(help: "The root of the source tree.") var root = "."

  func run() throws {
    let bytes = try FileSystem.read(file, limit: 1 << 20)
    guard case .object(var document) = try JSON(parsing: bytes) else {
      throw Problem.malformed("policy.type", "the policy is no object", place: file)
    }
    var gates: [JSON] = []
    for element in try JSONReader(.object(document)).member("gates").elements() {
      let (gate, _) = try GateDefinition.load(try element.member("id").token(), root: root)
      gates.append(["id": .string(gate.id), "definition": .string(gate.digest.description)])
    }
    document["gates"] = .array(gates)
    let text = JSON.object(document).pretty
    let policy = try ReleasePolicy(parsing: Array(text.utf8))
    try Output.write(Array(text.utf8), to: file)
    Console.print("\(policy.digest)")
  }
}
