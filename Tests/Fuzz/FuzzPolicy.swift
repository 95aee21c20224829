import Diagnostics
import HuJSON
import NetworkPolicy
import NetworkTypes
import StrictJSON

/// What is standardised has as many bytes and lines, and is not changed by a second pass.
func hujson(_ bytes: [UInt8]) {
  guard let plain = try? HuJSON.standardized(bytes) else { return }
  precondition(plain.count == bytes.count, "bytes were added or lost")
  precondition(plain.count { $0 == 0x0a } == bytes.count { $0 == 0x0a }, "lines moved")
  guard (try? JSON(parsing: plain)) != nil else { return }
  precondition((try? HuJSON.standardized(plain)) == plain, "standard JSON changed")
  // What is JSON is the same JSON as HuJSON.
  if let json = try? JSON(parsing: bytes) {
    precondition((try? HuJSON.decode(bytes) { $0.value }) == json, "JSON was read as something else")
  }
}

private let mesh: Topology = {
  let text = """
    {"users": [{"name": "a", "email": "a@e.org", "role": "admin"}, {"name": "b", "email": "b@e.org"}], "nodes": {
      "a": {"ipv4": "100.64.0.1", "ipv6": "fd7a:115c:a1e0::1", "user": "a"}, "b": {"ipv4": "100.64.0.2", "user": "b"},
      "w": {"ipv4": "100.64.0.3", "tags": ["tag:w"]},
      "r": {"ipv6": "fd7a:115c:a1e0::4", "tags": ["tag:r"], "routable_ips": ["10.0.0.0/8", "::/0"],
        "approved_routes": ["10.0.0.0/8", "::/0"]}}}
    """
  guard let topology = try? Topology(parsing: Array(text.utf8)) else { fatalError("the fuzzer's mesh is malformed") }
  return topology
}()

/// What parses compiles, its tests run, and nothing is let in under no rule. Twice the same policy is no difference.
func policy(_ bytes: [UInt8]) {
  guard bytes.count < 1 << 16, let policy = try? NetworkPolicy(parsing: bytes) else { return }
  check(CompiledPolicy(policy, mesh))
}

/// A topology that parses keeps its laws, and a policy for everybody compiles over it.
func topology(_ bytes: [UInt8]) {
  guard bytes.count < 1 << 16, let topology = try? Topology(parsing: bytes) else { return }
  let addresses = topology.nodes.flatMap(\.addresses)
  precondition(Set(addresses).count == addresses.count, "two nodes have one address")
  let text = "{\"acls\": [{\"action\": \"accept\", \"src\": [\"*\"], \"dst\": [\"*:*\", \"autogroup:self:1\"]}]}"
  guard let policy = try? NetworkPolicy(parsing: Array(text.utf8)) else {
    fatalError("the fuzzer's policy is malformed")
  }
  check(CompiledPolicy(policy, topology))
}

/// A policy and a topology in one input, parted by a line of three hyphens.
func compile(_ bytes: [UInt8]) {
  let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n---\n", maxSplits: 1)
  guard parts.count == 2, bytes.count < 1 << 16, let policy = try? NetworkPolicy(parsing: Array(parts[0].utf8)),
    let topology = try? Topology(parsing: Array(parts[1].utf8))
  else { return }
  check(CompiledPolicy(policy, topology))
}

private func check(_ compiled: CompiledPolicy) {
  let filters = compiled.filters()
  if compiled.policy.rules.isEmpty {
    precondition(filters.allSatisfy { $0.json == .null }, "no rule lets something in")
  }
  _ = compiled.runTests()
  _ = compiled.policy.notes
  precondition(PolicyDifference(from: compiled, to: compiled).changes.isEmpty, "a policy differs from itself")
  let addresses = compiled.topology.nodes.prefix(6).flatMap(\.addresses) + [.v4(0x0808_0808), .v4(0x0a00_0001), .v6(1)]
  for source in addresses {
    for destination in addresses {
      for kind in [IPProtocol.tcp, .icmp] {
        let packet = NodeFilter.Packet(source: source, destination: destination, ipProtocol: kind, port: 22)
        let decision = compiled.decide(packet)
        guard decision.isAllowed else { continue }
        precondition(!compiled.policy.rules.isEmpty, "no rule lets a packet in")
        precondition(
          decision.requester != nil && decision.carrier != nil, "a packet of nobody, or to nobody, is let in")
      }
    }
  }
}
