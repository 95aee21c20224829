import Diagnostics
import LinuxKit
import Testing
import Vectors

/// The corpus of transparency-dev/merkle, where it is here.
@Suite struct MerkleCorpusTests {
  /// `$RUSTYNET_CORPORA`, or `../shared/corpora` beside the package.
  static let corpora: String = {
    if let path = Host.environment("RUSTYNET_CORPORA") { return path }
    var folder = Path.folder(of: #filePath)
    while folder != "/", FileSystem.status("\(folder)/Package.swift") == nil { folder = Path.folder(of: folder) }
    return "\(folder)/../shared/corpora"
  }()
  static var path: String { "\(corpora)/merkle-proofs" }

  @Test(.enabled(if: FileSystem.status(path) != nil, "not-run: ../shared/corpora is not here"))
  func agreesWithEveryCase() throws {
    let report = try MerkleVectors.judge(path: MerkleCorpusTests.path)
    for failure in report.failures { Issue.record("\(failure.id): \(failure.expected), found \(failure.found)") }
    #expect(report.agree == 105)
    #expect(report.total == 105)
  }
}
