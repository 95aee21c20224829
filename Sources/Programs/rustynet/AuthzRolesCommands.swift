import ArgumentParser
import Authorization
import AuthorizationFiles
import Diagnostics
import LinuxKit
import StrictJSON

/// `rustynet authz validate`: whether roles would be accepted.
struct AuthzValidate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Say whether roles parse and validate; nothing is decided.",
    discussion: "Files are judged wherever they lie; --roles also asks whether nobody else could have written them.")

  @Argument(help: "Files of policies.") var files: [String] = []
  @Option(help: "The schema to judge the files by (default: the shipped one).") var schema: String?
  @OptionGroup var roles: RoleOptions
  @Flag(help: "Print the answer as JSON instead of text.") var json = false

  func run() throws {
    guard files.isEmpty || roles.roles == nil, schema == nil || !files.isEmpty else {
      throw Problem.usage("usage.roles", "name files, with or without a schema, or a folder of roles")
    }
    let roles =
      files.isEmpty ? try roles.load() : try Roles(schema: try schema.map(read), policies: try files.map(read))
    if json {
      let facts: JSON = [
        "policies": .array(roles.policies.policies.map { ["policy": .string($0.id), "place": .string($0.place)] }),
        "idle": .array(roles.idle.map { .string("\($0)") }),
      ]
      return Console.print(facts.printable)
    }
    for problem in roles.idle { Console.print("warning: \(problem)", tone: .open) }
    Console.print("valid: \(roles.policies.policies.count) policies", tone: .good)
  }

  private func read(_ path: String) throws(Problem) -> Roles.File {
    Roles.File(name: path, bytes: try FileSystem.read(path, limit: 1 << 20))
  }
}

/// `rustynet authz export`: the shipped roles as files, to start from.
struct AuthzExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the shipped roles and their schema into a folder, to start from.")

  @Argument(help: "The folder; it is made when it is not there, and no file in it is replaced.") var folder: String

  func run() throws {
    try FileSystem.makeFolder(folder)
    for file in [Roles.shippedSchema] + Roles.shippedPolicies {
      try FileSystem.create(file.bytes, at: "\(folder)/\(file.name)", mode: 0o644)
    }
    Console.note("wrote \(Roles.shippedPolicies.count) files of policies and a schema into \(folder)")
  }
}
