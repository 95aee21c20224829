public import Diagnostics
import LinuxKit

/// A folder that holds the documents of a pack, each under its name there.
public enum EvidenceFolder {
  /// Every file below `folder` by its relative path; what is judged and packed is what stands on the disk.
  ///
  /// Links are refused, and so is whatever could not be a member of a pack.
  public static func read(_ folder: String) throws(Problem) -> [String: [UInt8]] {
    var documents: [String: [UInt8]] = [:]
    try collect(folder, prefix: "", into: &documents)
    return documents
  }

  private static func collect(
    _ folder: String, prefix: String, into documents: inout [String: [UInt8]]
  ) throws(Problem) {
    // A writer that was killed may leave its temporary file behind; it is no document.
    for name in try FileSystem.list(folder) where !name.hasSuffix(".tmp") {
      let path = "\(folder)/\(name)"
      switch FileSystem.status(path)?.kind {
      case .directory: try collect(path, prefix: "\(prefix)\(name)/", into: &documents)
      case .regular:
        documents[prefix + name] = try FileSystem.read(path, limit: Container.sizeLimit, links: .refused)
      default: throw .malformed("evidence.kind", "this is neither a file nor a folder", place: path)
      }
      guard documents.values.reduce(0, { $0 + $1.count }) <= Container.sizeLimit else {
        throw .malformed("pack.size", "the folder holds more than \(Container.sizeLimit) bytes", place: folder)
      }
      guard documents.count <= Container.memberLimit else {
        throw .malformed("pack.members", "the folder has more than \(Container.memberLimit) files", place: folder)
      }
    }
  }
}
