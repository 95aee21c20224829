import Attestation
import Diagnostics
import LinuxKit
import StrictJSON

/// The documents are there, say something, and their links within the tree lead somewhere.
enum DocumentsGate: GateKind {
  static let name = "documents"
  static let parameters = ["required", "minimumWords"]

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    let paths = try await workspace.trackedFiles(gate.read)
    let tracked = Set(try await workspace.trackedFiles([]))
    var texts: [String: String] = [:]
    for path in paths where path.hasSuffix(".md") {
      let bytes = try FileSystem.read("\(workspace.root)/\(path)", limit: 1 << 20, links: .refused)
      texts[path] = String(decoding: bytes, as: UTF8.self)
    }
    var documents: [JSON] = []
    let anchors = texts.mapValues(Markdown.anchors)
    for (path, text) in texts.sorted(by: { $0.key < $1.key }) {
      let links = Markdown.links(text).filter { !$0.contains("://") && !$0.hasPrefix("mailto:") }
      let broken = links.filter { !leads($0, from: path, anchors: anchors, tracked: tracked) }
      documents.append([
        "path": .string(path), "words": .integer(Int64(Markdown.words(text))), "links": .integer(Int64(links.count)),
        "broken": .array(broken.map { .string($0) }),
      ])
    }
    return Observation(sample: documents.count, [("documents", .array(documents))])
  }

  /// Whether a relative link leads to a tracked file or folder, and its anchor to a heading.
  private static func leads(_ link: String, from path: String, anchors: [String: Set<String>], tracked: Set<String>)
    -> Bool
  {
    guard !link.isEmpty else { return false }
    let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    var target = path
    if !parts[0].isEmpty {
      var folders = path.split(separator: "/").dropLast().map(String.init)
      for part in parts[0].split(separator: "/") {
        switch part {
        case ".": continue
        case "..":
          guard folders.popLast() != nil else { return false }
        default: folders.append(String(part))
        }
      }
      target = folders.joined(separator: "/")
      guard tracked.contains(target) || tracked.contains(where: { $0.hasPrefix(target + "/") }) else { return false }
    }
    guard parts.count == 2 else { return true }
    guard let known = anchors[target] else { return target.hasSuffix(".md") == false }
    return known.contains(parts[1])
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let parameters = JSONReader(gate.parameters, pointer: "/parameters")
    try parameters.closed("required", "minimumWords")
    let words = try parameters.member("minimumWords").integer()
    var found: [String: Int64] = [:]
    var checks: [Check] = []
    var links: Int64 = 0
    for element in try facts.member("documents").elements() {
      let path = try element.member("path").text()
      found[path] = try element.member("words").integer(in: 0...10_000_000)
      links += try element.member("links").integer(in: 0...1_000_000)
      for broken in try element.member("broken").elements() {
        checks.append(
          .failed("links", "documents.link", "a link in \(path) leads nowhere", found: try broken.text(), source: "A10")
        )
      }
    }
    for element in try parameters.member("required").elements() {
      let path = try element.text()
      guard let count = found[path] else {
        checks.append(
          .failed("document.\(path)", "documents.missing", "the document \(path) is missing", source: "A10"))
        continue
      }
      if count < words {
        checks.append(
          .failed(
            "document.\(path)", "documents.empty", "the document \(path) says next to nothing",
            expected: "at least \(words) words", found: "\(count)", source: "A10"))
      }
    }
    return checks.isEmpty
      ? [.passed("documents", "the documents are there and their links lead somewhere", found: "\(links) links")]
      : checks
  }
}
