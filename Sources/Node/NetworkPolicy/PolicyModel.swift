public import NetworkTypes
public import StrictJSON

/// A policy that was read and validated: who may reach what. Everything that it does not allow is denied.
///
/// Absent, empty and broken policies allow nothing. The services that this grammar comes from allow everything when
/// neither `acls` nor `grants` is there; here that is denied too (requirement C6, decision 0012).
public struct NetworkPolicy: Sendable {
  /// Members of each group, by its name with the prefix: users and domains.
  public internal(set) var groups: [String: [Selector]] = [:]
  /// Addresses by name.
  public internal(set) var hosts: [String: AddressRange] = [:]
  /// Who may give each tag, by its name with the prefix.
  public internal(set) var tagOwners: [String: [Selector]] = [:]
  /// The rules: `grants`, then `acls`, each in the order of the document.
  public internal(set) var rules: [Rule] = []
  /// Who may have which routes approved without asking.
  public internal(set) var autoApprovers = AutoApprovers()
  /// Assertions about this policy.
  public internal(set) var tests: [Test] = []
  /// SSH rules: carried, validated, and judged by `sshTests`; nothing here enforces them.
  public internal(set) var ssh: [SSHRule] = []
  /// Assertions about `ssh`.
  public internal(set) var sshTests: [SSHTest] = []
  /// Attributes of nodes: carried and shown, not acted on.
  public internal(set) var nodeAttributes: [NodeAttributes] = []
  /// Carried and shown, not acted on.
  public internal(set) var randomizeClientPort = false
  /// Pairs of destinations and services in all rules so far.
  var targets = 0

  /// The policy that allows nothing.
  public init() {}

  /// One entry of `grants` or `acls`.
  public struct Rule: Sendable, Hashable {
    /// Where it stands: a JSON pointer, such as `/acls/3`.
    public let pointer: String
    /// Whom it allows; one of them is enough.
    public let sources: [Selector]
    /// What it allows them: destination by destination.
    public let targets: [Target]
    /// The tags of the nodes that must carry the traffic; empty where any may.
    public let via: [String]
    /// Capabilities of applications: carried and shown, not enforced.
    public let application: JSONObject?
    /// The destinations of the capabilities.
    public let destinations: [Selector]

    /// Two rules are the same when they stand in the same place and say the same; capabilities are compared as JSON.
    public func hash(into hasher: inout Hasher) {
      hasher.combine(pointer)
      hasher.combine(sources)
      hasher.combine(targets)
    }
  }

  /// One destination of a rule with the services that are allowed there.
  public struct Target: Sendable, Hashable {
    /// The destination.
    public let selector: Selector
    /// The protocols, ascending.
    public let protocols: [IPProtocol]
    /// The ports, where the protocol has ports; others are not asked for one.
    public let ports: [PortRange]
    /// Which entry of `dst` it is, from 0.
    public let position: Int
  }

  /// `autoApprovers`.
  public struct AutoApprovers: Sendable, Hashable {
    /// Who may advertise a route inside of the prefix.
    public var routes: [Prefix: [Selector]] = [:]
    /// Who may be an exit node.
    public var exitNode: [Selector] = []
  }

  /// One entry of `tests`.
  public struct Test: Sendable, Hashable {
    /// Where it stands.
    public let pointer: String
    /// The requester.
    public let source: Selector
    /// The protocol; nil stands for TCP, UDP and ICMP together, of which each must be as asserted where it can be.
    public let ipProtocol: IPProtocol?
    /// What must be allowed.
    public let accept: [Destination]
    /// What must be denied.
    public let deny: [Destination]

    /// One host and one port.
    public struct Destination: Sendable, Hashable {
      /// As written.
      public let text: String
      /// The host.
      public let selector: Selector
      /// The port.
      public let port: UInt16
    }
  }

  /// One entry of `ssh`.
  public struct SSHRule: Sendable, Hashable {
    /// What a match means.
    public enum Action: String, Sendable, CaseIterable { case accept, check }
    /// Where it stands.
    public let pointer: String
    /// What a match means.
    public let action: Action
    /// Who logs in.
    public let sources: [Selector]
    /// Where.
    public let destinations: [Selector]
    /// Login users: names, `autogroup:nonroot`, `localpart:*@domain`.
    public let users: [String]
  }

  /// One entry of `sshTests`.
  public struct SSHTest: Sendable, Hashable {
    /// Where it stands.
    public let pointer: String
    /// Who logs in.
    public let source: Selector
    /// Where.
    public let destinations: [Selector]
    /// Login users that must get in, by a rule of either action.
    public let accept: [String]
    /// Login users that must not get in.
    public let deny: [String]
    /// Login users that must get in after a check.
    public let check: [String]
  }

  /// One entry of `nodeAttrs`.
  public struct NodeAttributes: Sendable, Hashable {
    /// Where it stands.
    public let pointer: String
    /// The nodes.
    public let targets: [Selector]
    /// Their attributes.
    public let attributes: [String]
  }
}
