import Attestation
import Cryptography
import Diagnostics
import ForeignSignatures
import LinuxKit
import Wire

/// The files in `Tests/Fixtures/foreign-signatures`, which `foreign-signatures.py` makes with the peers' own programs.
enum Fixture {
  static let folder: String = {
    var folder = Path.folder(of: #filePath)
    while folder != "/", FileSystem.status("\(folder)/Package.swift") == nil { folder = Path.folder(of: folder) }
    return "\(folder)/Tests/Fixtures/foreign-signatures"
  }()

  static func bytes(_ name: String) throws(Problem) -> [UInt8] {
    try FileSystem.read("\(folder)/\(name)", limit: 1 << 20)
  }

  static func text(_ name: String) throws(Problem) -> String { String(decoding: try bytes(name), as: UTF8.self) }
}

extension [Check] {
  /// The codes of what did not pass.
  var refusals: [String] { filter { $0.outcome != .passed }.map(\.code) }
}
