import ArgumentParser
import Diagnostics
import LinuxKit

/// `rustynet-bench ledger --entries N --batch B`.
struct LedgerBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Measure appends beside a bare write loop, and proofs.")

  @Option(help: "How many entries.") var entries = 100_000
  @Option(help: "How many entries a batch has.") var batch = 1000
  @Option(help: "How many bytes an entry has.") var length = 256
  @Argument(help: "A folder to make, on the disk to be measured.") var folder: String

  func run() throws {
    guard entries > 0, batch > 0, (1...65_535).contains(length) else {
      throw Problem.usage("bench.range", "entries, batch and length must be above zero, and length below 65536")
    }
    let plan = LedgerBench.Plan(entries: entries, batch: batch, length: length, folder: folder)
    for fact in try LedgerBench.run(plan) { Console.print(fact) }
  }
}
