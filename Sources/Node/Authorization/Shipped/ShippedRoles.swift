// swift-format-ignore-file
/// The roles that are shipped, as they stand in `Sources/Node/Authorization/Roles`.
///
/// Written by `scripts/roles`; do not edit.
enum ShippedRoles {
  static let schema = #"""
    // What the shipped roles speak of. Entities come from the node: users and their roles, and what the roles may act on.
    namespace Rustynet {
      type Session = {
        // When the request is made. Without it no time-boxed right is granted.
        time?: datetime,
        // Whether the caller has shown a second factor in this session.
        mfa?: Bool,
        // Why, in the words of the caller; break-glass demands it, and the audit log keeps it.
        reason?: String,
      };

      entity Tenant;
      entity Role enum ["viewer", "operator", "admin", "auditor", "break-glass"];
      entity User in [Role] = {
        tenant: Tenant,
        // Until when a user in the role break-glass may use it.
        breakGlassUntil?: datetime,
      };
      entity Node, ExitNode, NetworkPolicy, Credential, AuditLog in [Tenant] = {
        tenant: Tenant,
      };

      // Groups of actions: what only looks, and what changes something.
      action observe, privileged;

      action viewNodes in [observe] appliesTo { principal: User, resource: Node, context: Session };
      action readAudit in [observe] appliesTo { principal: User, resource: AuditLog, context: Session };
      action manageExitNodes in [privileged] appliesTo { principal: User, resource: ExitNode, context: Session };
      action managePolicy in [privileged] appliesTo { principal: User, resource: NetworkPolicy, context: Session };
      action manageCredentials in [privileged] appliesTo { principal: User, resource: Credential, context: Session };
      action manageUsers in [privileged] appliesTo { principal: User, resource: User, context: Session };
    }

    """#

  static let files: [(name: String, text: String)] = [
    ("admin.cedar", #"""
    // P6-1: an admin does everything; guards.cedar says under which conditions.
    @id("admin-does-everything")
    permit (
      principal is Rustynet::User in Rustynet::Role::"admin",
      action in [Rustynet::Action::"observe", Rustynet::Action::"privileged"],
      resource
    );

    """#),
    ("auditor.cedar", #"""
    // An auditor looks at everything and changes nothing.
    @id("auditor-observes")
    permit (
      principal is Rustynet::User in Rustynet::Role::"auditor",
      action in Rustynet::Action::"observe",
      resource
    );

    """#),
    ("break-glass.cedar", #"""
    // P7-6: for an emergency, for at most four hours, with a reason. It cannot prolong itself: users are managed by admins.
    @id("break-glass-until-it-expires")
    permit (
      principal is Rustynet::User in Rustynet::Role::"break-glass",
      action in
        [Rustynet::Action::"observe",
         Rustynet::Action::"manageExitNodes",
         Rustynet::Action::"managePolicy",
         Rustynet::Action::"manageCredentials"],
      resource
    )
    when
    {
      principal has breakGlassUntil &&
      context has time &&
      context.time < principal.breakGlassUntil &&
      principal.breakGlassUntil.durationSince(context.time) <= duration("4h")
    }
    when { context has reason && context.reason != "" };

    """#),
    ("guards.cedar", #"""
    // What no role gets around. A policy that cannot be evaluated is skipped, so each of these asks with `has` before it
    // reads: what is not known forbids.

    // P6-2: whatever changes something needs a second factor.
    @id("guard-second-factor")
    forbid (
      principal,
      action in Rustynet::Action::"privileged",
      resource
    )
    unless { context has mfa && context.mfa };

    // Separation of duties: who audits does not act. A user with both roles may do nothing at all, so that the mistake is
    // seen at once.
    @id("guard-separation-of-duties")
    forbid (
      principal is Rustynet::User in Rustynet::Role::"auditor",
      action,
      resource
    )
    when
    {
      principal in
        [Rustynet::Role::"operator",
         Rustynet::Role::"admin",
         Rustynet::Role::"break-glass"]
    };

    // P7-3: nobody acts across tenants.
    @id("guard-tenant")
    forbid (principal, action, resource)
    unless
    {
      principal has tenant &&
      resource has tenant &&
      principal.tenant == resource.tenant
    };

    """#),
    ("operator.cedar", #"""
    // P6-1: an operator looks at nodes and manages exit nodes.
    @id("operator-views-nodes")
    permit (
      principal is Rustynet::User in Rustynet::Role::"operator",
      action == Rustynet::Action::"viewNodes",
      resource is Rustynet::Node
    );

    @id("operator-manages-exit-nodes")
    permit (
      principal is Rustynet::User in Rustynet::Role::"operator",
      action == Rustynet::Action::"manageExitNodes",
      resource is Rustynet::ExitNode
    );

    """#),
    ("viewer.cedar", #"""
    // P6-1: a viewer looks at nodes, and at nothing else.
    @id("viewer-views-nodes")
    permit (
      principal is Rustynet::User in Rustynet::Role::"viewer",
      action == Rustynet::Action::"viewNodes",
      resource is Rustynet::Node
    );

    """#),
  ]
}
