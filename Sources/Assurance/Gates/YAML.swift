public import Diagnostics
public import StrictJSON
import Yams

/// YAML files of the `gates/` folder, turned into the JSON values that our strict readers read.
///
/// Only the plain part of YAML is accepted: mappings with text keys, sequences, and scalars that are text, integers,
/// booleans or null. Anchors, tags and several documents in one file are refused, because a gate must read as it is.
public enum YAML {
  /// Parses one document.
  public static func parse(_ bytes: [UInt8], path: String) throws(Problem) -> JSON {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed("yaml.utf-8", "the file is not UTF-8", place: path)
    }
    let parser: Parser
    let node: Node?
    do {
      parser = try Parser(yaml: text)
      node = try parser.singleRoot()
    } catch {
      // The parser quotes the line, which may be as long as the file.
      var said = String.UnicodeScalarView()
      said.append(contentsOf: "\(error)".unicodeScalars.prefix(400))
      throw .malformed("yaml.syntax", Printable.oneLine(String(said)), place: path, source: "YAML 1.2.2")
    }
    guard let node else { throw .malformed("yaml.empty", "the file holds no document", place: path) }
    // The nodes hold their anchors weakly, the parser holds them; without it they would seem to have none.
    defer { withExtendedLifetime(parser) {} }
    return try value(node, path: path, depth: 0)
  }

  private static func value(_ node: Node, path: String, depth: Int) throws(Problem) -> JSON {
    guard depth < 16 else { throw .malformed("yaml.depth", "the file is nested deeper than 16", place: path) }
    let place = node.mark.map { "\(path):\($0.line):\($0.column)" } ?? path
    try requirePlain(node, place: place)
    switch node {
    case .scalar(let scalar): return try self.scalar(scalar, place: place)
    case .sequence(let sequence):
      var elements: [JSON] = []
      for element in sequence { elements.append(try value(element, path: path, depth: depth + 1)) }
      return .array(elements)
    case .mapping(let mapping):
      var object = JSONObject()
      for (key, member) in mapping {
        guard case .scalar(let name) = key, name.anchor == nil, object[name.string] == nil else {
          throw .malformed("yaml.key", "a key is not plain text, or stands twice", place: place)
        }
        object[name.string] = try value(member, path: path, depth: depth + 1)
      }
      return .object(object)
    case .alias:
      throw .malformed("yaml.alias", "aliases are not allowed", place: place)
    }
  }

  /// Refuses anchors, without which there is no alias, and tags: the parser has put aliases in already.
  private static func requirePlain(_ node: Node, place: String) throws(Problem) {
    guard node.anchor == nil else {
      throw .malformed("yaml.alias", "anchors and aliases are not allowed", place: place)
    }
    let tag: String
    switch node {
    case .scalar(let scalar):
      // The parser itself gives quoted text the tag of text.
      let isText = scalar.style != .plain && scalar.tag.description == "tag:yaml.org,2002:str"
      tag = isText ? "" : scalar.tag.description
    case .sequence(let sequence): tag = sequence.tag.description
    case .mapping(let mapping): tag = mapping.tag.description
    case .alias: tag = ""
    }
    guard tag.isEmpty else { throw .malformed("yaml.tag", "tags are not allowed: \(tag)", place: place) }
  }

  private static func scalar(_ scalar: Node.Scalar, place: String) throws(Problem) -> JSON {
    guard scalar.style == .plain else { return .string(scalar.string) }
    switch scalar.string {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null", "~", "": return .null
    default:
      guard let first = scalar.string.utf8.first, (0x30...0x39).contains(first) || first == UInt8(ascii: "-"),
        let integer = Int64(scalar.string)
      else { return .string(scalar.string) }
      guard integer.magnitude <= JSON.largestInteger.magnitude else {
        throw .malformed("yaml.number", "\(integer) is beyond 2^53-1", place: place)
      }
      return .integer(integer)
    }
  }
}
