public import Diagnostics
import LinuxKit
import StrictJSON

/// Project Wycheproof (`testvectors_v1`): attacks on primitives as test vectors. A file is known by what it says of
/// itself, `algorithm` and `schema`, never by its name.
public enum WycheproofVectors {
  /// Judges a case; nil when the group asks for something that we do not do, such as another curve.
  typealias Judge = (_ group: JSONReader, _ test: JSONReader) throws(Problem) -> Bool?

  /// The algorithms of the contract. Upstream has a hundred others, of which nothing here is an implementation: their
  /// files are no cases, and a note says how many they are.
  private static let algorithms: Set<String> = [
    "ECDSA", "EDDSA", "CHACHA20-POLY1305", "XCHACHA20-POLY1305", "XDH", "HKDF-SHA-256", "RSASSA-PKCS1-v1_5",
  ]

  /// Judges every case of the algorithms at `path`; a file without `algorithm` and `testGroups` has no case. A case of
  /// a curve, a hash or a schema that we have no judge for is skipped, and so not agreed.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    var others: [String] = []
    for file in try Corpus.files(at: path) {
      let document = try Corpus.document(of: file)
      guard case .object(let object) = document.value, case .string(let algorithm)? = object["algorithm"],
        object["testGroups"] != nil
      else { continue }
      guard algorithms.contains(algorithm) else {
        others.append(algorithm)
        continue
      }
      do { try judge(document, algorithm, Path.name(of: file), into: &report) } catch { throw error.at(file) }
    }
    if !others.isEmpty {
      report.note("\(others.count) files of other algorithms: \(Set(others).sorted().joined(separator: ", "))")
    }
    return report
  }

  private static func judge(
    _ document: JSONReader, _ algorithm: String, _ file: String, into report: inout VectorReport
  ) throws(Problem) {
    let schema = try document.optional("schema")?.text() ?? ""
    let judge = self.judge(for: algorithm, schema)
    for group in try document.member("testGroups").elements(atMost: 100_000) {
      for test in try group.member("tests").elements(atMost: 100_000) {
        let id = "\(file)#\(try test.member("tcId").integer())"
        let expected = Answer.word(try isAccepted(test, algorithm))
        if let found = try judge?(group, test) {
          report.judge(id, expected: expected, found: Answer.word(found))
        } else {
          report.skip(id, expected: expected, because: "\(algorithm) by \(schema) is not judged here")
        }
      }
    }
  }

  private static func judge(for algorithm: String, _ schema: String) -> Judge? {
    // Upstream added `_v1` to the names of its schemas without another change.
    switch (algorithm, schema.replacing("_v1.json", with: ".json")) {
    case ("ECDSA", "ecdsa_verify_schema.json"): WycheproofSignatures.ecdsa
    case ("ECDSA", "ecdsa_p1363_verify_schema.json"): WycheproofSignatures.ecdsaP1363
    case ("EDDSA", "eddsa_verify_schema.json"): WycheproofSignatures.eddsa
    case ("RSASSA-PKCS1-v1_5", "rsassa_pkcs1_verify_schema.json"): WycheproofSignatures.rsa
    case ("CHACHA20-POLY1305", "aead_test_schema.json"): WycheproofCiphers.chacha20
    case ("XCHACHA20-POLY1305", "aead_test_schema.json"): WycheproofCiphers.xchacha20
    case ("XDH", "xdh_comp_schema.json"): WycheproofCiphers.x25519
    case ("HKDF-SHA-256", "hkdf_test_schema.json"): WycheproofCiphers.hkdf
    default: nil
    }
  }

  /// What the case asks for. `acceptable` leaves it to us: a shared secret that is not all zero is computed, and
  /// everything else is refused, such as the signature over an algorithm without its NULL (`MissingNull`).
  private static func isAccepted(_ test: JSONReader, _ algorithm: String) throws(Problem) -> Bool {
    switch try test.member("result").text() {
    case "valid": return true
    case "acceptable" where algorithm == "XDH":
      return try !test.member("flags").elements().contains { $0.value == "ZeroSharedSecret" }
    default: return false
    }
  }
}
