import ArgumentParser
import Diagnostics
import LinuxKit
import Vectors

/// `rustynet-bench vectors`.
struct VectorsCommand: ParsableCommand {
  /// The corpora that have a judge. A new one adds its case here and in `judge`.
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case json, wycheproof, ed25519, merkle, sigstore, slsa, npm, pep740, layout, cedar, acl
  }

  static let configuration = CommandConfiguration(
    commandName: "vectors", abstract: "Judge a corpus of test vectors; the last line says how many cases agree.")

  @Argument(help: "The kind of corpus.") var kind: Kind
  @Argument(help: "The folder, or one file, of the corpus.") var path: String
  @Flag(help: "List every case that does not agree: id, expected and found.") var failures = false

  func run() throws {
    let (report, isReached) = try judged()
    guard report.total > 0 else {
      throw Problem.malformed("vectors.none", "there is no case of kind \(kind.rawValue)", place: path)
    }
    if failures {
      for failure in report.failures {
        Console.print(Printable.oneLine("\(failure.id) expected=\(failure.expected) found=\(failure.found)"))
      }
    }
    for note in report.notes { Console.print(Printable.oneLine(note)) }
    Console.print(report.summary(of: kind.rawValue))
    guard isReached else {
      throw Problem.refused(
        "vectors.threshold", "fewer cases agree than the kind's threshold", place: path,
        hint: "list them with --failures")
    }
  }

  /// The report, and whether it reaches the threshold of its kind: all cases unless said.
  private func judged() throws(Problem) -> (VectorReport, Bool) {
    guard kind == .acl else {
      let report = try judge()
      return (report, report.reaches(percent: 100))
    }
    let report = try ACLVectors.judge(path: path)
    return (report.cases, report.reachesThreshold)
  }

  private func judge() throws(Problem) -> VectorReport {
    switch kind {
    case .acl: try ACLVectors.judge(path: path).cases
    case .json: try JSONVectors.judge(path: path)
    case .wycheproof: try WycheproofVectors.judge(path: path)
    case .ed25519: try Ed25519Vectors.judge(path: path)
    case .merkle: try MerkleVectors.judge(path: path)
    case .sigstore: try SigstoreVectors.judge(path: path)
    case .slsa: try SLSAVectors.judge(path: path)
    case .npm: try NPMVectors.judge(path: path)
    case .pep740: try PEP740Vectors.judge(path: path)
    case .layout: try LayoutVectors.judge(path: path)
    case .cedar: try CedarVectors.judge(path: path)
    }
  }
}
