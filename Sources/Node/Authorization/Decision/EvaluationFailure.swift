/// Why a policy could not be evaluated. It is skipped then, and named in the answer.
struct EvaluationFailure: Error, Equatable {
  enum Reason: UInt8 {
    case type, overflow, noEntity, noAttribute, noTag, extensionArgument, argumentCount
  }

  let reason: Reason
  /// The node that failed.
  let node: Program.Index
}

/// Why a policy was skipped, for people.
public struct PolicyError: Sendable {
  /// The id of the policy.
  public let policy: String
  /// A stable name such as `evaluation.overflow`.
  public let code: String
  /// What failed.
  public let message: String
  /// Where in the text of the policies, with the file.
  public let place: String
}

extension EvaluationFailure.Reason {
  /// The stable name.
  var code: String {
    switch self {
    case .type: "evaluation.type"
    case .overflow: "evaluation.overflow"
    case .noEntity: "evaluation.no-entity"
    case .noAttribute: "evaluation.no-attribute"
    case .noTag: "evaluation.no-tag"
    case .extensionArgument: "evaluation.extension-argument"
    case .argumentCount: "evaluation.argument-count"
    }
  }

  /// What failed, in a sentence.
  var message: String {
    switch self {
    case .type: "an operand is not of the type that the operator takes"
    case .overflow: "the result does not fit into 64 bits"
    case .noEntity: "the entity is not known"
    case .noAttribute: "there is no such attribute"
    case .noTag: "the entity has no such tag"
    case .extensionArgument: "the text is no value of the type"
    case .argumentCount: "the function takes another number of arguments"
    }
  }
}
