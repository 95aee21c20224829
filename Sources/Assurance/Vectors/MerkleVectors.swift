public import Diagnostics
import StrictJSON
import TransparencyLog

/// The proofs of transparency-dev/merkle: inclusion and consistency, `wantErr` decides.
///
/// The convention of the corpus for empty trees is ours: see `MerkleTree.verifyConsistency`.
public enum MerkleVectors {
  /// Judges every case in the files at `path`; each file that says `wantErr` is one case, any other is none.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    for file in try Corpus.files(at: path) {
      do {
        let document = JSONReader(try JSON(parsing: withoutHugeNumbers(try Corpus.bytes(of: file))))
        guard case .object(let object) = document.value, object["wantErr"] != nil else { continue }
        let isValid = try isValid(document)
        report.judge(
          file, expected: Answer.word(!(try document.member("wantErr").bool())), found: Answer.word(isValid))
      } catch { throw error.at(file) }
    }
    return report
  }

  /// The document with -1 in place of numbers that our strict JSON refuses to hold inexactly.
  ///
  /// Two cases have the index 2^64-1. It is outside every tree, as -1 is, and the rest of the case must be readable. A
  /// number stands behind a colon or a space here, never inside of base 64 text.
  private static func withoutHugeNumbers(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var digits: [UInt8] = []
    for byte in bytes + [0x0a] {
      if (0x30...0x39).contains(byte), !digits.isEmpty || result.last == 0x20 || result.last == 0x3a {
        digits.append(byte)
      } else {
        result += digits.count < 17 ? digits : Array("-1".utf8)
        digits = []
        result.append(byte)
      }
    }
    return result
  }

  /// Whether the proof holds. What is malformed in a case, such as a root of another length, refuses it; a case without
  /// its members is a fault of the corpus and is thrown.
  private static func isValid(_ document: JSONReader) throws(Problem) -> Bool {
    let isInclusion = try document.optional("leafIdx") != nil
    let names = isInclusion ? ["leafHash", "root"] : ["root1", "root2"]
    var hashes: [LogHash] = []
    for name in names {
      guard let hash = hash(try document.member(name)) else { return false }
      hashes.append(hash)
    }
    var proof: [LogHash] = []
    let list = try document.member("proof")
    if list.value != .null {
      for element in try list.elements() {
        guard let hash = hash(element) else { return false }
        proof.append(hash)
      }
    }
    // Upstream counts in 64 bits without a sign; we count to 2^63-1, and no log has more.
    guard let first = number(try document.member(isInclusion ? "leafIdx" : "size1")),
      let second = number(try document.member(isInclusion ? "treeSize" : "size2"))
    else { return false }
    do {
      if isInclusion {
        try MerkleTree.verifyInclusion(of: hashes[0], index: first, size: second, root: hashes[1], proof: proof)
      } else {
        try MerkleTree.verifyConsistency(from: first, root: hashes[0], to: second, root: hashes[1], proof: proof)
      }
      return true
    } catch { return false }
  }

  private static func number(_ member: JSONReader) -> Int? {
    guard case .integer(let value) = member.value else { return nil }
    return Int(value)
  }

  private static func hash(_ member: JSONReader) -> LogHash? {
    guard let bytes = try? member.base64() else { return nil }
    return try? LogHash(bytes)
  }
}
