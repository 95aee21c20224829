import ArgumentParser
import Cryptography
import Diagnostics
import LinuxKit

/// `rustynet-bench hash FILE`: the way in which every verb hashes a file, for comparison with `openssl dgst`.
struct HashBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hash", abstract: "Print the SHA-256 of a file, as the verbs compute it.")

  @Argument(help: "The file.") var file: String

  func run() throws {
    let source = try FileSystem.open(file)
    var hash = HashFunction()
    try source.forEachChunk { (bytes: RawSpan) throws(Problem) in hash.update(bytes) }
    Console.print("\(hash.finish())")
  }
}
