import ArgumentParser
import Diagnostics
import LedgerStore
import LinuxKit
import StrictJSON
import TransparencyLog
import Wire

/// `rustynet-assure ledger`: an append-only log with proofs, in a folder.
struct LedgerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger",
    abstract: "Keep an append-only ledger and prove what is in it.",
    discussion: """
      Example: rustynet-assure ledger init log --origin example.org/log --key k.json --passphrase-file pass
               rustynet-assure ledger append log --key k.json --passphrase-file pass record.json
               rustynet-assure ledger prove log --index 0 --output record.tlog-proof
      """,
    subcommands: [
      LedgerInit.self, LedgerAppend.self, LedgerSign.self, LedgerProve.self, LedgerVerify.self, LedgerConsistency.self,
      LedgerCheck.self,
    ])
}

/// The folder of a ledger.
struct LedgerArgument: ParsableArguments {
  @Argument(help: "The folder of the ledger.") var folder: String

  var ledger: Ledger { Ledger(folder) }
}

/// The key that signs checkpoints.
struct LedgerKeyOptions: ParsableArguments {
  @OptionGroup var key: KeyOptions

  /// The signer for the ledger `origin`.
  func signer(origin: String) throws(Problem) -> NoteSigner {
    try NoteSigner(name: origin, signingKey: try key.unseal())
  }

  /// The signer for a ledger that is there; its origin is checked again when the checkpoint is verified.
  func signer(for ledger: Ledger) throws(Problem) -> NoteSigner {
    try signer(origin: try ledger.checkpoint().checkpoint.origin)
  }
}

/// The key that verifies checkpoints.
struct LedgerVerifierOptions: ParsableArguments {
  @Option(help: "The verifier key, `name+hash+base64`, or a file that holds it.") var publicKey: String

  func noteKey() throws(Problem) -> NoteKey {
    if let key = try? NoteKey(publicKey) { return key }
    let bytes = try FileSystem.read(publicKey, limit: 1024)
    guard let text = String(validating: bytes.last == 0x0a ? bytes.dropLast() : bytes[...], as: UTF8.self) else {
      throw .malformed("note.key", "this is not a verifier key", place: publicKey)
    }
    do { return try NoteKey(text) } catch { throw error.at(publicKey) }
  }
}

/// How results are printed.
struct LedgerOutput: ParsableArguments {
  @Flag(help: "Print the facts as one canonical JSON object.") var json = false

  /// Prints the facts, or else the lines for people.
  func print(_ facts: [(String, JSON)], _ lines: [String]) {
    guard json else { return lines.forEach { Console.print(Printable.oneLine($0)) } }
    var object = JSONObject()
    for (key, value) in facts { object[key] = value }
    Console.print(JSON.object(object).printable)
  }
}

/// The facts of a checkpoint.
func ledgerFacts(_ signed: SignedCheckpoint) -> [(String, JSON)] {
  let tree = signed.checkpoint
  return [
    ("origin", .string(tree.origin)), ("root", .string(tree.root.base64)), ("size", .integer(Int64(tree.size))),
  ]
}

/// The signed checkpoint that an option names, nil where it is not given.
func readCheckpoint(ifGiven path: String?) throws(Problem) -> SignedCheckpoint? {
  guard let path else { return nil }
  return try readCheckpoint(path)
}

/// A signed checkpoint from a file.
func readCheckpoint(_ path: String) throws(Problem) -> SignedCheckpoint {
  let bytes = try FileSystem.read(path, limit: SignedNote.sizeLimit)
  do { return try SignedCheckpoint(parsing: bytes) } catch { throw error.at(path) }
}

/// `ledger init DIR --origin O --key K`.
struct LedgerInit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make an empty ledger and print its verifier key.")

  @OptionGroup var target: LedgerArgument
  @Option(help: "The name of the ledger, such as example.org/releases.") var origin: String
  @OptionGroup var key: LedgerKeyOptions
  @OptionGroup var output: LedgerOutput

  func run() throws {
    let signer = try key.signer(origin: origin)
    let signed = try LedgerWriter.create(target.folder, signer: signer)
    let verifier = signer.key.description
    output.print(ledgerFacts(signed) + [("publicKey", .string(verifier))], [verifier])
  }
}

/// `ledger append DIR --key K FILE…`.
struct LedgerAppend: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "append", abstract: "Add entries as one batch; when it ends well they are durable and proved.")

  @OptionGroup var target: LedgerArgument
  @OptionGroup var key: LedgerKeyOptions
  @Flag(help: "Each line of each file is an entry, without its newline.") var lines = false
  @Option(help: "Refuse unless the ledger extends the checkpoint in this file.") var since: String?
  @Argument(help: "The files; each is an entry. `-` is standard input.") var files: [String]
  @OptionGroup var output: LedgerOutput

  func run() throws {
    var entries: [[UInt8]] = []
    for file in files { entries += try read(file) }
    guard !entries.isEmpty else { throw Problem.malformed("ledger.no-entries", "there is nothing to append") }
    let signer = try key.signer(for: target.ledger)
    let earlier = try readCheckpoint(ifGiven: since)
    var writer = try LedgerWriter(opening: target.folder, signer: signer, extending: earlier)
    let pending = writer.pending
    let receipt = try writer.append(entries)
    // Not before: an append that fails has covered nothing.
    if pending > 0 { Console.note("\(pending) entries of an interrupted batch are covered as well") }
    let first = Int64(receipt.indices.lowerBound)
    output.print(
      ledgerFacts(receipt.checkpoint) + [
        ("count", .integer(Int64(receipt.indices.count))), ("first", .integer(first)),
        ("recovered", .integer(Int64(pending))),
      ],
      ["\(receipt.indices.lowerBound)..\(receipt.indices.upperBound - 1) of \(receipt.checkpoint.checkpoint.size)"])
  }

  private func read(_ path: String) throws(Problem) -> [[UInt8]] {
    let bytes =
      path == "-"
      ? try FileDescriptor(duplicating: 0, path: "standard input").readAll(limit: 1 << 30)
      : try FileSystem.read(path, limit: lines ? 1 << 30 : EntryBundle.entryLimit)
    guard lines else { return [bytes] }
    let text = bytes.last == 0x0a ? bytes.dropLast() : bytes[...]
    return text.split(separator: 0x0a, omittingEmptySubsequences: false).map { Array($0) }
  }
}

/// `ledger checkpoint DIR --key K`.
struct LedgerSign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint", abstract: "Sign a checkpoint over everything that is durable, and print it.")

  @OptionGroup var target: LedgerArgument
  @OptionGroup var key: LedgerKeyOptions
  @OptionGroup var output: LedgerOutput

  func run() throws {
    var writer = try LedgerWriter(opening: target.folder, signer: try key.signer(for: target.ledger))
    let signed = try writer.sign()
    let note = String(decoding: signed.note.bytes, as: UTF8.self)
    output.print(
      ledgerFacts(signed) + [("checkpoint", .string(note))],
      note.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
  }
}
