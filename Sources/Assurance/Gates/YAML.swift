public import Diagnostics
public import StrictJSON

/// YAML files of the `gates/` folder, turned into the JSON values that our strict readers read.
///
/// Only the plain part of YAML is accepted: mappings with text keys, sequences, and scalars that are text, integers,
/// booleans or null. Anchors, tags and several documents in one file are refused, because a gate must read as it is.
public enum YAML {
  /// Parses one document.
  public static func parse(_ bytes: [UInt8], path: String) throws(Problem) -> JSON {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw .malformed("yaml.utf-8", "the file is not UTF-8", place: path)
    }
    guard let node = try YAMLNode.root(of: bytes, path: path) else {
      throw .malformed("yaml.empty", "the file holds no document", place: path)
    }
    return try value(node, path: path, depth: 0)
  }

  private static func value(_ node: YAMLNode, path: String, depth: Int) throws(Problem) -> JSON {
    guard depth < 16 else { throw .malformed("yaml.depth", "the file is nested deeper than 16", place: path) }
    let place = "\(path):\(node.line):\(node.column)"
    try requirePlain(node, place: place)
    switch node.content {
    case .scalar(let text, let isPlain): return try scalar(text, isPlain: isPlain, place: place)
    case .sequence(let nodes):
      var elements: [JSON] = []
      for element in nodes { elements.append(try value(element, path: path, depth: depth + 1)) }
      return .array(elements)
    case .mapping(let members):
      var object = JSONObject()
      for (key, member) in members {
        guard case .scalar(let name, _) = key.content, !key.hasAnchor, object[name] == nil else {
          throw .malformed("yaml.key", "a key is not plain text, or stands twice", place: place)
        }
        try requirePlain(key, place: place)
        object[name] = try value(member, path: path, depth: depth + 1)
      }
      return .object(object)
    case .alias:
      throw .malformed("yaml.alias", "aliases are not allowed", place: place)
    }
  }

  /// Refuses anchors, without which there is no alias, and tags.
  private static func requirePlain(_ node: YAMLNode, place: String) throws(Problem) {
    guard !node.hasAnchor else {
      throw .malformed("yaml.alias", "anchors and aliases are not allowed", place: place)
    }
    if let tag = node.tag { throw .malformed("yaml.tag", "tags are not allowed: \(tag)", place: place) }
  }

  private static func scalar(_ text: String, isPlain: Bool, place: String) throws(Problem) -> JSON {
    guard isPlain else { return .string(text) }
    switch text {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null", "~", "": return .null
    default:
      guard let first = text.utf8.first, (0x30...0x39).contains(first) || first == UInt8(ascii: "-"),
        let integer = Int64(text)
      else { return .string(text) }
      guard integer.magnitude <= JSON.largestInteger.magnitude else {
        throw .malformed("yaml.number", "\(integer) is beyond 2^53-1", place: place)
      }
      return .integer(integer)
    }
  }
}
