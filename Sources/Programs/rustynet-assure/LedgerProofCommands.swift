import ArgumentParser
import Diagnostics
import LedgerStore
import LinuxKit
import StrictJSON
import TransparencyLog
import Wire

/// `ledger prove DIR --index N`.
struct LedgerProve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove", abstract: "Write the proof that an entry is in the ledger (C2SP tlog-proof).")

  @OptionGroup var target: LedgerArgument
  @Option(help: "The number of the entry.") var index: Int
  @Option(help: "Prove against the checkpoint in this file instead of the present one.") var checkpoint: String?
  @Option(help: "Refuse unless the checkpoint has this size.") var size: Int?
  @Option(help: "Where to write the proof instead of standard output.") var output: String?

  func run() throws {
    let earlier = try readCheckpoint(ifGiven: checkpoint)
    let proof = try target.ledger.prove(index, in: earlier)
    let found = proof.checkpoint.checkpoint.size
    if let size, size != found {
      throw Problem.malformed(
        "ledger.size", "the checkpoint has \(found) entries, not \(size)", hint: "give the older one with --checkpoint")
    }
    if let output { return try Output.write(proof.bytes, to: output) }
    try FileDescriptor(duplicating: 1, path: "standard output").write(proof.bytes)
  }
}

/// `ledger verify DIR` or `ledger verify --proof F ENTRY`.
struct LedgerVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Verify a whole ledger, or with --proof that a file is an entry of one.")

  @Argument(help: "The folder of the ledger; with --proof, the file that is the entry.") var path: String
  @Option(help: "The proof file.") var proof: String?
  @OptionGroup var verifier: LedgerVerifierOptions
  @Option(help: "Refuse unless the ledger extends the checkpoint in this file.") var since: String?
  @OptionGroup var output: LedgerOutput

  func validate() throws {
    if proof != nil && since != nil { throw ValidationError("--since is for a ledger, not for a proof") }
  }

  func run() throws {
    let key = try verifier.noteKey()
    if let proof { return try verify(proof, key) }
    let earlier = try readCheckpoint(ifGiven: since)
    let audit = try Ledger(path).verify(key: key, extending: earlier)
    let size = audit.checkpoint.checkpoint.size
    output.print(
      ledgerFacts(audit.checkpoint) + [
        ("pending", .integer(Int64(audit.pending))), ("tiles", .integer(Int64(audit.tiles))),
      ], ["whole: \(size) entries, root \(audit.checkpoint.checkpoint.root)"])
  }

  private func verify(_ file: String, _ key: NoteKey) throws(Problem) {
    let bytes = try FileSystem.read(file, limit: InclusionProof.sizeLimit)
    let entry = try FileSystem.read(path, limit: EntryBundle.entryLimit)
    let proof: InclusionProof
    do {
      proof = try InclusionProof(parsing: bytes)
      try proof.verify(entry: entry, keys: [key], origin: key.name)
    } catch { throw error.at(file) }
    let tree = proof.checkpoint.checkpoint
    output.print(
      ledgerFacts(proof.checkpoint) + [("index", .integer(Int64(proof.index)))],
      ["included: entry \(proof.index) of \(tree.size) in \(tree.origin)"])
  }
}

/// `ledger consistency DIR --from CHECKPOINT --public-key V`.
struct LedgerConsistency: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "consistency", abstract: "Check that the ledger only added to an earlier state, and print the proof.")

  @OptionGroup var target: LedgerArgument
  @Option(help: "The earlier state: the file of a checkpoint, or a size.") var from: String
  @Option(help: "The later state: the file of a checkpoint, or a size; else the present checkpoint.") var to: String?
  @OptionGroup var verifier: LedgerVerifierOptions
  @OptionGroup var output: LedgerOutput

  func run() throws {
    let key = try verifier.noteKey()
    let ledger = target.ledger
    // What lies behind a size is the ledger's own word, so its present checkpoint is always verified and held to.
    let current = try ledger.checkpoint(key: key).checkpoint
    let later: Checkpoint
    if let to { later = try state(to, key) } else { later = current }
    let earlier = try state(from, key)
    try ledger.requireExtension(of: later, by: current)
    try ledger.requireExtension(of: earlier, by: later)
    let proof = try ledger.consistencyProof(from: earlier.size, to: later.size)
    let hashes = proof.map(\.base64)
    output.print(
      [
        ("fromRoot", .string(earlier.root.base64)), ("fromSize", .integer(Int64(earlier.size))),
        ("proof", .array(hashes.map { .string($0) })), ("toRoot", .string(later.root.base64)),
        ("toSize", .integer(Int64(later.size))),
      ], hashes)
  }

  /// The state that an option names.
  private func state(_ name: String, _ key: NoteKey) throws(Problem) -> Checkpoint {
    if let size = Int(name), String(size) == name {
      return try Checkpoint(origin: key.name, size: size, root: try target.ledger.root(size: size))
    }
    let signed = try readCheckpoint(name)
    do { try signed.verify(by: [key], origin: key.name) } catch { throw error.at(name) }
    return signed.checkpoint
  }
}

/// `ledger fsck DIR --public-key V`.
struct LedgerCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fsck", abstract: "Check every byte of a ledger and report each difference.")

  @OptionGroup var target: LedgerArgument
  @OptionGroup var verifier: LedgerVerifierOptions
  @Flag(help: "Rebuild tiles from the journal and clear leftovers.") var repair = false
  @OptionGroup var output: LedgerOutput

  func run() throws {
    let audit = try target.ledger.check(key: try verifier.noteKey(), repair: repair)
    let differences: [JSON] = audit.differences.map { difference in
      [
        "message": .string(difference.message), "place": .string(difference.place),
        "severity": .string(difference.severity.rawValue),
      ]
    }
    let state = audit.worst != nil ? "damaged" : audit.differences.isEmpty ? "clean" : repair ? "repaired" : "leftovers"
    output.print(
      ledgerFacts(audit.checkpoint) + [
        ("differences", .array(differences)), ("pending", .integer(Int64(audit.pending))),
        ("state", .string(state)), ("tiles", .integer(Int64(audit.tiles))),
      ], audit.differences.map(\.description) + ["\(state): \(audit.checkpoint.checkpoint.size) entries"])
    if let worst = audit.worst {
      throw Problem.refused(
        "ledger.damaged", worst.message, place: worst.place,
        hint: worst.severity == .fatal ? "restore the ledger from a backup" : "run it again with --repair")
    }
  }
}
