public import Diagnostics
import LinuxKit
import StrictJSON

/// The JSON parsing suite of Nicolas Seriot: the names of the files decide.
public enum JSONVectors {
  /// Valid by RFC 8259, and refused by our stricter rule: a key stands once (RFC 8785 §3.1).
  private static let duplicateKeys = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"]

  /// Judges every `y_*.json` and `n_*.json` at `path`; `i_*.json` are parsed, which must not crash, but not counted.
  public static func judge(path: String) throws(Problem) -> VectorReport {
    var report = VectorReport()
    for file in try Corpus.files(at: path) {
      let name = Path.name(of: file)
      guard ["y_", "n_", "i_"].contains(name.prefix(2)) else { continue }
      let found = outcome(of: try Corpus.bytes(of: file))
      if duplicateKeys.contains(name) {
        report.judge(name, expected: "json.duplicate-key", found: found)
      } else if name.hasPrefix("y_") {
        report.judge(name, expected: Answer.accepted, found: found)
      } else if name.hasPrefix("n_") {
        report.judge(name, expected: Answer.refused, found: found == Answer.accepted ? found : Answer.refused)
      }
    }
    return report
  }

  /// `accepted`, or the code of the refusal.
  private static func outcome(of bytes: [UInt8]) -> String {
    do {
      _ = try JSON(parsing: bytes)
      return Answer.accepted
    } catch { return error.code }
  }
}
