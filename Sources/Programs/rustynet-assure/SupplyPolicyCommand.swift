import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON
import SupplyChain

/// `rustynet-assure supply-policy …`.
struct SupplyPolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "supply-policy", abstract: "Say which attestations an artifact needs, and from whom.",
    subcommands: [SupplyPolicySign.self])
}

struct SupplyPolicySign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Sign a supply policy, or add a signature to a signed one.",
    discussion: "The policy is read first, so that one that nobody could judge by is never signed.")

  @Argument(help: "The policy, plain or signed.") var file: String
  @OptionGroup var key: KeyOptions
  @Option(help: "The signed file to write.") var output: String

  func run() throws {
    let bytes = try FileSystem.read(file, limit: 1 << 20)
    do throws(Problem) {
      let document = try SupplyPolicy.document(parsing: bytes)
      let policy = try SupplyPolicy(parsing: document.bytes)
      let key = try key.load()
      let payload = try JSON(parsing: document.bytes).canonical
      var signed: Envelope
      if let envelope = document.envelope {
        signed = envelope
        try signed.sign(with: key)
      } else {
        signed = try Envelope(payloadType: SupplyPolicy.payloadType, payload: payload, signedBy: [key])
      }
      try Output.write(signed.encoded, to: output)
      Console.note("wrote \(output): version \(policy.version), \(policy.digest)")
    } catch { throw error.place?.hasPrefix(file) == true ? error : error.at(file) }
  }
}
