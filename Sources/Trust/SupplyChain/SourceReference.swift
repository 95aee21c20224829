/// Where sources come from, as provenance writes it: a repository, and as far as it is told a ref and a commit.
public struct SourceReference: Sendable, Equatable {
  /// Such as `git+https://github.com/owner/repository`: with `git+`, without `.git`.
  public let repository: String
  /// Such as `refs/tags/v1.2.3`; nil where it is not told.
  public let ref: String?
  /// The commit in lower-case hexadecimal; nil where it is not told.
  public let commit: String?

  /// A reference; `repository` is brought into its one spelling.
  public init(repository: String, ref: String?, commit: String?) {
    self.repository = SourceReference.normalised(repository)
    self.ref = ref.flatMap { $0.isEmpty ? nil : $0 }
    self.commit = commit
  }

  /// Splits `git+https://host/owner/repository@refs/tags/v1` into its parts.
  ///
  /// The ref begins at the first `@refs/`, because a tag may hold an `@` itself (`refs/tags/@scope/name@1.0.0`), and an
  /// `@` further to the front may belong to a user.
  public init(uri: String, commit: String?) {
    if let range = uri.firstRange(of: "@refs/") {
      let ref = uri[uri.index(after: range.lowerBound)...]
      self.init(repository: String(uri[..<range.lowerBound]), ref: String(ref), commit: commit)
    } else if let at = uri.lastIndex(of: "@"), Self.isCommit(uri[uri.index(after: at)...]) {
      let named = String(uri[uri.index(after: at)...])
      self.init(repository: String(uri[..<at]), ref: nil, commit: commit ?? named)
    } else {
      self.init(repository: uri, ref: nil, commit: commit)
    }
  }

  /// One spelling for `github.com/o/r`, `https://github.com/o/r`, `git+https://github.com/o/r` and each with `.git`.
  public static func normalised(_ uri: String) -> String {
    var text = Substring(uri)
    if text.hasPrefix("git+") { text = text.dropFirst(4) }
    if text.hasSuffix(".git") { text = text.dropLast(4) }
    return text.contains("://") ? "git+\(text)" : "git+https://\(text)"
  }

  /// Whether `text` is a commit in full: SHA-1 or SHA-256, lower-case hexadecimal.
  static func isCommit(_ text: some StringProtocol) -> Bool {
    (text.utf8.count == 40 || text.utf8.count == 64)
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
