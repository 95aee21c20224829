public import Attestation
public import Cryptography
import Diagnostics

/// Compares what the last step made with files.
public enum Products {
  private static let source = "in-toto 1.0 §3.1.3; V12"

  /// Whether `path` names a file below a folder: relative, without `..`, backslashes and control characters.
  public static func isSafe(_ path: String) -> Bool {
    // By bytes, as the kernel reads it: a slash before a combining mark is one character with it, and still a slash.
    let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    return parts.allSatisfy { part in !["", ".", ".."].contains { part.elementsEqual($0.utf8) } }
      && !path.unicodeScalars.contains { $0 == "\\" || Printable.isUnsafe($0) }
  }

  /// The check of one product; `found` are the digests of the file of this name, nil where there is none.
  public static func check(_ path: String, _ hashes: ArtifactHashes, found: [Digest]?) -> Check {
    let id = "product.\(path)"
    guard let found else {
      return .failed(
        id, "product.missing", "the product is not in the folder", expected: hashes.description, source: source)
    }
    let text = ArtifactHashes(found).description
    // Every hash that counts must be right: else the weakest would decide.
    let isSame = hashes.digests.allSatisfy { found.contains($0) }
    return isSame
      ? .passed(id, "the file is what the last step made", expected: hashes.description, found: text, source: source)
      : .failed(
        id, "product.digest", "the file is not what the last step made", expected: hashes.description, found: text,
        source: source, hint: "it was changed after the last step, or is another version")
  }
}
