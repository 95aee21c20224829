public import NetworkTypes

extension CompiledPolicy {
  /// Whether `autoApprovers` approves a route that the node in the slot advertises, without asking anybody.
  ///
  /// A default route is a matter of `exitNode` alone, as the captures have it: `0.0.0.0/0` in `routes` approves no exit
  /// node. Any other route is approved by whoever may approve a prefix that holds it.
  public func autoApproves(_ route: Prefix, slot: Int) -> Bool {
    guard topology.slots.indices.contains(slot), topology.slots[slot] != nil else { return false }
    let approvers =
      route.length == 0
      ? policy.autoApprovers.exitNode
      : policy.autoApprovers.routes.filter { $0.key.length > 0 && $0.key.contains(route) }.flatMap(\.value)
    var index = SelectorIndex(policy: policy, topology: topology)
    return approvers.contains { index.resolve($0).members.contains(Int32(slot)) }
  }
}
