import Diagnostics
import LinuxKit
import Testing

@testable import Authorization

@Suite struct RolesTests {
  private static let folder: String = {
    var folder = Path.folder(of: #filePath)
    while folder != "/", FileSystem.status("\(folder)/Package.swift") == nil { folder = Path.folder(of: folder) }
    return "\(folder)/Sources/Node/Authorization/Roles"
  }()

  @Test func holdsTheFilesOfTheFolder() throws {
    let names = try FileSystem.list(Self.folder)
    #expect(names.sorted() == (Roles.shippedPolicies.map(\.name) + [Roles.shippedSchema.name]).sorted())
    for file in Roles.shippedPolicies + [Roles.shippedSchema] {
      #expect(try FileSystem.read("\(Self.folder)/\(file.name)", limit: 1 << 20) == file.bytes, "run scripts/roles")
    }
  }

  /// Users of every role, and one with two that exclude each other.
  private static let entities = """
    [\(["viewer", "operator", "admin", "auditor", "break-glass"].map { user($0, [$0]) }.joined(separator: ",")),
     \(user("nobody", [])), \(user("both", ["auditor", "operator"])), \(user("foreign", ["admin"], tenant: "elsewhere")),
     \(["Node", "ExitNode", "NetworkPolicy", "Credential", "AuditLog"].map { resource($0) }.joined(separator: ","))]
    """

  private static func user(_ id: String, _ roles: [String], tenant: String = "home") -> String {
    let groups = roles.map { #"{"type": "Rustynet::Role", "id": "\#($0)"}"# }.joined(separator: ",")
    return """
      {"uid": {"type": "Rustynet::User", "id": "\(id)"}, "parents": [\(groups)], "attrs":
      {"tenant": {"type": "Rustynet::Tenant", "id": "\(tenant)"}, "breakGlassUntil": "2026-11-22T18:00:00Z"}}
      """
  }

  private static func resource(_ type: String) -> String {
    """
    {"uid": {"type": "Rustynet::\(type)", "id": "x"}, "parents": [],
     "attrs": {"tenant": {"type": "Rustynet::Tenant", "id": "home"}}}
    """
  }

  private func decide(_ user: String, _ action: String, _ resource: String, _ context: String) throws -> (
    Bool, [String]
  ) {
    let roles = try Roles.shipped()
    let authorizer = Authorizer(roles.policies, try roles.reader.entities(parsing: Array(Self.entities.utf8)))
    let uid = EntityUID(type: "Rustynet::Action", id: Text(action))
    let request = Request(
      principal: EntityUID(type: "Rustynet::User", id: Text(user)), action: uid,
      resource: EntityUID(type: Text("Rustynet::\(resource)"), id: resource == "User" ? "viewer" : "x"),
      context: try roles.reader.context(parsing: Array(context.utf8), action: uid))
    try roles.reader.check(request)
    let decision = authorizer.decide(request)
    #expect(decision.errors.isEmpty)
    return (decision.isAllowed, authorizer.policies(in: decision.reasons).map(\.id))
  }

  /// Who may do what with a second factor, at noon, with a reason; anything else is denied.
  @Test func decidesTheMatrix() throws {
    let context = #"{"mfa": true, "time": "2026-11-22T16:00:00Z", "reason": "drill"}"#
    let allowed: [String: Set<String>] = [
      "viewer": ["viewNodes"], "operator": ["viewNodes", "manageExitNodes"],
      "admin": ["viewNodes", "readAudit", "manageExitNodes", "managePolicy", "manageCredentials", "manageUsers"],
      "auditor": ["viewNodes", "readAudit"],
      "break-glass": ["viewNodes", "readAudit", "manageExitNodes", "managePolicy", "manageCredentials"],
      "nobody": [], "both": [], "foreign": [], "stranger": [],
    ]
    let actions = [
      ("viewNodes", "Node"), ("readAudit", "AuditLog"), ("manageExitNodes", "ExitNode"),
      ("managePolicy", "NetworkPolicy"),
      ("manageCredentials", "Credential"), ("manageUsers", "User"),
    ]
    for (user, expected) in allowed {
      for (action, resource) in actions {
        #expect(try decide(user, action, resource, context).0 == expected.contains(action), "\(user) \(action)")
      }
    }
  }

  @Test(
    arguments: [
      // Without a second factor nothing is changed (P6-2).
      ("admin", "manageUsers", "User", "{}", "guard-second-factor"), ("admin", "viewNodes", "Node", "{}", nil),
      ("admin", "manageUsers", "User", #"{"mfa": false}"#, "guard-second-factor"),
      ("admin", "manageUsers", "User", #"{"mfa": true}"#, nil),
      ("both", "viewNodes", "Node", "{}", "guard-separation-of-duties"),
      ("foreign", "viewNodes", "Node", "{}", "guard-tenant"),
      ("stranger", "viewNodes", "Node", "{}", "guard-tenant"),
    ] as [(String, String, String, String, String?)])
  func guards(user: String, action: String, resource: String, context: String, policy: String?) throws {
    let (isAllowed, reasons) = try decide(user, action, resource, context)
    #expect(isAllowed == (policy == nil))
    if let policy { #expect(reasons == [policy]) }
  }

  @Test(arguments: [
    (#"{"mfa": true, "time": "2026-11-22T17:59:59Z", "reason": "x"}"#, true),
    (#"{"mfa": true, "time": "2026-11-22T18:00:00Z", "reason": "x"}"#, false),
    (#"{"mfa": true, "time": "2026-11-22T14:00:00Z", "reason": "x"}"#, true),
    (#"{"mfa": true, "time": "2026-11-22T13:59:59Z", "reason": "x"}"#, false),
    (#"{"mfa": true, "time": "2026-11-22T17:00:00Z", "reason": ""}"#, false),
    (#"{"mfa": true, "time": "2026-11-22T17:00:00Z"}"#, false), (#"{"mfa": true, "reason": "x"}"#, false),
    (#"{"time": "2026-11-22T17:00:00Z", "reason": "x"}"#, false),
  ])
  func breakGlassExpires(context: String, isAllowed: Bool) throws {
    #expect(try decide("break-glass", "managePolicy", "NetworkPolicy", context).0 == isAllowed)
  }

  @Test(arguments: [
    ("permit(principal, action, resource);", nil), ("", "roles.none"), ("permit(", "cedar.syntax"),
    ("permit(principal, action, resource) when { principal.salary > 1 };", "validation.attribute"),
  ])
  func acceptsAllOrNothing(text: String, code: String?) throws {
    do throws(Problem) {
      let file = Roles.File(name: "own.cedar", bytes: Array(text.utf8))
      _ = try Roles(schema: nil, policies: (code == "roles.none" ? [] : Roles.shippedPolicies) + [file])
      #expect(code == nil)
    } catch {
      #expect(error.code == code)
      #expect(code == "roles.none" || error.place?.hasPrefix("own.cedar: 1:") == true)
    }
  }
}
