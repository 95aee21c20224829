import ArgumentParser
import Cryptography
import Diagnostics
import Glibc
import LinuxKit
import NetworkTypes
import Wire
import WireGuard

/// `rustynet-bench handshakes`.
struct HandshakesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "handshakes", abstract: "Begin handshakes with a responder, real ones or forged ones.",
    discussion: """
      Real ones come from --peers peers, whose public keys --keys prints, and from as many source addresses, counted up
      from --source; answers are counted. --flood N sends N forged ones a second, which hold up to the first
      authenticator, from random sources of the network of --source (its first 9 bits). Needs root, and an IPv4 endpoint.

      Example: rustynet-bench handshakes 10.9.0.2:51820 --public-key HEX --seconds 5
      """)

  @Argument(help: "Where the responder is.") var endpoint: String?
  @Option(help: "The responder's public key, in hexadecimal.") var publicKey: String?
  @Flag(help: "Print the peers' public keys in hexadecimal, one a line, and end.") var keys = false
  @Option(help: "How many peers.") var peers = 500
  @Option(help: "How long.") var seconds = 5.0
  @Option(help: "How many handshakes may be without an answer at a time.") var window = 64
  @Option(help: "Send this many forged ones a second instead.") var flood: Int?
  @Option(help: "The first source address.") var source = "10.128.0.1"
  @Option(help: "The source port.") var port: UInt16 = 40_000

  func run() throws {
    guard (1...65_536).contains(peers), seconds > 0, seconds <= 3600, window > 0 else {
      throw Problem.usage("bench.range", "peers, seconds and window must be above zero, and not too large")
    }
    if keys {
      for number in 0..<peers {
        Console.print(Hex.encode(X25519.publicKey(of: try Initiations.privateKey(number))))
      }
      return
    }
    guard let endpoint, let publicKey, let responder = PublicKey(try Hex.decode(publicKey)) else {
      throw Problem.usage("usage.handshakes", "name an endpoint and --public-key")
    }
    let place = try Endpoint(endpoint)
    guard case .v4(let destination) = place.address, case .v4(let first) = try IPAddress(source) else {
      throw Problem.usage("usage.handshakes", "the endpoint and the source are of IPv4")
    }
    var sender = try RawSender(to: destination, port: place.port)
    if let flood {
      forge(flood, &sender, responder, first)
    } else {
      try begin(&sender, responder, place, first)
    }
  }

  private func begin(
    _ sender: inout RawSender, _ responder: PublicKey, _ place: Endpoint, _ first: UInt32
  ) throws(Problem) {
    // As many as the fastest responder could take, so that none is sent twice.
    let rounds = max(Int(seconds * 12_000) / peers, 1)
    let messages = try Initiations.real(
      to: responder, at: place, peers: peers, rounds: rounds, from: WallTime(seconds: Int64(time(nil))))
    let receiver = try AnyAddressReceiver(port: port)
    var (sent, answered, cookies, outstanding) = (0, 0, 0, 0)
    let begin = Host.monotonicSeconds()
    var last = begin
    while sent < messages.count, Host.monotonicSeconds() - begin < seconds {
      while outstanding < window, sent < messages.count {
        _ = sender.send(messages[sent], from: first &+ UInt32(sent % peers), port: port)
        sent += 1
        outstanding += 1
      }
      receiver.wait(milliseconds: 5)
      while let (kind, length) = receiver.next() {
        if kind == 2, length == 92 { answered += 1 } else if kind == 3, length == 64 { cookies += 1 }
        outstanding = max(outstanding - 1, 0)
        last = Host.monotonicSeconds()
      }
      // What was dropped is not waited for.
      if Host.monotonicSeconds() - last > 0.05 {
        outstanding = 0
        last = Host.monotonicSeconds()
      }
    }
    let took = Host.monotonicSeconds() - begin
    Console.print(
      "handshakes seconds=\(took) sent=\(sent) answered=\(answered) cookies=\(cookies) "
        + "answered_per_second=\(Int(Double(answered) / took))")
  }

  private func forge(_ rate: Int, _ sender: inout RawSender, _ responder: PublicKey, _ network: UInt32) {
    var forger = Initiations.Forger(for: responder)
    var random = SystemRandomNumberGenerator()
    let begin = Host.monotonicSeconds()
    var sent: UInt32 = 0
    var elapsed = 0.0
    while elapsed < seconds {
      let due = UInt32(elapsed * Double(rate))
      while sent < due {
        let source = network & 0xff80_0000 | UInt32.random(in: 1..<0x7f_fffe, using: &random)
        _ = sender.send(forger.next(sent), from: source, port: UInt16.random(in: 1024...65_535, using: &random))
        sent += 1
      }
      usleep(500)
      elapsed = Host.monotonicSeconds() - begin
    }
    Console.print("flood seconds=\(elapsed) sent=\(sent) sent_per_second=\(Int(Double(sent) / elapsed))")
  }
}
