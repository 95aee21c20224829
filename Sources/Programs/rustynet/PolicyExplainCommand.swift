import ArgumentParser
import Diagnostics
import LinuxKit
import NetworkPolicy
import NetworkTypes
import StrictJSON

/// `rustynet policy explain`.
struct PolicyExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Say whether a packet passes, and which rule decides.",
    discussion: """
      SRC is a node or an address. DST is a node, a name of the policy's hosts, or an address. Ends with 0 when the packet
      passes, with 78 when it is denied.
      """)

  @OptionGroup var topology: TopologyOptions
  @OptionGroup var output: PolicyOutput
  @Argument(help: "The policy file.") var file: String
  @Argument(help: "Who sends.") var source: String
  @Argument(help: "Who is meant to receive.") var destination: String
  @Argument(help: "The protocol: a name or a number (default: tcp).") var ipProtocol = "tcp"
  @Argument(help: "The destination port, for TCP, UDP and SCTP.") var port: String?

  func run() throws {
    try output.answer { () throws(Problem) in
      let file = try PolicyFile(reading: file)
      let topology = try topology.read()
      guard let kind = IPProtocol(ipProtocol) else {
        throw .usage(
          "usage.protocol", "\"\(ipProtocol)\" is no protocol", hint: "tcp, udp, icmp, or a number from 1 to 255")
      }
      let packet = try packet(file.policy, topology, kind, try number(kind))
      return answer(packet, CompiledPolicy(file.policy, topology).decide(packet), file)
    }
  }

  private func number(_ kind: IPProtocol) throws(Problem) -> UInt16 {
    guard kind.hasPorts else {
      guard port == nil else { throw .usage("usage.port", "\(kind) has no ports", hint: "leave the port out") }
      return 0
    }
    guard let port, let number = UInt16(port), number > 0 else {
      throw .usage("usage.port", "\(kind) needs a port from 1 to 65535", hint: "such as: \(ipProtocol) 443")
    }
    return number
  }

  private func packet(
    _ policy: NetworkPolicy, _ topology: Topology, _ kind: IPProtocol, _ port: UInt16
  ) throws(Problem) -> NodeFilter.Packet {
    let sources = try addresses(source, topology, hosts: [:])
    let destinations = try addresses(destination, topology, hosts: policy.hosts)
    // Of one family where there is one that both have, IPv4 first.
    for source in sources {
      if let destination = destinations.first(where: { $0.family == source.family }) {
        return NodeFilter.Packet(source: source, destination: destination, ipProtocol: kind, port: port)
      }
    }
    return NodeFilter.Packet(source: sources[0], destination: destinations[0], ipProtocol: kind, port: port)
  }

  private func addresses(_ text: String, _ topology: Topology, hosts: [String: AddressRange]) throws(Problem)
    -> [IPAddress]
  {
    if let slot = topology.slot(of: text), let node = topology.slots[slot] { return node.addresses }
    if let host = hosts[text] { return [host.lower] }
    if let address = try? IPAddress(text) { return [address] }
    throw .usage(
      "usage.endpoint", "\"\(text)\" is no node of the topology and no address",
      hint: "a packet has one sender: name a node")
  }

  private func answer(_ packet: NodeFilter.Packet, _ decision: Decision, _ file: PolicyFile) -> PolicyAnswer {
    let service = packet.ipProtocol.hasPorts ? "\(packet.ipProtocol) \(packet.port)" : "\(packet.ipProtocol)"
    let from = decision.requester.map { "\($0) (\(packet.source))" } ?? "\(packet.source)"
    let to = decision.carrier.map { "\(packet.destination) at \($0)" } ?? "\(packet.destination)"
    let word = decision.isAllowed ? "ALLOWED" : "DENIED"
    var answer = PolicyAnswer(lines: [("\(word) \(from) -> \(to), \(service)", decision.isAllowed ? .good : .bad)])
    answer.lines += reasons(decision, file).map { ("  \($0)", nil) }
    answer.exitCode = decision.isAllowed ? .passed : .refused
    var rule: JSON = .null
    if let match = decision.match {
      rule = [
        "pointer": .string(match.pointer), "place": .string(file.place(of: match.pointer)),
        "dst": .integer(Int64(match.position)),
      ]
    }
    answer.json = [
      "outcome": decision.isAllowed ? "allowed" : "denied", "source": .string("\(packet.source)"),
      "destination": .string("\(packet.destination)"), "protocol": .integer(Int64(packet.ipProtocol.number)),
      "port": packet.ipProtocol.hasPorts ? .integer(Int64(packet.port)) : .null,
      "requester": decision.requester.map { .string($0) } ?? .null,
      "carrier": decision.carrier.map { .string($0) } ?? .null,
      "context": decision.context.map { .string($0.rawValue) } ?? .null, "rule": rule,
      "reason": decision.refusal.map { .string($0.rawValue) } ?? .null,
    ]
    return answer
  }

  private func reasons(_ decision: Decision, _ file: PolicyFile) -> [String] {
    let context: [String] =
      switch decision.context {
      case .mesh: ["context mesh: the address is the node's own"]
      case .sharedRouter: ["context sharedRouter: the address lies in an approved route of the node"]
      case .sharedExit: ["context sharedExit: the address lies in the internet behind the node"]
      case nil: []
      }
    if let match = decision.match {
      return context + [
        "rule \(match.pointer) at \(file.path):\(file.place(of: match.pointer)), entry \(match.position) of its dst"
      ]
    }
    switch decision.refusal {
    case .unknownSource: return context + ["the source is no node's address, and no approved route holds it"]
    case .unknownDestination: return context + ["no node has or carries the destination"]
    case .families: return context + ["one is an IPv4 address, the other is not"]
    default: return context + ["no rule accepts it, and what no rule accepts is denied"]
    }
  }
}
