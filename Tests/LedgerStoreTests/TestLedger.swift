import Cryptography
import Diagnostics
import Glibc
import LedgerStore
import LinuxKit
import TransparencyLog

/// A ledger in a folder of its own, which goes away with this object.
final class TestLedger {
  let folder: String
  let path: String
  let signer: NoteSigner

  var ledger: Ledger { Ledger(path) }
  var key: NoteKey { signer.key }

  init(_ entries: [[UInt8]] = [], batch: Int = .max) throws {
    folder = "/tmp/rustynet-ledger-test.\(getpid()).\(UInt64.random(in: 0 ... .max))"
    path = "\(folder)/ledger"
    signer = try NoteSigner(name: "log.example/test", signingKey: Ed25519.SigningKey())
    _ = try LedgerWriter.create(path, signer: signer)
    var rest = entries[...]
    while !rest.isEmpty {
      try append(Array(rest.prefix(batch)))
      rest = rest.dropFirst(batch)
    }
  }

  deinit { try? FileSystem.removeTree(folder) }

  @discardableResult func append(_ entries: [[UInt8]]) throws -> LedgerReceipt {
    var writer = try LedgerWriter(opening: path, signer: signer)
    return try writer.append(entries)
  }

  func bytes(_ file: String) throws -> [UInt8] { try FileSystem.read("\(path)/\(file)", limit: 1 << 28) }
  func write(_ bytes: [UInt8], _ file: String) throws { try FileSystem.write(bytes, to: "\(path)/\(file)") }
  func remove(_ file: String) throws { try FileSystem.removeTree("\(path)/\(file)") }

  /// A copy of the folder, to go back to it later.
  func snapshot() throws -> [String: [UInt8]] { try read("") }

  func restore(_ files: [String: [UInt8]]) throws {
    try FileSystem.removeTree(path)
    for (file, bytes) in files {
      try FileSystem.makeFolder(Path.folder(of: "\(path)/\(file)"))
      try write(bytes, file)
    }
  }

  private func read(_ below: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try FileSystem.list("\(path)/\(below)") {
      let file = below.isEmpty ? name : "\(below)/\(name)"
      if FileSystem.status("\(path)/\(file)")?.kind == .directory {
        files.merge(try read(file)) { $1 }
      } else {
        files[file] = try bytes(file)
      }
    }
    return files
  }

  static func entries(_ range: Range<Int>) -> [[UInt8]] { range.map { Array("entry \($0)".utf8) } }
}
