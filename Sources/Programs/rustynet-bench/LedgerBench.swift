import Cryptography
import Diagnostics
import Glibc
import LedgerStore
import LinuxKit
import TransparencyLog

/// How fast a ledger appends, beside a loop that only writes the same bytes, and how fast it proves.
///
/// The loop writes as many bytes to as many files with the same number of waits for the disk, but hashes nothing: its
/// rate is the one that no ledger can exceed on this disk.
enum LedgerBench {
  /// What is measured.
  struct Plan {
    var entries: Int
    var batch: Int
    /// The bytes of an entry.
    var length: Int
    var folder: String
  }

  /// Measures and returns plain facts, one a line.
  static func run(_ plan: Plan) throws(Problem) -> [String] {
    try FileSystem.makeFolder(plan.folder)
    let path = "\(plan.folder)/ledger"
    let signer = try NoteSigner(name: "bench.example/log", signingKey: Ed25519.SigningKey())
    _ = try LedgerWriter.create(path, signer: signer)
    var writer = try LedgerWriter(opening: path, signer: signer)
    var ours: [Double] = []
    var bare: [Double] = []
    let loop = try BareLoop(folder: "\(plan.folder)/loop")
    // Turn by turn, so that both meet the same disk; each begins every other turn, because a wait for the disk also
    // waits for what the one before has left in the cache.
    for start in stride(from: 0, to: plan.entries, by: plan.batch) {
      let range = start..<min(start + plan.batch, plan.entries)
      let entries = batch(range, plan.length)
      let note = writer.checkpoint.note.bytes
      let isBareFirst = start / plan.batch % 2 == 1
      if isBareFirst { bare.append(try seconds { () throws(Problem) in try loop.write(range, plan.length, note) }) }
      let begin = Host.monotonicSeconds()
      _ = try writer.append(entries)
      ours.append(Host.monotonicSeconds() - begin)
      if !isBareFirst { bare.append(try seconds { () throws(Problem) in try loop.write(range, plan.length, note) }) }
    }
    let (our, their) = (ours.reduce(0, +), bare.reduce(0, +))
    var facts = [
      "entries=\(plan.entries) batch=\(plan.batch) length=\(plan.length)",
      "append_seconds=\(our) entries_per_second=\(Int(Double(plan.entries) / our))",
      "loop_seconds=\(their) entries_per_second=\(Int(Double(plan.entries) / their))",
      "ratio=\(their / our) median_ratio=\(median(bare) / median(ours))",
    ]
    facts += try proofs(Ledger(path), plan.entries)
    return facts
  }

  /// Times proofs of entries spread over the ledger.
  private static func proofs(_ ledger: Ledger, _ size: Int) throws(Problem) -> [String] {
    var times: [Double] = []
    for turn in 0..<1000 {
      let begin = Host.monotonicSeconds()
      _ = try ledger.prove((turn * 7_919_317) % size)
      times.append((Host.monotonicSeconds() - begin) * 1000)
    }
    return ["proofs=\(times.count) median_ms=\(median(times)) max_ms=\(times.max() ?? 0)"]
  }

  private static func seconds(_ body: () throws(Problem) -> Void) throws(Problem) -> Double {
    let begin = Host.monotonicSeconds()
    try body()
    return Host.monotonicSeconds() - begin
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  private static func batch(_ range: Range<Int>, _ length: Int) -> [[UInt8]] {
    range.map { number in
      var entry = [UInt8](repeating: 0x61, count: length)
      for place in 0..<min(8, length) { entry[place] = UInt8(truncatingIfNeeded: number >> (8 * place)) }
      return entry
    }
  }
}

/// Writes what a ledger would write, with the same waits.
private struct BareLoop: ~Copyable {
  private let journal: FileDescriptor
  private let tiles: FileDescriptor
  private let folder: String

  init(folder: String) throws(Problem) {
    try FileSystem.makeFolder(folder)
    let journal = try FileDescriptor(opening: "\(folder)/journal", O_WRONLY | O_CREAT | O_EXCL)
    let tiles = try FileDescriptor(opening: "\(folder)/tiles", O_WRONLY | O_CREAT | O_EXCL)
    self.journal = journal
    self.tiles = tiles
    self.folder = folder
  }

  /// Writes the bytes of a batch: a record and a place in a tile for each entry, the partial tiles, and the checkpoint.
  func write(_ range: Range<Int>, _ length: Int, _ note: [UInt8]) throws(Problem) {
    let full = range.upperBound / 256 - range.lowerBound / 256
    let partial = range.upperBound % 256
    try journal.write([UInt8](repeating: 0x62, count: range.count * (42 + length)))
    try journal.synchronize()
    try tiles.write([UInt8](repeating: 0x63, count: (full * 256 + partial) * (34 + length)))
    try FileSystem.write(note, to: "\(folder)/checkpoint")
  }
}
