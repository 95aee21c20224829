import Diagnostics
import StrictJSON

extension SBOMDocument {
  /// Reads a component, and appends those inside it. The recursion ends because nesting is limited by the parser.
  static func component(_ reader: JSONReader, into inner: inout [Component]) throws(Problem) -> Component {
    for child in try reader.optional("components")?.elements(atMost: 100_000) ?? [] {
      inner.append(try component(child, into: &inner))
    }
    var properties: [(name: String, value: String)] = []
    for property in try reader.optional("properties")?.elements() ?? [] {
      // Both fields are optional in the schema.
      guard let name = try property.optional("name")?.text() else { continue }
      properties.append((name, try property.optional("value")?.text() ?? ""))
    }
    return Component(
      reference: try reader.optional("bom-ref")?.text(), type: try reader.member("type").text(),
      name: try reader.member("name").text(), version: try reader.optional("version")?.text(),
      purl: try reader.optional("purl")?.text(), hashes: try hashes(reader), licenses: try licenses(reader),
      properties: properties, pointer: reader.pointer)
  }

  static func edges(_ reader: JSONReader) throws(Problem) -> [Edges] {
    var edges: [Edges] = []
    for entry in try reader.optional("dependencies")?.elements(atMost: 100_000) ?? [] {
      edges.append(
        Edges(from: try entry.member("ref").text(), to: try entry.references("dependsOn"), pointer: entry.pointer))
    }
    return edges
  }

  private static func hashes(_ reader: JSONReader) throws(Problem) -> [String: String] {
    var hashes: [String: String] = [:]
    for entry in try reader.optional("hashes")?.elements() ?? [] {
      let algorithm = try entry.member("alg").token(atMost: 32)
      let content = try entry.member("content").token(atMost: 256).lowercased()
      if let known = hashes[algorithm], known != content {
        throw entry.problem("sbom.two-hashes", "two different \(algorithm) values are given for one component")
      }
      let lengths = ["SHA-256": 64, "SHA-384": 96, "SHA-512": 128]
      guard content.allSatisfy({ $0.isASCII && $0.isHexDigit }),
        content.utf8.count == lengths[algorithm, default: content.utf8.count]
      else { throw entry.problem("sbom.hash", "“\(content)” is no \(algorithm) value") }
      hashes[algorithm] = content
    }
    return hashes
  }

  private static func licenses(_ reader: JSONReader) throws(Problem) -> [String] {
    var licenses: [String] = []
    for entry in try reader.optional("licenses")?.elements() ?? [] {
      if let expression = try entry.optional("expression") {
        licenses.append(try expression.text())
      } else if let license = try entry.optional("license") {
        let id = try license.optional("id")
        let name = try license.optional("name")
        if let text = try (id ?? name)?.text() { licenses.append(text) }
      }
    }
    return licenses
  }
}

extension JSONReader {
  /// The references in the array `key`, none where it is absent.
  func references(_ key: String) throws(Problem) -> [String] {
    try optional(key)?.texts(atMost: 100_000) ?? []
  }
}

extension [String] {
  /// Appends the `bom-ref` of a service and of those inside it.
  mutating func appendReferences(_ service: JSONReader) throws(Problem) {
    if let reference = try service.optional("bom-ref") { append(try reference.text()) }
    for child in try service.optional("services")?.elements() ?? [] { try appendReferences(child) }
  }
}
