import Authorization
import Diagnostics
import StrictJSON

/// A mesh to decide about: users in all roles, nodes in two tenants, and requests of every sort.
struct AuthzBench {
  static let tenants = ["home", "elsewhere"]
  static let roles = ["viewer", "operator", "admin", "auditor", "break-glass"]
  static let actions = [
    ("viewNodes", "Node"), ("readAudit", "AuditLog"), ("manageExitNodes", "ExitNode"),
    ("managePolicy", "NetworkPolicy"), ("manageCredentials", "Credential"), ("manageUsers", "User"),
  ]

  /// How many users there are.
  let users: Int
  /// The requests, taken in turn.
  let requests: [Request]
  let authorizer: Authorizer

  init(users: Int, requests: Int) throws(Problem) {
    self.users = users
    let roles = try Roles.shipped()
    let reader = roles.reader
    authorizer = Authorizer(
      roles.policies, try reader.entities(parsing: AuthzBench.entities(users: users).canonical))
    var list: [Request] = []
    for number in 0..<requests {
      let document = JSONReader(AuthzBench.request(number, users: users))
      let action = try reader.name(try document.member("action"))
      list.append(
        Request(
          principal: try reader.name(try document.member("principal")), action: action,
          resource: try reader.name(try document.member("resource")),
          context: try reader.context(try document.member("context"), action: action)))
    }
    self.requests = list
  }

  private static func name(_ type: String, _ id: String) -> JSON {
    ["type": .string("Rustynet::\(type)"), "id": .string(id)]
  }

  /// The entities, in the form that other engines read too.
  static func entities(users: Int) -> JSON {
    var all: [JSON] = []
    for user in 0..<users {
      var attributes: JSONObject = JSONObject()
      attributes["tenant"] = ["__entity": name("Tenant", tenants[user % 2])]
      if user % 5 == 4 {
        attributes["breakGlassUntil"] = ["__extn": ["fn": "datetime", "arg": "2026-11-22T18:00:00Z"]]
      }
      all.append([
        "uid": name("User", "user-\(user)"), "attrs": .object(attributes),
        "parents": [name("Role", roles[user % 5])],
      ])
    }
    for (number, type) in ["Node", "ExitNode", "NetworkPolicy", "Credential", "AuditLog"].enumerated() {
      for (index, tenant) in tenants.enumerated() {
        all.append([
          "uid": name(type, "\(type)-\(number)-\(index)"), "attrs": ["tenant": ["__entity": name("Tenant", tenant)]],
          "parents": [],
        ])
      }
    }
    return .array(all)
  }

  /// One request: roles, actions, tenants and sessions in turn.
  static func request(_ number: Int, users: Int) -> JSON {
    let (action, type) = actions[number % actions.count]
    let kinds = ["Node", "ExitNode", "NetworkPolicy", "Credential", "AuditLog"]
    // The users come in pairs of a role and a tenant; strides that share no factor reach all of them.
    let user = (number * 7) % users
    let place = kinds.firstIndex(of: type).map { "\(type)-\($0)-\((number / 12) % 2)" } ?? "user-\(number % users)"
    var context = JSONObject()
    context["time"] = ["__extn": ["fn": "datetime", "arg": "2026-11-22T16:05:00Z"]]
    context["mfa"] = .bool(number % 4 != 0)
    if number % 3 == 0 { context["reason"] = "the relay does not answer" }
    return [
      "principal": name("User", "user-\(user)"),
      "action": ["type": "Rustynet::Action", "id": .string(action)],
      "resource": name(type, place), "context": .object(context),
    ]
  }

  /// Decides `count` requests and returns how many were allowed.
  func decide(_ count: Int) -> Int {
    var allowed = 0
    var next = 0
    for _ in 0..<count {
      if authorizer.decide(requests[next]).isAllowed { allowed += 1 }
      next += 1
      if next == requests.count { next = 0 }
    }
    return allowed
  }
}
