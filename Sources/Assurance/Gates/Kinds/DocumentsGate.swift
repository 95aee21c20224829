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

/// As much of Markdown as links and headings need.
enum Markdown {
  /// The lines outside fenced code (CommonMark §4.5): a fence is closed by one of its own kind, at least as long.
  private static func prose(_ text: String) -> [Substring] {
    var open: (mark: Character, length: Int)?
    return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      let text = line.drop { $0 == " " }
      guard let mark = text.first, mark == "`" || mark == "~" else { return open == nil }
      let length = text.prefix { $0 == mark }.count
      let rest = text.dropFirst(length)
      if let fence = open {
        if mark == fence.mark, length >= fence.length, rest.allSatisfy(\.isWhitespace) { open = nil }
        return false
      }
      guard length >= 3, mark == "~" || !rest.contains("`") else { return true }
      open = (mark, length)
      return false
    }
  }

  /// How many words the text has, code included.
  static func words(_ text: String) -> Int { text.split(whereSeparator: \.isWhitespace).count }

  /// The targets of inline links and images, and of reference definitions.
  static func links(_ text: String) -> [String] {
    prose(text).flatMap { line in
      var links: [String] = []
      var rest = withoutCode(line)[...]
      if rest.hasPrefix("["), let colon = rest.firstRange(of: "]:"), !rest[..<colon.lowerBound].contains("](") {
        if let target = rest[colon.upperBound...].split(separator: " ").first { links.append(String(target)) }
        return links
      }
      while let start = rest.firstRange(of: "]("), let end = rest[start.upperBound...].firstIndex(of: ")") {
        let target = rest[start.upperBound..<end].split(separator: " ").first ?? ""
        links.append(String(target))
        rest = rest[end...]
      }
      return links
    }
  }

  /// The line without its code spans; backticks that no run of the same length closes are plain text.
  private static func withoutCode(_ line: Substring) -> String {
    var result = ""
    var rest = line
    while let start = rest.firstIndex(of: "`") {
      let run = rest[start...].prefix { $0 == "`" }
      result += rest[..<start]
      rest = rest[run.endIndex...]
      if let end = endOfCode(rest, length: run.count) { rest = rest[end...] } else { result += run }
    }
    return result + rest
  }

  /// Behind the first run of exactly `length` backticks, nil where there is none.
  private static func endOfCode(_ text: Substring, length: Int) -> Substring.Index? {
    var rest = text
    while let start = rest.firstIndex(of: "`") {
      let run = rest[start...].prefix { $0 == "`" }
      if run.count == length { return run.endIndex }
      rest = rest[run.endIndex...]
    }
    return nil
  }

  /// The anchors that headings get: lower case, punctuation dropped, spaces turned into hyphens.
  static func anchors(_ text: String) -> Set<String> {
    Set(
      prose(text).filter { $0.hasPrefix("#") }.map { line in
        let title = line.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
        return String(title.compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || "-_".contains($0) ? $0 : nil })
      })
  }
}
