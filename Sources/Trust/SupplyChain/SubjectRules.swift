public import Attestation
public import Cryptography
import StrictJSON

/// The comparison of an artifact with the subjects of a statement.
public enum SubjectRules {
  private static let rule = "in-toto Statement v1"

  /// Whether a subject has these digests; a statement that speaks of something else is worth nothing here.
  public static func check(_ id: String, _ artifact: [Digest], in statement: Statement) -> Check {
    let found = artifact.map(\.description).joined(separator: ", ")
    guard !artifact.isEmpty else {
      return .failed(id, "subject.none", "no artifact was named", source: rule)
    }
    if let match = statement.subjects.first(where: { $0.matches(artifact) }) {
      return .passed(id, "the artifact is the subject “\(match.name)”", expected: found, found: found, source: rule)
    }
    return different(id, found, statement)
  }

  /// Whether a subject has this identifier, such as `gce_image_id:8970095005306000053`.
  ///
  /// It is the identifier that was compared then, not the bytes: whoever issues identifiers must be trusted for them.
  public static func check(_ id: String, _ identifier: Subject.Identifier, in statement: Statement) -> Check {
    let found = "\(identifier.name):\(identifier.value)"
    let match = statement.subjects.first { subject in
      subject.identifiers.contains { $0.name.isExactly(identifier.name) && $0.value.isExactly(identifier.value) }
    }
    guard let match else { return different(id, found, statement) }
    return .passed(
      id, "the identifier is that of the subject “\(match.name)”; no bytes were compared", expected: found,
      found: found, source: rule)
  }

  private static func different(_ id: String, _ found: String, _ statement: Statement) -> Check {
    let digests = statement.subjects.prefix(16).flatMap { subject in
      subject.digests.map(\.description) + subject.identifiers.map { "\($0.name):\($0.value)" }
    }
    let more = statement.subjects.count > 16 ? " and \(statement.subjects.count - 16) more subjects" : ""
    return .failed(
      id, "subject.digest", "the artifact is no subject of the statement",
      expected: digests.joined(separator: ", ") + more, found: found, source: rule)
  }
}
