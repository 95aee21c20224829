import Attestation
import Commands
import Cryptography
import Diagnostics
import InTotoLayout
import LinuxKit
import StrictJSON

/// The folder with links, read with limits.
enum LinkFiles {
  /// The most files, and the most bytes of all of them.
  private static let limits = (files: 4096, bytes: 64 << 20)

  /// The `.link` files of `path` and the folders of its sublayouts; nothing else there is opened.
  static func read(_ path: String) throws(Problem) -> LinkFolder {
    var left = limits
    return try read(path, depth: 0, left: &left)
  }

  private static func read(
    _ path: String, depth: Int, left: inout (files: Int, bytes: Int)
  ) throws(Problem) -> LinkFolder {
    var folder = LinkFolder()
    for name in try FileSystem.list(path) where name.hasSuffix(".link") {
      let file = "\(path)/\(name)"
      let bytes = try FileSystem.read(file, limit: SignedMetadata.limits.size)
      left.files -= 1
      left.bytes -= bytes.count
      guard left.files >= 0, left.bytes >= 0 else {
        throw .refused(
          "link.limit", "there are more than \(limits.files) links, or they have more than \(limits.bytes) bytes",
          place: path)
      }
      folder.files.append(LinkFolder.File(name: name, bytes: bytes))
      let inner = String(name.dropLast(".link".count))
      if depth + 1 < LinkFolder.depth, FileSystem.status("\(path)/\(inner)")?.kind == .directory {
        folder.folders[inner] = try read("\(path)/\(inner)", depth: depth + 1, left: &left)
      }
    }
    return folder
  }

  /// Artifacts as an object of paths and hashes.
  static func json(_ artifacts: Artifacts) -> JSON {
    var object = JSONObject()
    for path in artifacts.paths { object[path.text] = .string(artifacts.hashes[path]?.description ?? "") }
    return .object(object)
  }
}

/// The folder with the final products.
enum ArtifactFiles {
  /// The most files that an inspection may find.
  private static let limit = 65_536
  /// What the reference leaves out of the materials and products of inspections.
  private static let ignored = ["*.link*", ".git", "*.pyc", "*~"]

  /// Compares the file `path` below `folder`; a name that leads elsewhere, or a link on the way, is refused.
  static func check(_ path: String, _ hashes: ArtifactHashes, in folder: String) throws(Problem) -> Check {
    guard Products.isSafe(path) else {
      return .failed(
        "product.\(path)", "product.name", "the product's name leads out of the folder, or is ambiguous", source: "V11")
    }
    let file = "\(folder)/\(path)"
    guard FileSystem.status(file) != nil else { return Products.check(path, hashes, found: nil) }
    guard try FileSystem.resolve(file).isExactly("\(try FileSystem.resolve(folder))/\(path)") else {
      return .failed("product.\(path)", "product.link", "a symbolic link leads to the product", source: "V11")
    }
    return Products.check(path, hashes, found: try digests(of: file, Set(hashes.digests.map(\.algorithm))))
  }

  /// Records the folder, runs the command there without a shell, and records it again (in-toto 1.0 §4.3.2.1).
  static func run(_ inspection: LayoutJudge.Inspection, in folder: String) async throws(Problem) -> Link {
    guard let program = inspection.command.first else {
      throw .malformed("inspection.command", "the inspection has no command")
    }
    let patterns = try ignored.map { text throws(Problem) in try PathPattern(text) }
    let before = try record(folder, without: patterns)
    let command = Command(program, Array(inspection.command.dropFirst()), in: folder)
    let result = try await command.run()
    guard result.status.isSuccess else {
      throw .refused(
        "inspection.exit", "the command “\(command.description)” ended with \(result.status)",
        source: "in-toto 1.0 §4.3.2.1")
    }
    return Link(
      name: inspection.name, materials: before, products: try record(folder, without: patterns),
      command: inspection.command)
  }

  private static func record(_ folder: String, without patterns: [PathPattern]) throws(Problem) -> Artifacts {
    var hashes: [ExactText: ArtifactHashes] = [:]
    try record(folder, below: "", without: patterns, into: &hashes)
    return Artifacts(hashes)
  }

  private static func record(
    _ folder: String, below: String, without patterns: [PathPattern], into hashes: inout [ExactText: ArtifactHashes]
  ) throws(Problem) {
    for name in try FileSystem.list(below.isEmpty ? folder : "\(folder)/\(below)") {
      let path = below.isEmpty ? name : "\(below)/\(name)"
      guard !patterns.contains(where: { $0.matches(name) }) else { continue }
      switch FileSystem.status("\(folder)/\(path)")?.kind {
      case .directory: try record(folder, below: path, without: patterns, into: &hashes)
      case .regular:
        guard hashes.count < limit else {
          throw .refused("inspection.files", "the folder has more than \(limit) files", place: folder)
        }
        hashes[ExactText(path)] = ArtifactHashes(try digests(of: "\(folder)/\(path)", [.sha256]))
      default:
        throw .refused("inspection.file-kind", "a link or a device stands in the folder", place: "\(folder)/\(path)")
      }
    }
  }

  private static func digests(of file: String, _ algorithms: Set<HashAlgorithm>) throws(Problem) -> [Digest] {
    var found: [Digest] = []
    // One pass for each: nearly always there is one algorithm only.
    for algorithm in algorithms.sorted(by: { $0.rawValue < $1.rawValue }) {
      let descriptor = try FileSystem.open(file, links: .refused)
      var hash = HashFunction(algorithm)
      try descriptor.forEachChunk { (piece: RawSpan) throws(Problem) in hash.update(piece) }
      found.append(hash.finish())
    }
    return found
  }
}
