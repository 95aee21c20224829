public import Attestation
public import Diagnostics
import StrictJSON
public import Wire

/// A supply chain as its owner wants it: steps, who may do them, and what may come of them (in-toto 1.0 §4.3).
public struct Layout: Sendable {
  /// A step or an inspection, as far as both have rules.
  public struct Item: Sendable {
    /// Its name, unique among steps and inspections.
    public let name: String
    /// The rules for what went in, in their order.
    public let materialRules: [ArtifactRule]
    /// The rules for what came out.
    public let productRules: [ArtifactRule]
    /// The command: expected of a step, to be run for an inspection.
    public let command: [String]

    /// The command as a person reads it without doubt about where an argument ends.
    var shownCommand: String { Layout.shown(command) }
  }

  /// A step: done by functionaries, each of whom leaves a link (in-toto 1.0 §4.3.1).
  public struct Step: Sendable {
    /// Name, rules and expected command.
    public let item: Item
    /// The ids of the keys that may sign for it.
    public let keyIDs: [String]
    /// How many different functionaries it takes; at least 1.
    public let threshold: Int
  }

  /// The limits of a layout.
  public static let stepLimit = 256
  static let inspectionLimit = 64
  static let keyLimit = 256
  static let ruleLimit = 1024
  static let nameLimit = 255

  /// The last second before it is refused.
  public let expires: Timestamp
  /// The keys that can be used, by the ids that steps call them by.
  public let keys: [ExactText: LayoutKey]
  /// What is wrong with the keys that cannot be used.
  public let unusableKeys: [ExactText: Problem]
  /// What became of comparing each key id with its key.
  public let keyChecks: [Check]
  /// The steps, in their order; at least one.
  public let steps: [Step]
  /// The inspections, in their order.
  public let inspections: [Item]

  /// Reads the content of a signed layout, with `parameters` put in for `{name}` where there are any.
  ///
  /// Members that the specification does not name are ignored; they are signed like all others.
  public init(_ metadata: SignedMetadata, parameters: Parameters = Parameters()) throws(Problem) {
    let reader = metadata.document
    guard metadata.content == .layout else {
      throw reader.problem("layout.type", "this is a \(metadata.content.rawValue), not a layout")
    }
    expires = try reader.member("expires").timestamp()
    (keys, unusableKeys, keyChecks) = try Layout.readKeys(try reader.member("keys"))
    var steps: [Step] = []
    for step in try reader.member("steps").elements(atMost: Layout.stepLimit) {
      let threshold = try step.member("threshold").integer(in: 1...Int64(Layout.keyLimit))
      steps.append(
        Step(
          item: try Layout.item(step, type: "step", command: "expected_command", parameters),
          keyIDs: try step.member("pubkeys").texts(atMost: 64, length: 256), threshold: Int(threshold)))
    }
    guard !steps.isEmpty else {
      throw reader.problem("layout.empty", "a layout without a step proves nothing", source: "in-toto 1.0 §4.3")
    }
    self.steps = steps
    inspections = try (try reader.optional("inspect")?.elements(atMost: Layout.inspectionLimit) ?? []).map {
      element throws(Problem) in try Layout.item(element, type: "inspection", command: "run", parameters)
    }
    let names = steps.map { ExactText($0.item.name) } + inspections.map { ExactText($0.name) }
    guard Set(names).count == names.count else {
      throw reader.problem(
        "layout.name", "two steps or inspections have the same name", source: "in-toto 1.0 §4.3.1, §4.3.2")
    }
  }

  private static func item(
    _ reader: JSONReader, type: String, command: String, _ parameters: Parameters
  ) throws(Problem) -> Item {
    guard try reader.member("_type").text(atMost: 64).isExactly(type) else {
      throw reader.problem("layout.item", "the member “_type” is not “\(type)”")
    }
    let name = try reader.member("name").text(atMost: nameLimit)
    // It is a part of file names, and stands in the ids of checks.
    guard !name.isEmpty, !name.unicodeScalars.contains(where: { $0 == "/" || Printable.isUnsafe($0) }) else {
      throw reader.problem("layout.name", "“\(name)” cannot name a step or an inspection")
    }
    func rules(_ key: String) throws(Problem) -> [ArtifactRule] {
      try reader.member(key).elements(atMost: ruleLimit).map { rule throws(Problem) in
        let words = try rule.texts(atMost: 10, length: 4096)
        do throws(Problem) { return try ArtifactRule(try parameters.apply(to: words)) } catch {
          throw rule.located(error)
        }
      }
    }
    let argv = try reader.optional(command)?.texts(atMost: 4096) ?? []
    return Item(
      name: name, materialRules: try rules("expected_materials"), productRules: try rules("expected_products"),
      command: try parameters.apply(to: argv))
  }

  private typealias Keys = ([ExactText: LayoutKey], [ExactText: Problem], [Check])

  /// An argument vector as JSON. (Swift's own description of an array searches all types of the program first.)
  static func shown(_ command: [String]) -> String { JSON.array(command.map { .string($0) }).printable }

  /// A key that is not supported is no fault of the layout while nobody needs it; one under a foreign id is.
  private static func readKeys(_ reader: JSONReader) throws(Problem) -> Keys {
    var keys: [ExactText: LayoutKey] = [:]
    var unusable: [ExactText: Problem] = [:]
    var checks: [Check] = []
    for (id, value) in try reader.members(atMost: keyLimit) {
      guard (1...256).contains(id.utf8.count) else {
        throw value.problem("layout.key-id", "a key id has 1 to 256 bytes")
      }
      do throws(Problem) {
        let key = try LayoutKey(value, id: id)
        checks.append(try keyCheck(id, value))
        keys[ExactText(id)] = key
      } catch {
        guard error.kind == .refused else { throw error }
        unusable[ExactText(id)] = error
      }
    }
    return (keys, unusable, checks)
  }

  private static func keyCheck(_ id: String, _ value: JSONReader) throws(Problem) -> Check {
    let source = "in-toto 1.0 §4.2.1"
    let own = try value.optional("keyid")?.text(atMost: 256) ?? id
    guard own.isExactly(id), try LayoutKey.isID(id, of: value) else {
      return .failed(
        "layout.key.\(id.prefix(16))", "layout.key-id", "the key stands under an id that is not its own", found: id,
        source: source, hint: "the id is SHA-256 over the canonical JSON of the key")
    }
    return .passed("layout.key.\(id.prefix(16))", "the id is the key's own", found: id, source: source)
  }
}
