public import Diagnostics
import LinuxKit
import NetworkPolicy
import NetworkTypes

/// How long a policy of a size takes: read, compiled for one node and for all, compiled again after a change.
public enum PolicySpeed {
  /// One figure.
  public struct Figure: Sendable {
    /// What was measured, such as `one_ms`.
    public let name: String
    /// The value as text.
    public let text: String
  }

  /// Measures in CPU time of this thread; the median of `turns` turns each.
  public static func measure(nodes: Int, rules: Int, turns: Int) throws(Problem) -> [Figure] {
    let text = Array(policy(rules: rules, changed: false).utf8)
    let other = Array(policy(rules: rules, changed: true).utf8)
    let mesh = try topology(nodes: nodes)
    let policy = try NetworkPolicy(parsing: text)
    let changed = try NetworkPolicy(parsing: other)
    var compiled = CompiledPolicy(policy, mesh)
    let terms = compiled.filters().reduce(0) { $0 + $1.termCount }
    var node = mesh
    guard let moved = mesh.slots[0] else { throw .usage("usage.nodes", "a mesh of no nodes is not measured") }
    try node.set(Topology.Node(name: moved.name, v4: 0x647f_0001, v6: moved.v6, user: moved.user))
    let figures: [(String, Double)] = [
      ("parse_ms", median(turns) { _ = try? NetworkPolicy(parsing: text) }),
      ("one_ms", median(turns) { _ = CompiledPolicy(policy, mesh).filter(slot: nodes / 2) }),
      ("all_ms", median(turns) { _ = CompiledPolicy(policy, mesh).filters() }),
      (
        "change_rule_ms",
        median(turns) {
          compiled = CompiledPolicy(changed, mesh)
          _ = compiled.filter(slot: nodes / 2)
        }
      ),
      (
        "change_node_ms",
        median(turns) {
          compiled = CompiledPolicy(policy, node)
          _ = compiled.filter(slot: 0)
        }
      ),
    ]
    return [Figure(name: "terms", text: "\(terms)")]
      + figures.map { Figure(name: $0.0, text: "\(Double(Int($0.1 * 100)) / 100)") }
  }

  private static func median(_ turns: Int, _ body: () -> Void) -> Double {
    let times = (0..<max(turns, 1)).map { _ in
      let begin = Host.processorSeconds()
      body()
      return (Host.processorSeconds() - begin) * 1000
    }
    return times.sorted()[times.count / 2]
  }

  /// Half of the nodes are of users, five each; half have one of 200 tags; one in fifty routes a subnet, one in a
  /// hundred is an exit node.
  private static func topology(nodes: Int) throws(Problem) -> Topology {
    let users = (0..<max(nodes / 10, 1)).map { Topology.User(name: "u\($0)", email: "u\($0)@example.org") }
    var all: [Topology.Node] = []
    for number in 0..<nodes {
      let isUsers = number % 2 == 0
      var routes: [Prefix] = []
      if number % 50 == 1, let route = Prefix(masking: .v4(0x0a00_0000 + UInt32(number) << 8), length: 24) {
        routes.append(route)
      }
      if number % 100 == 3 { routes.append(try Prefix("0.0.0.0/0")) }
      all.append(
        Topology.Node(
          name: "n\(number)", v4: 0x6440_0000 + UInt32(number) * 3, v6: 0xfd7a_115c_a1e0 << 80 + UInt128(number) * 7,
          user: isUsers ? users[number / 2 % users.count].name : nil, tags: isUsers ? [] : ["tag:t\(number / 2 % 200)"],
          advertised: routes, approved: routes))
    }
    return try Topology(users: users, nodes: all)
  }

  /// Rules of all sorts: groups and tags to tags mostly; one in twenty of all members, of ranges, to oneself, to the
  /// internet and to everything each.
  private static func policy(rules: Int, changed: Bool) -> String {
    var text = "{\"groups\": {"
    for group in 0..<100 {
      let members = (0..<20).map { "\"u\((group * 37 + $0 * 11) % 1000)@example.org\"" }.joined(separator: ", ")
      text += "\"group:g\(group)\": [\(members)],\n"
    }
    text += "}, \"tagOwners\": {" + (0..<200).map { "\"tag:t\($0)\": []" }.joined(separator: ", ") + "}, \"acls\": [\n"
    for rule in 0..<rules {
      let port = rule == 0 && changed ? 4711 : 1024 + rule
      let (source, destination): (String, String) =
        switch rule % 20 {
        case 0: ("autogroup:member", "tag:t\(rule % 200)")
        case 1: ("10.0.\(rule % 200).0/24", "tag:t\(rule % 200)")
        case 2: ("group:g\(rule % 100)", "autogroup:self")
        case 3: ("group:g\(rule % 100)", "autogroup:internet")
        case 4: ("group:g\(rule % 100)", "*")
        case 5: ("*", "tag:t\(rule % 200)")
        case 6: ("tag:t\(rule % 200)", "10.\(rule % 32).0.0/16")
        case 7: ("tag:t\(rule % 200)", "autogroup:member")
        default: ("group:g\(rule % 100)\", \"tag:t\(rule % 200)", "tag:t\((rule * 7) % 200)")
        }
      text += "{\"action\": \"accept\", \"src\": [\"\(source)\"], \"dst\": [\"\(destination):\(port)\"]},\n"
    }
    return text + "]}"
  }
}
