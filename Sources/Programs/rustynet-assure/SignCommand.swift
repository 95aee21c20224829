import ArgumentParser
import Attestation
import Cryptography
import Diagnostics
import LinuxKit
import StrictJSON

/// `rustynet-assure sign`.
struct SignCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Sign an in-toto Statement about files.",
    discussion: """
      Makes a Statement v1 with the predicate in a file, about the subjects, and signs it as a DSSE envelope.
      Example: rustynet-assure sign --key k.json --passphrase-file p --predicate-type test-result --predicate r.json tool

      Short names for predicate types: \(PredicateType.aliases.map(\.name).joined(separator: ", ")).
      """)

  @OptionGroup var key: KeyOptions
  @Option(help: "The type of the predicate: a URI or a short name.") var predicateType: String
  @Option(help: "The file with the predicate, a JSON object.") var predicate: String
  @Option(help: "The file to write (default: standard output).") var output: String?
  @Argument(help: "Files, or digests such as sha256:HEX.") var subjects: [String]

  func run() throws {
    let type = try Input.predicateType(predicateType)
    if let output { try Output.require([output], apartFrom: subjects + [predicate]) }
    let value = try readPredicate()
    var list: [Subject] = []
    for text in subjects {
      let (name, digests) = try Input.subject(text)
      list.append(Subject(name: name, digests: digests))
    }
    guard !list.isEmpty else { throw Problem.usage("usage.subject", "name at least one subject") }
    let statement = Statement(
      subjects: list, predicateType: type, predicate: value)
    let envelope = try statement.signed(by: [try key.load()]).encoded
    if let output {
      try Output.write(envelope, to: output)
      Console.note("wrote \(output)")
    } else {
      Console.print(String(decoding: envelope.dropLast(), as: UTF8.self))
    }
  }

  private func readPredicate() throws(Problem) -> JSON {
    let bytes = try FileSystem.read(predicate, limit: 32 << 20)
    do {
      return try JSON.decode(bytes, limits: JSON.Limits(size: 32 << 20)) { reader throws(Problem) in
        _ = try reader.object()
        return reader.value
      }
    } catch { throw error.at(predicate) }
  }
}
