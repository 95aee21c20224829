import ArgumentParser
import Authorization
import AuthorizationFiles
import Diagnostics
import LinuxKit
import StrictJSON

/// `rustynet authz …`: who may do what.
struct AuthzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "authz", abstract: "Say who may do what, and which policies decide it.",
    subcommands: [AuthzCheck.self, AuthzValidate.self, AuthzExport.self])
}

/// By which roles a verb decides.
struct RoleOptions: ParsableArguments {
  @Option(help: "The folder with roles of your own, owned by root (default: the shipped roles).")
  var roles: String?

  func load() throws(Problem) -> Roles {
    guard let roles else { return try .shipped() }
    return try RoleFolder.load(roles)
  }
}

/// `rustynet authz check`: decides one request.
struct AuthzCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Decide one request, and say which policies decided it.",
    discussion: """
      Entities are written Type::"id", or Type::id where the id is made of letters, digits and the signs . _ @ -; a \
      principal without a type is a Rustynet::User, an action without one a Rustynet::Action. Ends with 0 when the \
      request is allowed, and with 78 when it is denied.
      """)

  @Option(help: "Who acts, such as alice.") var principal: String
  @Option(help: "What would be done, such as viewNodes.") var action: String
  @Option(help: "To what, such as Rustynet::Node::gateway.") var resource: String
  @Option(help: "What else is known: a JSON object, or a file that holds one.") var context: String?
  @Option(help: "The file with the entities, in JSON; without it nobody is known.") var entities: String?
  @OptionGroup var roles: RoleOptions
  @Flag(help: "Print the answer as JSON instead of text.") var json = false

  func run() throws {
    let roles = try roles.load()
    let reader = roles.reader
    let known = try entities(reader)
    let action = try EntityUID(parsing: action, type: "Rustynet::Action")
    let request = Request(
      principal: try EntityUID(parsing: principal, type: "Rustynet::User"), action: action,
      resource: try EntityUID(parsing: resource), context: try context(of: action, reader))
    try reader.check(request)
    let authorizer = Authorizer(roles.policies, known)
    let decision = authorizer.decide(request)
    let answer = AuthzAnswer(
      decision: decision, reasons: authorizer.policies(in: decision.reasons),
      errors: authorizer.errors(decision.errors, in: request), unknown: unknown(request, known))
    answer.print(asJSON: json)
    if !decision.isAllowed { throw ArgumentParser.ExitCode(Diagnostics.ExitCode.refused.rawValue) }
  }

  private func entities(_ reader: EntityReader) throws(Problem) -> Entities {
    guard let entities else { return try reader.entities([]) }
    let bytes = try FileSystem.read(entities, limit: EntityReader.limits.size)
    do { return try reader.entities(parsing: bytes) } catch { throw error.at(entities) }
  }

  private func context(of action: EntityUID, _ reader: EntityReader) throws(Problem) -> Record {
    guard let context else { return try reader.context(parsing: Array("{}".utf8), action: action) }
    if context.utf8.first(where: { $0 != 0x20 }) == UInt8(ascii: "{") {
      do { return try reader.context(parsing: Array(context.utf8), action: action) } catch {
        throw error.at("--context")
      }
    }
    let bytes = try FileSystem.read(context, limit: EntityReader.limits.size)
    do { return try reader.context(parsing: bytes, action: action) } catch { throw error.at(context) }
  }

  /// Those of the request that no entity describes: the usual reason of a denial that nobody expects.
  private func unknown(_ request: Request, _ entities: Entities) -> [EntityUID] {
    [request.principal, request.resource].filter { entities[$0] == nil }
  }
}

/// What `check` says.
struct AuthzAnswer {
  let decision: Authorizer.Decision
  let reasons: [Policy]
  let errors: [PolicyError]
  let unknown: [EntityUID]

  func print(asJSON: Bool) {
    if asJSON { return Console.print(json.printable) }
    Console.print(verdict, tone: decision.isAllowed ? .good : .bad)
    for policy in reasons { Console.print("  \(policy.effect.rawValue) \(policy.id) (\(policy.place))") }
    for uid in unknown { Console.print("  no entity \(uid) is known") }
    for error in errors {
      Console.print("  skipped \(error.policy): \(error.message) [\(error.code)] (\(error.place))", tone: .open)
    }
  }

  private var verdict: String {
    if decision.isAllowed { return "allowed" }
    return reasons.isEmpty ? "denied: no policy permits it" : "denied: forbidden"
  }

  private var json: JSON {
    [
      "decision": .string(decision.isAllowed ? "allow" : "deny"),
      "reasons": .array(
        reasons.map { ["policy": .string($0.id), "effect": .string($0.effect.rawValue), "place": .string($0.place)] }),
      "errors": .array(
        errors.map {
          [
            "policy": .string($0.policy), "code": .string($0.code), "message": .string($0.message),
            "place": .string($0.place),
          ]
        }),
      "unknown": .array(unknown.map { .string($0.description) }),
    ]
  }
}
