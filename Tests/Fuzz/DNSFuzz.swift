// The parsers of the name server: messages, names, zones and configurations, and the engine over any packet.
import DNS
import Diagnostics
import NetworkTypes

/// A message that is read is the same after it was written, compressed or not, and is judged without a crash.
func dnsMessage(_ bytes: [UInt8]) {
  guard let message = try? Message(parsing: bytes) else { return }
  let whole = message.encoded(isCompressed: false)
  let short = message.encoded()
  precondition(short.count <= whole.count, "compression makes a message longer")
  guard whole.count <= 65_535 else { return }
  precondition((try? Message(parsing: whole)) == message, "a message changed on its way")
  precondition((try? Message(parsing: short)) == message, "a compressed message changed on its way")
}

/// A name that is read from its wire form or its text is the same after it was written in the other.
func dnsName(_ bytes: [UInt8]) {
  if let name = try? DomainName(wire: bytes) {
    precondition((try? DomainName(name.description))?.wire == name.wire, "a name has no text of its own")
  }
  guard let name = try? DomainName(String(decoding: bytes, as: UTF8.self)) else { return }
  precondition(name.wire.count <= DomainName.longest && name.wire.last == 0, "a name is too long")
  precondition((try? DomainName(wire: name.wire)) == name, "a name changed on its way")
  precondition((try? DomainName(name.description))?.wire == name.wire, "the text of a name is another name")
  precondition(name.isWithin(.root) && name.isWithin(name.parent) && name.isWithin(name.lowercased), "no ancestor")
}

/// A zone that is read can be compiled: nothing is found out only then.
func dnsZone(_ bytes: [UInt8]) {
  _ = try? DNSConfiguration(parsing: bytes)
  guard let zone = (try? ZoneFile(parsing: bytes))?.zone else { return }
  do throws(Problem) {
    let table = try ZoneTable([zone])
    precondition(table.nameCount >= zone.nodes.count, "a node has no name")
  } catch {
    precondition(["dns.reverse", "dns.zone-twice", "dns.name", "dns.name-twice"].contains(error.code), "\(error)")
  }
}

/// The engine over a packet: whatever comes, the reply is a message, repeats the identifier, and is never too long.
enum DNSFuzz {
  nonisolated(unsafe) private static var responder: Responder = {
    guard
      let zone = try? ZoneFile(
        parsing: Array(
          """
          {"reverse": ["100.64.0.0/10", "fd7a::/48"], "nodes": [{"name": "a", "addresses": ["100.64.0.1", "fd7a::1"]}]}
          """.utf8)), let table = try? ZoneTable([zone.zone]),
      let jar = try? CookieJar(secret: [UInt8](repeating: 7, count: 16))
    else { fatalError("the zone of the fuzzer is wrong") }
    return Responder(
      zones: table, routes: [Responder.Route(.root, upstream: 0, isProtected: false)], sources: .loopback,
      limiter: RateLimiter(rate: 0, burst: 1, seed: 1), cookies: jar)
  }()

  static func query(_ bytes: [UInt8]) {
    for transport in [Transport.datagram, .stream, .encrypted] {
      var buffer = [UInt8](repeating: 0, count: 65_535)
      var out = buffer.mutableSpan
      let outcome = unsafe responder.respond(
        to: bytes.span, from: .v4(0x7f00_0001), over: transport, now: 0, time: 0, into: &out)
      guard case .reply(let count) = outcome else { continue }
      let reply = Array(buffer[..<count])
      precondition(reply[0] == bytes[0] && reply[1] == bytes[1], "the identifier is another one")
      precondition(transport != .datagram || count <= 1232, "a datagram is too long")
      precondition((try? Message(parsing: reply)) != nil, "the reply is no message")
    }
  }
}
