public import Cryptography
public import Diagnostics
import LinuxKit

/// A file by its content.
public struct FileFacts: Sendable, Hashable {
  /// The last part of its path.
  public var name: String
  /// Its path with all links resolved.
  public var path: String
  /// Its length in bytes.
  public var size: Int
  /// The SHA-256 of its content.
  public var sha256: Digest
  /// The SHA-512 of its content.
  public var sha512: Digest

  /// A file whose content was read elsewhere.
  public init(name: String, path: String, size: Int, sha256: Digest, sha512: Digest) {
    self.name = name
    self.path = path
    self.size = size
    self.sha256 = sha256
    self.sha512 = sha512
  }

  /// Reads the regular file `path` once and hashes it; the name is that of `path`, not of a link's end.
  public init(reading path: String) throws(Problem) {
    let file = try FileSystem.open(path)
    var short = HashFunction(.sha256)
    var long = HashFunction(.sha512)
    var count = 0
    try file.forEachChunk { (piece: RawSpan) throws(Problem) in
      short.update(piece)
      long.update(piece)
      count += piece.byteCount
    }
    self.init(
      name: Path.name(of: path), path: try FileSystem.resolve(path), size: count, sha256: short.finish(),
      sha512: long.finish())
  }
}

/// The digest of a folder of source files, and how it is made.
///
/// One line for each file, `MODE SHA256  PATH` and a line feed: the mode as git writes it (100644, 100755 when the
/// owner may execute it, 120000 for a symbolic link), the SHA-256 of the content (of a link: of its text), two
/// spaces, the path below the folder. The lines are sorted by the bytes of the path; the SHA-256 of all of them is
/// the digest. A path that holds a line feed is refused, since it would make the list ambiguous.
public enum SourceTree {
  /// The digest of everything below `folder`, whether git knows it or not, without what is named `.git`.
  ///
  /// It walks the files because the compiler does: a file that was put in later counts, as it would be compiled.
  public static func digest(of folder: String) throws(Problem) -> Digest {
    var paths: [String] = []
    try collect("", of: folder, into: &paths)
    return try digest(of: folder, paths: paths)
  }

  /// The digest of those of `paths` that are there.
  public static func digest(of folder: String, paths: [String]) throws(Problem) -> Digest {
    var hash = HashFunction(.sha256)
    for path in paths.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      guard !path.utf8.contains(0x0a) else {
        throw .refused("inventory.file-name", "the name of a source file holds a line feed", place: path)
      }
      guard let line = try line(for: path, in: folder) else { continue }
      hash.update(Array(line.utf8))
    }
    return hash.finish()
  }

  private static func line(for path: String, in folder: String) throws(Problem) -> String? {
    let full = "\(folder)/\(path)"
    guard let status = FileSystem.status(full) else { return nil }
    switch status.kind {
    case .regular:
      let mode = status.permissions & 0o100 == 0 ? "100644" : "100755"
      return "\(mode) \(try FileFacts(reading: full).sha256.hex)  \(path)\n"
    case .symbolicLink:
      let target = try FileSystem.target(ofLink: full)
      return "120000 \(Digest(of: Array(target.utf8)).hex)  \(path)\n"
    case .directory: return nil  // A submodule, as git lists it.
    case .other: throw .refused("inventory.file-kind", "a device or a pipe stands among the sources", place: full)
    }
  }

  private static func collect(_ below: String, of folder: String, into paths: inout [String]) throws(Problem) {
    let here = below.isEmpty ? folder : "\(folder)/\(below)"
    for name in try FileSystem.list(here) where name != ".git" {
      let path = below.isEmpty ? name : "\(below)/\(name)"
      if FileSystem.status("\(folder)/\(path)")?.kind == .directory {
        try collect(path, of: folder, into: &paths)
      } else {
        paths.append(path)
      }
    }
  }
}
