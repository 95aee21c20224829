/// What is asked: may this principal do this action to this resource, in this context?
public struct Request: Sendable {
  /// Who acts.
  public let principal: EntityUID
  /// What would be done.
  public let action: EntityUID
  /// To what.
  public let resource: EntityUID
  /// What else is known about the request: time, address, how the caller proved who it is.
  public let context: Record

  /// A request of its parts.
  public init(principal: EntityUID, action: EntityUID, resource: EntityUID, context: Record = Record()) {
    self.principal = principal
    self.action = action
    self.resource = resource
    self.context = context
  }
}
