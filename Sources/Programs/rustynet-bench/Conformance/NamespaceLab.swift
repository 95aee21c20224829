import Cryptography
import Diagnostics
import Glibc
import LinuxKit
import NetworkTypes
import TunnelBackend

/// A laboratory of network namespaces on this machine.
final class NamespaceLab: ConformanceLab {
  private let makeBackend: () throws(Problem) -> any TunnelBackend
  private var current: [NamespaceNode] = []
  private var pairs = 0
  /// Packets that came over all wires so far: what a backend without packets cannot have.
  private(set) var packetsOnWires = 0
  /// The kinds of the devices that were seen.
  private(set) var deviceKinds: Set<String> = []

  init(_ makeBackend: @escaping () throws(Problem) -> any TunnelBackend) throws(Problem) {
    self.makeBackend = makeBackend
    guard Host.effectiveUser == 0 else { throw .couldNotRun("lab.no-root", "namespaces need root") }
  }

  func pair() throws(Problem) -> (any ConformanceNode, any ConformanceNode) {
    try observe()
    pairs += 1
    current = []
    // Names of devices stand for sockets of the whole machine: two runs at once must not meet.
    let token = String(UInt32(truncatingIfNeeded: getpid()), radix: 36)
    for (number, letter) in [(1, "a"), (2, "b")] {
      let name = "rn\(token)\(letter)\(String(pairs, radix: 36))"
      current.append(try NamespaceNode(number: number, interface: name, backend: try makeBackend()))
    }
    let (a, b) = (current[0], current[1])
    for wire in [NamespaceNode.wire, NamespaceNode.otherWire] {
      try a.space.ip("link", "add", wire, "type", "veth", "peer", "name", wire, "netns", b.space.path)
    }
    for node in current { try node.address() }
    return (a, b)
  }

  /// Looks at the nodes of the case that ends; to be called after the last one too.
  func observe() throws(Problem) {
    for node in current { packetsOnWires += try node.packetsOnWire() }
    current = []
  }

  /// The kind of the device of a backend that was started for this alone.
  func observeKind() throws(Problem) {
    let (node, _) = try pair()
    let context = TunnelContext(
      localNode: try NodeName("a"), interface: node.interface, privateKey: try keyPair().secret, listenPort: 0,
      addresses: [(.v4(0x0a08_0001), 24)], mtu: 1408)
    try node.backend.start(context)
    if let kind = try current[0].deviceKind() { deviceKinds.insert(kind) }
    try node.backend.shutdown()
  }

  func keyPair() throws(Problem) -> (secret: Key32, public: PeerKey) {
    guard let secret = Key32(Randomness.bytes(Key32.length)) else {
      throw .couldNotRun("lab.key", "a key has another length")
    }
    return (secret, try PeerKey(X25519.publicKey(of: secret)))
  }

  func wait(milliseconds: Int) { usleep(UInt32(milliseconds) * 1000) }
}
