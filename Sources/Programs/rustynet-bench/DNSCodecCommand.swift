import ArgumentParser
import DNS
import Diagnostics
import Glibc
import LinuxKit
import Wire

/// `rustynet-bench dns-codec`: what our codec makes of messages, for comparison with another one.
struct DNSCodecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dns-codec",
    abstract: "Read messages in hexadecimal from standard input, one a line, and print each anew.",
    discussion: """
      Each line of the output is the message with all names whole, or `refused`. A message that does not survive being
      written with compression and read again ends the run with 78.
      """)

  func run() throws {
    while let line = readLine() {
      guard let message = try? Message(parsing: try Hex.decode(line)) else {
        print("refused")
        continue
      }
      // A message that says more in whole names than 65,535 octets hold cannot be written so.
      guard (try? Message(parsing: message.encoded())) == message || message.encoded(isCompressed: false).count > 65_535
      else { throw Problem.refused("dns.round-trip", "a message changed on its way", place: line) }
      print(Hex.encode(message.encoded(isCompressed: false)))
    }
  }
}
