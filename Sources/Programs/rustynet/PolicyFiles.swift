import ArgumentParser
import Diagnostics
import HuJSON
import LinuxKit
import NetworkPolicy
import StrictJSON

/// A policy file: read, and its places known.
struct PolicyFile {
  let path: String
  let policy: NetworkPolicy
  private let bytes: [UInt8]

  init(reading path: String) throws(Problem) {
    self.path = path
    bytes = try FileSystem.read(path, limit: NetworkPolicy.limits.size)
    do throws(Problem) { policy = try NetworkPolicy(parsing: bytes) } catch { throw error.at(path) }
  }

  /// `line:column` of the value at a JSON pointer.
  func place(of pointer: String) -> String {
    guard let document = try? HuJSON.standardized(bytes, limits: NetworkPolicy.limits),
      let place = JSONPlace(of: pointer, in: document, limits: NetworkPolicy.limits)
    else { return pointer }
    return "\(place)"
  }
}

/// The mesh that a policy is judged over.
struct TopologyOptions: ParsableArguments {
  @Option(help: "The topology file: users and nodes (documents/specs/topology.md).") var topology: String

  func read() throws(Problem) -> Topology {
    let bytes = try FileSystem.read(topology, limit: Topology.limits.size)
    do throws(Problem) { return try Topology(parsing: bytes) } catch { throw error.at(topology) }
  }
}

/// In which form a verb of `policy` answers.
struct PolicyOutput: ParsableArguments {
  @Flag(help: "Print the answer as JSON instead of text.") var json = false

  /// Runs `body`. A problem goes to standard error; a program that asked for JSON gets the problem as a document too.
  func answer(_ body: () throws(Problem) -> PolicyAnswer) throws {
    let answer: PolicyAnswer
    do { answer = try body() } catch {
      if json, error.kind != .usage { Console.print(Self.document(error).printable) }
      throw error
    }
    if json {
      Console.print(answer.json.printable)
    } else {
      for (line, tone) in answer.lines { Console.print(line, tone: tone) }
    }
    // What is refused was said already; the code alone is left to say.
    if answer.exitCode != .passed { throw ExitCode(answer.exitCode.rawValue) }
  }

  private static func document(_ problem: Problem) -> JSON {
    var object = JSONObject()
    object["outcome"] = .string(
      problem.kind == .refused ? "refused" : problem.kind == .malformed ? "malformed" : "not-run")
    object["code"] = .string(problem.code)
    object["message"] = .string(problem.message)
    object["place"] = problem.place.map { .string($0) }
    object["source"] = problem.source.map { .string($0) }
    object["hint"] = problem.hint.map { .string($0) }
    return .object(object)
  }
}

/// What a verb of `policy` found.
struct PolicyAnswer {
  var lines: [(String, Console.Tone?)] = []
  var json: JSON = .null
  var exitCode: Diagnostics.ExitCode = .passed
}
