import Attestation
import Diagnostics
import LinuxKit
import SBOM
import StrictJSON

/// Every dependency in the bill of materials stands in the policy's list, and its licence text is the one listed there.
enum DependenciesGate: GateKind {
  static let name = "dependencies"

  /// Whether a package URL, version and qualifiers left aside, is the listed one.
  static func matches(_ purl: String, _ listed: String) -> Bool {
    let base = purl.prefix { $0 != "?" && $0 != "#" }
    let withoutVersion = base.split(separator: "@", maxSplits: 1).first.map(String.init) ?? ""
    return withoutVersion.isExactly(listed)
  }

  static func observe(_ gate: GateDefinition, in workspace: Workspace) async throws(Problem) -> Observation {
    let bytes = try FileSystem.read("\(workspace.output)/\(MemberName.sbom)", limit: 16 << 20, links: .refused)
    let document = try SBOMDocument(parsing: bytes)
    var licences: [JSON] = []
    for package in document.swiftPackages {
      licences.append([
        "purl": .string(package.purl), "licence": .string(try licence(of: package.purl, in: workspace)),
      ])
    }
    return Observation(sample: document.components.count, [("licences", .array(licences))])
  }

  /// Reads the licence file of a package's checkout; what is not recognised is `unknown`, which no list allows.
  private static func licence(of purl: String, in workspace: Workspace) throws(Problem) -> String {
    let name = purl.split(separator: "@")[0].split(separator: "/").last.map { $0.lowercased() } ?? ""
    let checkouts = "\(workspace.root)/.build/checkouts"
    guard let folder = try FileSystem.list(checkouts).first(where: { $0.lowercased() == name }) else {
      return "unknown"
    }
    for file in try FileSystem.list("\(checkouts)/\(folder)") where file.uppercased().hasPrefix("LICENSE") {
      let text = String(decoding: try FileSystem.read("\(checkouts)/\(folder)/\(file)", limit: 1 << 20), as: UTF8.self)
      return LicenceText.identify(text)
    }
    return "unknown"
  }

  static func judge(_ gate: GateDefinition, _ facts: JSONReader, by evidence: GateEvidence) throws(Problem) -> [Check] {
    let source = "P1-18"
    let document = try SBOMDocument(parsing: try evidence.document(MemberName.sbom))
    let exceptions = try DependencyExceptions(parsing: try evidence.document(MemberName.exceptions))
    var detected: [String: String] = [:]
    for element in try facts.member("licences").elements() {
      detected[try element.member("purl").text()] = try element.member("licence").text()
    }
    // An exception counts only where the whole list does: signed by two, short, used.
    let packages = document.components.compactMap(\.purl)
    let judged = exceptions.list.isEmpty ? [] : try exceptions.judge(evidence: evidence, packages: packages)
    let areValid = judged.outcome == .passed
    let outside = document.components.filter { !isReleased($0, evidence) }
    var checks = outside.filter { $0.purl == nil }.map { component in
      Check.failed(
        "dependency.\(component.name)", "dependencies.no-purl", "the dependency has no package URL, so no list has it",
        found: component.name, source: source, hint: "take it from a package, or do without it")
    }
    for purl in Set(outside.compactMap(\.purl)).sorted() {
      let id = "dependency.\(purl)"
      guard let listed = evidence.policy.dependencies.first(where: { matches(purl, $0.purl) }) else {
        checks.append(
          areValid && exceptions.covers(purl, at: evidence.time)
            ? .passed(id, "the dependency is covered by an exception")
            : .failed(
              id, "dependencies.unlisted", "the dependency stands in no list", found: purl, source: source,
              hint: "list it in the release policy, or sign an exception"))
        continue
      }
      guard purl.hasPrefix("pkg:swift/") else {
        checks.append(.passed(id, "the dependency is listed", expected: listed.licence, found: purl, source: source))
        continue
      }
      checks.append(
        .equal(
          id, "dependencies.licence", "the licence of the dependency", expected: listed.licence,
          found: detected[purl] ?? "unknown", source: source))
    }
    return checks.isEmpty
      ? [.failed("dependencies", "dependencies.none", "the bill of materials names no dependency", source: source)]
      : checks
  }
}

extension DependenciesGate {
  /// Whether a component is one of the released binaries; those are what depends, not what is depended on.
  private static func isReleased(_ component: SBOMDocument.Component, _ evidence: GateEvidence) -> Bool {
    ["application", "file"].contains(component.type)
      && evidence.subjects.contains { subject in
        guard component.name.isExactly(subject.name) else { return false }
        return component.purl.map { matches($0, "pkg:generic/\(subject.name)") } ?? true
      }
  }
}

/// Recognises the licences that our dependencies use, by sentences that only they have.
enum LicenceText {
  static func identify(_ text: String) -> String {
    let folded = text.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased()
    if folded.contains("apache license version 2.0") {
      return folded.contains("runtime library exception") ? "Apache-2.0 WITH Swift-exception" : "Apache-2.0"
    }
    let isMIT =
      folded.contains("permission is hereby granted, free of charge")
      && folded.contains("the above copyright notice and this permission notice")
    if isMIT { return "MIT" }
    return "unknown"
  }
}
