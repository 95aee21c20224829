public import Cryptography
import Diagnostics
import StrictJSON

/// What the ledger keeps of a document: its name in the pack and its digest. The document itself is in the pack.
public struct LedgerEntry: Sendable, Equatable {
  static let type = "rustynet-ledger-entry/v1"

  /// The name of the document.
  public let name: String
  /// Its digest.
  public let digest: Digest

  /// The entry of a document.
  public init(name: String, document: [UInt8]) {
    self.name = name
    digest = Digest(of: document)
  }

  /// The bytes that are appended to the ledger.
  public var encoded: [UInt8] {
    let json: JSON = [
      "type": .string(LedgerEntry.type), "name": .string(name), "digest": .string(digest.description),
    ]
    return json.canonical
  }
}
