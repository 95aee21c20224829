/// The name of an entity: its type, such as `Rustynet::User`, and its id.
///
/// A class, so that a value holds it in one word; two names are equal when both texts are.
public final class EntityUID: Sendable {
  /// The type with its namespace.
  public let type: Text
  /// The id within the type.
  public let id: Text
  /// Computed once: a decision compares names far more often than it makes them.
  let fingerprint: Int

  /// A name of its parts.
  public init(type: Text, id: Text) {
    self.type = type
    self.id = id
    var hasher = Hasher()
    hasher.combine(type)
    hasher.combine(id)
    fingerprint = hasher.finalize()
  }
}

extension EntityUID: Hashable {
  /// Equal when type and id are, byte by byte.
  public static func == (left: EntityUID, right: EntityUID) -> Bool {
    left === right || left.fingerprint == right.fingerprint && left.id == right.id && left.type == right.type
  }

  /// The fingerprint, which is keyed by the process.
  public func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}

extension EntityUID: Comparable, CustomStringConvertible {
  /// By type, then by id.
  public static func < (left: EntityUID, right: EntityUID) -> Bool {
    left.type == right.type ? left.id < right.id : left.type < right.type
  }

  /// `Type::"id"`.
  public var description: String { "\(type)::\(id.quoted)" }

  /// Whether the type is `Action`, in whatever namespace.
  var isAction: Bool { type == "Action" || type.bytes.suffix(8).elementsEqual("::Action".utf8) }
}
