import StrictJSON

/// The id of a builder: a URI, and for most of them the version after an `@`.
public struct BuilderID: Sendable, Equatable {
  /// The URI without the version.
  public let name: String
  /// Such as `refs/tags/v2.1.0`, or `v0.3` for builders that are no workflow; nil where there is none.
  public let version: String?

  /// Splits an id; the version of a workflow begins at the first `@refs/`, any other at the last `@`.
  public init(_ text: String) {
    let split = text.firstRange(of: "@refs/")?.lowerBound ?? text.lastIndex(of: "@")
    guard let split else {
      name = text
      version = nil
      return
    }
    name = String(text[..<split])
    version = String(text[text.index(after: split)...])
  }

  /// The whole id.
  public var text: String { version.map { "\(name)@\($0)" } ?? name }

  /// Whether it is a workflow of GitHub Actions, whose version is a ref.
  public var isWorkflow: Bool { name.hasPrefix("https://github.com/") && name.contains("/.github/workflows/") }

  /// Whether this id is what `expected` demands: the same name, and the same version where one is demanded.
  ///
  /// `…@v2.1.0` demands the tag `refs/tags/v2.1.0`, as people write it for the SLSA generator's workflows.
  public func satisfies(_ expected: BuilderID) -> Bool {
    guard name.isExactly(expected.name) else { return false }
    guard let demanded = expected.version else { return true }
    return version.map { $0.isExactly(demanded) || $0.isExactly("refs/tags/\(demanded)") } ?? false
  }

  /// Whether the version is a tag of a release, `refs/tags/vX.Y.Z` and nothing after it.
  ///
  /// Only such tags of the builders are released and protected; a branch, a short tag `v2` or a pre-release moves.
  public var isRelease: Bool { version.map(BuilderID.isReleaseTag) ?? false }

  static func isReleaseTag(_ ref: String) -> Bool {
    guard ref.hasPrefix("refs/tags/v") else { return false }
    let parts = ref.dropFirst("refs/tags/v".count).split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 3
      && parts.allSatisfy { part in
        !part.isEmpty && part.utf8.count <= 9 && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
          && (part.utf8.count == 1 || part.utf8.first != 0x30)
      }
  }
}
