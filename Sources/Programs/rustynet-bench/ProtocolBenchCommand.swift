import ArgumentParser
import Cryptography
import Diagnostics
import LinuxKit
import NetworkTypes
import WireGuard

/// `rustynet-bench protocol`: what the tunnel's protocol costs without sockets: handshakes, and what each packet asks.
struct ProtocolBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "protocol",
    abstract: "Measure accepted handshakes, lookups of allowed addresses and the replay window, as CPU time.",
    discussion: """
      A handshake is one initiation that is taken and answered, from as many peers as are named, each with its own
      address. Beside it stands the bare cost of its four X25519 multiplications; the ratio is what all the rest adds.
      """)

  @Option(help: "How many peers.") var peers = 500
  @Option(help: "How many handshakes of each peer.") var rounds = 8

  func run() throws {
    let load = HandshakeLoad(peers: max(peers, 1))
    // In turns, because the machine's speed changes with time.
    var ours: [Double] = []
    var bare: [Double] = []
    for _ in 0..<max(rounds, 1) {
      ours.append(try load.round())
      bare.append(load.bare())
    }
    let (median, bareMedian) = (ours.sorted()[ours.count / 2], bare.sorted()[bare.count / 2])
    Console.print(
      "handshakes peers=\(peers) median_us=\(median * 1e6) per_second=\(Int(1 / median)) "
        + "bare_us=\(bareMedian * 1e6) ratio=\(median / bareMedian)")
    Console.print("allowed-addresses prefixes=100 lookup_ns=\(Self.lookup() * 1e9)")
    Console.print("replay-window accept_ns=\(Self.replay() * 1e9)")
  }

  /// CPU seconds of a lookup that passes eight levels.
  private static func lookup() -> Double {
    var table = AllowedIPs()
    for number in UInt32(0)..<92 { table.insert(Prefix(.v4(0xac10_0000 | number << 8 | number)), for: slot(1)) }
    for length in 8..<16 {
      Prefix(masking: .v4(0x0a01_0101), length: 2 * length).map { table.insert($0, for: slot(2)) }
    }
    let snapshot = table.snapshot()
    let view = snapshot.view
    let count = 20_000_000
    var sum: Int32 = 0
    let begin = Host.processorSeconds()
    for number in 0..<UInt32(count) { sum &+= view.lookUp(0x0a01_0101 ^ (number & 1)) }
    let seconds = Host.processorSeconds() - begin
    precondition(sum == Int32(truncatingIfNeeded: 2 * count), "a lookup is wrong")
    return withExtendedLifetime(snapshot) { seconds / Double(count) }
  }

  private static func slot(_ index: Int32) -> PeerSlot { PeerSlot(index: index) }

  /// CPU seconds of one counter, mostly in order.
  private static func replay() -> Double {
    // Safe: the window does not outlive the memory.
    unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: ReplayWindow.wordCount) { memory in
      guard let words = memory.baseAddress else { preconditionFailure("internal error: no memory") }
      let window = unsafe ReplayWindow(words)
      window.reset()
      let count = 20_000_000
      var taken = 0
      let begin = Host.processorSeconds()
      for number in 0..<UInt64(count) where window.accept(number ^ 1) { taken += 1 }
      precondition(taken == count, "a counter is lost")
      return (Host.processorSeconds() - begin) / Double(count)
    }
  }
}

/// A device with many peers, and the initiations that they send.
private final class HandshakeLoad {
  private let device = Device()
  private var initiators: [(device: Device, place: Endpoint)] = []
  private var now = Moment(nanoseconds: 1_000_000_000_000)
  private var wall = WallTime(seconds: 1_700_000_000)

  init(peers: Int) {
    let key = Self.privateKey()
    let publicKey = PublicKey(of: key)
    var change = DeviceChange()
    change.privateKey = .some(key)
    for number in 0..<peers {
      let device = Device()
      let own = Self.privateKey()
      var theirs = DeviceChange()
      theirs.privateKey = .some(own)
      theirs.peers = [PeerChange(publicKey)]
      theirs.peers[0].endpoint = Endpoint(.v4(0x7f00_0001), port: 1)
      device.apply(theirs, at: now)
      change.peers.append(PeerChange(PublicKey(of: own)))
      initiators.append((device, Endpoint(.v4(0x0a00_0000 | UInt32(number)), port: 1)))
    }
    device.apply(change, at: now)
    _ = device.takeEffects()
  }

  private static func privateKey() -> Key32 {
    var bytes = Randomness.bytes(Key32.length)
    guard let key = Key32(consuming: &bytes) else { preconditionFailure("internal error: another length") }
    return key
  }

  /// CPU seconds of one handshake, over one of each peer.
  func round() throws(Problem) -> Double {
    // Six seconds later each peer may begin another.
    now = now.adding(milliseconds: 6_000)
    wall.seconds += 6
    let messages = initiators.map { initiator in
      _ = initiator.device.takeEffects()
      initiator.device.wantsHandshake(PeerSlot(index: 0), .staged, at: now, wall: wall)
      for case .send(let message, _, _) in initiator.device.takeEffects() { return message }
      return []
    }
    var answers = 0
    let begin = Host.processorSeconds()
    for (message, initiator) in zip(messages, initiators) {
      device.receive(message, from: initiator.place, underLoad: false, at: now, wall: wall)
      for case .send in device.takeEffects() { answers += 1 }
    }
    let seconds = Host.processorSeconds() - begin
    guard answers == messages.count else {
      throw .couldNotRun("bench.handshakes", "\(answers) of \(messages.count) handshakes were answered")
    }
    return seconds / Double(messages.count)
  }

  /// CPU seconds of the multiplications of one handshake.
  func bare() -> Double {
    let key = Self.privateKey()
    let remote = X25519.publicKey(of: Self.privateKey())
    let begin = Host.processorSeconds()
    for _ in 0..<initiators.count {
      _ = X25519.publicKey(of: key)
      for _ in 0..<3 { _ = X25519.sharedKey(key, with: remote) }
    }
    return (Host.processorSeconds() - begin) / Double(initiators.count)
  }
}
