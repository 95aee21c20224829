import Cryptography
public import Diagnostics
import StrictJSON

/// The Ed25519 edge cases of C2SP/CCTV: which of the many rules for signatures an implementation follows.
public enum Ed25519Vectors {
  /// Ours is libsodium's: a vector is accepted when it has none of these flags.
  private static let refusedFlags = ["low_order_A", "low_order_R", "low_order_residue"]

  /// Judges every vector in the files at `path`; a file that is no list of vectors has no case.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    for file in try Corpus.files(at: path) {
      let document = try Corpus.document(of: file)
      guard isList(document.value) else { continue }
      for vector in try document.elements(atMost: 100_000) {
        do { try judge(vector, into: &report) } catch { throw error.at(file) }
      }
    }
    return report
  }

  /// Whether a document holds vectors at all: one element with a signature is enough, and then each must be readable.
  private static func isList(_ document: JSON) -> Bool {
    guard case .array(let elements) = document else { return false }
    return elements.contains { element in
      if case .object(let vector) = element { vector["sig"] != nil } else { false }
    }
  }

  private static func judge(_ vector: JSONReader, into report: inout VectorReport) throws(Problem) {
    var expected = true
    // Upstream writes null for a vector without flags.
    if let flags = try vector.optional("flags"), flags.value != .null {
      for flag in try flags.elements() where refusedFlags.contains(try flag.text()) { expected = false }
    }
    let message = Array(try vector.member("msg").text().utf8)
    let isValid = Ed25519.isValid(
      try vector.member("sig").hex(), over: message, publicKey: try vector.member("key").hex())
    let id = "\(try vector.member("number").integer())"
    report.judge(id, expected: Answer.word(expected), found: Answer.word(isValid))
  }
}
