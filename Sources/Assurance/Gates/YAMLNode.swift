import CYAML
import Diagnostics

/// A node of a YAML document as libyaml found it, before our own rules.
struct YAMLNode {
  enum Content {
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([(key: YAMLNode, value: YAMLNode)])
    /// Another place of a node that has an anchor.
    case alias
  }

  let content: Content
  /// Whether the document gives it a tag, whatever tag.
  let tag: String?
  let hasAnchor: Bool
  /// Line and column of its first character, from 1.
  let line: Int
  let column: Int

  /// The only node of the only document, nil where there is no document.
  static func root(of bytes: [UInt8], path: String) throws(Problem) -> YAMLNode? {
    // libyaml takes no null pointer, which an empty array may give.
    guard !bytes.isEmpty else { return nil }
    // Safe: the array outlives the composer, which libyaml's parser reads from.
    let result = unsafe bytes.withUnsafeBufferPointer { input -> Result<YAMLNode?, Problem> in
      do throws(Problem) {
        var composer = try unsafe YAMLComposer(input, path: path)
        return .success(try composer.root())
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}

/// Makes nodes of libyaml's events.
///
/// Safe: the parser is allocated here, because it points at itself, and is freed with this value; whoever makes one keeps
/// the input alive.
@safe private struct YAMLComposer: ~Copyable {
  /// libyaml's own default in later versions than Debian's.
  private static let depthLimit = 1000

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let path: String
  private var anchors: Set<String> = []

  private struct Mark {
    var line: Int
    var column: Int

    init(_ mark: yaml_mark_t) {
      line = Int(mark.line) + 1
      column = Int(mark.column) + 1
    }
  }

  /// What a node may have before its content.
  private struct Properties {
    var anchor: String?
    var tag: String?
  }

  private enum Event {
    case scalar(String, isPlain: Bool, Properties)
    case sequence(Properties)
    case mapping(Properties)
    case alias(String)
    case endOfCollection
    case endOfStream
    /// Start of the stream, start and end of a document.
    case boundary

    var isEndOfCollection: Bool {
      if case .endOfCollection = self { true } else { false }
    }
  }

  @unsafe init(_ input: UnsafeBufferPointer<UInt8>, path: String) throws(Problem) {
    self.path = path
    unsafe parser = .allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      unsafe parser.deallocate()
      throw .couldNotRun("yaml.memory", "libyaml has no memory", place: path)
    }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
  }

  mutating func root() throws(Problem) -> YAMLNode? {
    _ = try next()
    guard case (.boundary, _) = try next() else { return nil }
    let (event, mark) = try next()
    let node = try compose(event, mark, depth: 0)
    _ = try next()
    let (end, after) = try next()
    guard case .endOfStream = end else { throw syntax("there is another document", after) }
    return node
  }

  private mutating func compose(_ event: Event, _ mark: Mark, depth: Int) throws(Problem) -> YAMLNode {
    guard depth < YAMLComposer.depthLimit else {
      throw syntax("nested deeper than \(YAMLComposer.depthLimit)", mark)
    }
    switch event {
    case .scalar(let text, let isPlain, let properties):
      return node(.scalar(text, isPlain: isPlain), properties, mark)
    case .sequence(let properties):
      var elements: [YAMLNode] = []
      var element = try next()
      while !element.event.isEndOfCollection {
        elements.append(try compose(element.event, element.mark, depth: depth + 1))
        element = try next()
      }
      return node(.sequence(elements), properties, mark)
    case .mapping(let properties):
      return node(.mapping(try members(depth: depth + 1)), properties, mark)
    case .alias(let name):
      guard anchors.contains(name) else { throw syntax("the alias “\(name)” has no anchor before it", mark) }
      return node(.alias, Properties(), mark)
    case .endOfCollection, .endOfStream, .boundary:
      throw syntax("a node is missing", mark)
    }
  }

  private mutating func members(depth: Int) throws(Problem) -> [(key: YAMLNode, value: YAMLNode)] {
    var members: [(key: YAMLNode, value: YAMLNode)] = []
    var names: Set<String> = []
    var key = try next()
    while !key.event.isEndOfCollection {
      let name = try compose(key.event, key.mark, depth: depth)
      let value = try next()
      members.append((name, try compose(value.event, value.mark, depth: depth)))
      if case .scalar(let text, _) = name.content, !names.insert(text).inserted {
        throw syntax("the key “\(text)” stands twice", key.mark)
      }
      key = try next()
    }
    return members
  }

  private mutating func node(_ content: YAMLNode.Content, _ properties: Properties, _ mark: Mark) -> YAMLNode {
    if let anchor = properties.anchor { anchors.insert(anchor) }
    return YAMLNode(
      content: content, tag: properties.tag, hasAnchor: properties.anchor != nil, line: mark.line, column: mark.column)
  }

  // MARK: libyaml

  /// The next event; libyaml's error is ours.
  private func next() throws(Problem) -> (event: Event, mark: Mark) {
    var raw = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &raw) == 1 else {
      let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "libyaml has no memory"
      let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) + ": " } ?? ""
      throw syntax(context + problem, unsafe Mark(parser.pointee.problem_mark))
    }
    // Safe: libyaml fills the member that the type names, and its strings are copied before the event is freed.
    defer { unsafe yaml_event_delete(&raw) }
    return (unsafe YAMLComposer.event(raw), unsafe Mark(raw.start_mark))
  }

  @unsafe private static func event(_ raw: yaml_event_t) -> Event {
    switch unsafe raw.type {
    case YAML_SCALAR_EVENT:
      let scalar = unsafe raw.data.scalar
      let text = unsafe String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      return unsafe .scalar(
        text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, properties(scalar.anchor, scalar.tag))
    case YAML_SEQUENCE_START_EVENT:
      return unsafe .sequence(properties(raw.data.sequence_start.anchor, raw.data.sequence_start.tag))
    case YAML_MAPPING_START_EVENT:
      return unsafe .mapping(properties(raw.data.mapping_start.anchor, raw.data.mapping_start.tag))
    case YAML_ALIAS_EVENT: return unsafe .alias(String(cString: raw.data.alias.anchor))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .endOfCollection
    case YAML_STREAM_END_EVENT: return .endOfStream
    default: return .boundary
    }
  }

  @unsafe private static func properties(
    _ anchor: UnsafeMutablePointer<UInt8>?, _ tag: UnsafeMutablePointer<UInt8>?
  ) -> Properties {
    unsafe Properties(
      anchor: anchor.map { unsafe String(cString: $0) }, tag: tag.map { unsafe String(cString: $0) })
  }

  private func syntax(_ said: String, _ mark: Mark) -> Problem {
    // What libyaml says is short; a key that is quoted may be as long as the file.
    var short = String.UnicodeScalarView()
    short.append(contentsOf: said.unicodeScalars.prefix(400))
    return .malformed(
      "yaml.syntax", Printable.oneLine(String(short)), place: "\(path):\(mark.line):\(mark.column)",
      source: "YAML 1.2.2")
  }
}
