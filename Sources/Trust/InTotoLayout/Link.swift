public import Cryptography
public import Diagnostics
import StrictJSON
import Wire

/// Text that is compared byte by byte, so that two spellings of one character are two names.
public struct ExactText: Hashable, Comparable, Sendable {
  /// The text.
  public let text: String

  /// Text to be compared byte by byte.
  public init(_ text: String) { self.text = text }

  /// Equal when the bytes are.
  public static func == (left: ExactText, right: ExactText) -> Bool { left.text.isExactly(right.text) }
  /// Sorted by bytes.
  public static func < (left: ExactText, right: ExactText) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
  /// Feeds the text; equal bytes have equal hashes.
  public func hash(into hasher: inout Hasher) { text.hash(into: &hasher) }
}

/// The hashes of one artifact (in-toto 1.0 §4.2.3): at least one of SHA-256, SHA-384 and SHA-512.
///
/// Two artifacts are the same when all of their hashes are.
public struct ArtifactHashes: Hashable, Sendable, CustomStringConvertible {
  /// Every hash as `algorithm:hex`, sorted.
  public let description: String
  /// Those hashes that count.
  public let digests: [Digest]

  /// The hashes of a file that was read.
  public init(_ digests: [Digest]) {
    self.digests = digests.sorted { $0.algorithm.rawValue < $1.algorithm.rawValue }
    description = self.digests.map(\.description).joined(separator: ",")
  }

  init(_ reader: JSONReader) throws(Problem) {
    var digests: [Digest] = []
    var texts: [String] = []
    for (name, value) in try reader.members(atMost: 32) {
      let text = try value.token(atMost: 256)
      // Names of ASCII have one spelling, so that the description may be compared as it stands.
      guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
        throw reader.problem("link.digest", "“\(name.prefix(64))” cannot name a hash function")
      }
      texts.append("\(name):\(text)")
      guard let algorithm = HashAlgorithm(rawValue: name) else { continue }
      do { digests.append(try Digest(algorithm, bytes: try Hex.decode(text))) } catch { throw value.located(error) }
    }
    guard !digests.isEmpty else {
      throw reader.problem(
        "link.digest", "the artifact has no hash that proves anything", source: "in-toto 1.0 §4.2.3",
        hint: "sha256, sha384 or sha512")
    }
    self.digests = digests
    description = texts.sorted().joined(separator: ",")
  }
}

/// Artifacts by their paths.
public struct Artifacts: Sendable, Equatable {
  /// The most artifacts of one list.
  public static let limit = 65_536

  /// The hashes of each path.
  public let hashes: [ExactText: ArtifactHashes]

  /// These artifacts.
  public init(_ hashes: [ExactText: ArtifactHashes] = [:]) { self.hashes = hashes }

  init(_ reader: JSONReader) throws(Problem) {
    var hashes: [ExactText: ArtifactHashes] = [:]
    for (path, value) in try reader.members(atMost: Artifacts.limit) {
      guard (1...4096).contains(path.utf8.count) else {
        throw reader.problem("link.path", "the path of an artifact has 1 to 4096 bytes")
      }
      hashes[ExactText(path)] = try ArtifactHashes(value)
    }
    self.hashes = hashes
  }

  /// The paths, sorted.
  public var paths: [ExactText] { hashes.keys.sorted() }
}

/// What a functionary says of one step: what went in and what came out (in-toto 1.0 §4.4).
///
/// `byproducts` and `environment` are opaque and are not read.
public struct Link: Sendable {
  /// The step.
  public let name: String
  /// What went in.
  public let materials: Artifacts
  /// What came out.
  public let products: Artifacts
  /// What was run.
  public let command: [String]

  /// A link that was made here, for an inspection or a sublayout.
  public init(name: String, materials: Artifacts, products: Artifacts, command: [String] = []) {
    self.name = name
    self.materials = materials
    self.products = products
    self.command = command
  }

  /// Reads the content of a signed link.
  public init(_ metadata: SignedMetadata) throws(Problem) {
    guard metadata.content == .link else {
      throw metadata.document.problem("link.type", "this is a \(metadata.content.rawValue), not a link")
    }
    let reader = metadata.document
    name = try reader.member("name").text(atMost: Layout.nameLimit)
    materials = try Artifacts(try reader.member("materials"))
    products = try Artifacts(try reader.member("products"))
    command = try reader.optional("command")?.texts(atMost: 4096) ?? []
  }

  /// The artifacts of one side.
  public func artifacts(_ side: ArtifactRule.Side) -> Artifacts { side == .materials ? materials : products }
}
