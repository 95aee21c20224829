import Diagnostics
import NetworkTypes
import Testing

@testable import DNS

@Suite struct ZoneTests {
  static let good = """
    {"zone": "rustynet", "generation": 3, "ttl": 60, "reverse": ["100.64.0.0/10", "fd7a::/48"],
     "nodes": [{"name": "Alice Laptop", "addresses": ["100.64.0.1", "fd7a::1"], "aliases": ["wiki"]},
               {"name": "alice_laptop", "addresses": ["100.64.0.2"]}]}
    """

  @Test func reads() throws {
    let zone = try ZoneFile(parsing: Array(ZoneTests.good.utf8)).zone
    #expect(zone.nodes.map(\.label) == ["alice-laptop", "alice-laptop-2"])
    #expect(zone.nodes[0].aliases == ["wiki"])
    let table = try ZoneTable([zone])
    // Three names of nodes, the zone, and 64 reverse zones for a /10 and one for a /48.
    #expect(table.nameCount == 3 + 1 + 64 + 1)
  }

  @Test func readsWhatPeopleWrite() throws {
    let text = """
      {// the zone of the office
       "nodes": [{"name": "a", "addresses": ["100.64.0.1",],},]}
      """
    #expect(try ZoneFile(parsing: Array(text.utf8)).zone.nodes.map(\.label) == ["a"])
  }

  @Test(arguments: [
    (
      #"{"nodes": [{"name": "a", "addresses": ["1.2.3.4"]}, {"name": "b", "addresses": ["1.2.3.4"]}]}"#,
      "dns.address-twice"
    ),
    (#"{"nodes": [{"name": "a", "addresses": ["1.2.3.4"], "aliases": ["A"]}]}"#, "dns.alias"),
    (#"{"nodes": [{"name": "a", "addresses": ["1.2.3.4"], "aliases": ["a"]}]}"#, "dns.name-twice"),
    (#"{"nodes": [{"name": "a", "addresses": []}]}"#, "dns.no-address"),
    (#"{"nodes": [{"name": "a", "addresses": ["1.2.3.400"]}]}"#, "network.address"),
    (#"{"nodes": [{"name": "a", "address": "1.2.3.4"}]}"#, "json.unknown-field"),
    (#"{"nodes": [], "ttl": 29}"#, "dns.ttl"), (#"{"nodes": [], "ttl": 301}"#, "dns.ttl"),
    (#"{"nodes": [], "zone": "."}"#, "dns.zone"), (#"{"nodes": [], "zone": "a..b"}"#, "dns.name"),
    (#"{"nodes": [], "reverse": ["10.0.0.1/8"]}"#, "network.host-bits"),
    (
      #"{"nodes": [{"name": "a", "addresses": ["1.2.3.4"], "aliases": ["b","c","d","e","f","g","h","i","j"]}]}"#,
      "json.too-many"
    ),
    (#"{"zone": "x"}"#, "json.missing-field"),
    (
      #"{"nodes": [], "binding": {"subject": "n", "membership-epoch": 1, "assignment-generation": 1, "policy-generation": 1, "nonce": "00"}}"#,
      "dns.nonce"
    ),
  ])
  func refuses(text: String, code: String) {
    #expect(throws: Problem.malformed(code, "")) { try ZoneFile(parsing: Array(text.utf8)) }
  }

  @Test func errorsHaveAPlace() {
    do {
      _ = try ZoneFile(parsing: Array("{\"nodes\": [],\n \"ttl\": 5}".utf8))
      Issue.record("a lifetime of five seconds is read")
    } catch { #expect(error.place?.hasPrefix("2:9") == true, "\(error)") }
  }

  /// P4-10: at most 1,024 nodes in a bundle; more in a file of the host's administrator.
  @Test func limits() throws {
    func text(_ count: Int) -> [UInt8] {
      let nodes = (0..<count).map {
        #"{"name":"n\#($0)","addresses":["10.\#($0 / 65536).\#($0 / 256 % 256).\#($0 % 256)"]}"#
      }
      return Array(#"{"nodes": [\#(nodes.joined(separator: ","))]}"#.utf8)
    }
    #expect(try ZoneFile(parsing: text(1024)).zone.nodes.count == 1024)
    #expect(throws: Problem.malformed("json.too-many", "")) { try ZoneFile(parsing: text(1025)) }
    #expect(try ZoneFile(parsing: text(1025), limits: .large).zone.nodes.count == 1025)
  }

  @Test func reverseZones() throws {
    func names(_ prefix: String) throws -> [String] { try Prefix(prefix).reverseZones().map(\.description) }
    #expect(try names("10.0.0.0/8") == ["10.in-addr.arpa."])
    #expect(try names("100.64.0.0/10").count == 64)
    #expect(try names("192.0.2.128/25").count == 128)
    #expect(try names("2001:db8::/32") == ["8.b.d.0.1.0.0.2.ip6.arpa."])
    #expect(try names("2001:db8::/31").count == 2)
    #expect(throws: Problem.malformed("dns.reverse", "")) { try names("0.0.0.0/0") }
  }

  /// P4-10: older is refused, the same again is taken, another one of the same generation is refused.
  @Test func watermark() throws {
    var mark = ZoneWatermark(generation: 5, digest: [1])
    #expect(throws: Problem.refused("dns.rollback", "")) { try mark.accept(generation: 4, digest: [1]) }
    #expect(throws: Problem.refused("dns.split-view", "")) { try mark.accept(generation: 5, digest: [2]) }
    try mark.accept(generation: 5, digest: [1])
    try mark.accept(generation: 6, digest: [2])
    #expect(mark == ZoneWatermark(generation: 6, digest: [2]))
  }

  @Test func assigned() throws {
    let file = try ZoneFile(parsing: Array(#"{"nodes": [{"name": "a", "addresses": ["10.0.0.1"]}]}"#.utf8))
    try file.requireAssigned(["a": [IPAddress("10.0.0.1"), IPAddress("10.0.0.2")]])
    for assigned in [[:], ["a": [try IPAddress("10.0.0.2")]], ["b": [try IPAddress("10.0.0.1")]]] {
      #expect(throws: Problem.refused("dns.address-not-assigned", "")) { try file.requireAssigned(assigned) }
    }
  }

  @Test(arguments: [
    (#"{"listen": []}"#, "dns.listen"), (#"{"listen": ["localhost:53"]}"#, "network.endpoint"),
    (#"{"listen": ["0.0.0.0:53"]}"#, "dns.listen-any"), (#"{"listen": ["[::]:53"]}"#, "dns.listen-any"),
    (#"{"listen": ["224.0.0.251:53"]}"#, "dns.listen-any"), (#"{"listen": ["255.255.255.255:53"]}"#, "dns.listen-any"),
    (#"{"listen": ["[ff02::fb]:53"]}"#, "dns.listen-any"),
    (#"{"listen": ["[::ffff:127.0.0.1]:53"]}"#, "dns.listen-any"),
    (#"{"listen": ["127.0.0.1:0"]}"#, "dns.listen"),
    (#"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["0.0.0.0"]}}}"#, "dns.upstream"),
    (#"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["9.9.9.9:0"]}}}"#, "dns.upstream"),
    (
      #"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["9.9.9.9"], "transport": "tls", "name": "a..b"}}}"#,
      "dns.name"
    ),
    (#"{"listen": ["127.0.0.1:53"], "state": "opened"}"#, "json.choice"),
    (#"{"listen": ["127.0.0.1:53"], "routes": {".": "x"}}"#, "dns.route"),
    (#"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": []}}}"#, "dns.upstream"),
    (
      #"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["9.9.9.9"], "transport": "tls"}}}"#,
      "dns.upstream-name"
    ),
    (
      #"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["9.9.9.9"], "name": "a.b"}}}"#, "dns.upstream-name"
    ),
    (#"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["9.9.9.9"], "pins": []}}}"#, "dns.upstream-tls"),
    (
      #"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["9.9.9.9"], "transport": "tls", "name": "a.b", "pins": ["AAAA"]}}}"#,
      "dns.pin"
    ),
    (
      #"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["9.9.9.9"]}}, "routes": {"A.b": "x", "a.B.": "x"}}"#,
      "dns.route-twice"
    ),
    (
      #"{"listen": ["127.0.0.1:53"], "upstreams": {"x": {"servers": ["9.9.9.9", "127.0.0.1"]}}}"#, "dns.upstream-self"
    ),
    (#"{"listen": ["127.0.0.1:53"], "limits": {"idle": 0}}"#, "json.integer-range"),
    (#"{"listen": ["127.0.0.1:53"], "listn": 1}"#, "json.unknown-field"),
  ])
  func refusesConfiguration(text: String, code: String) {
    #expect(throws: Problem.malformed(code, "")) { try DNSConfiguration(parsing: Array(text.utf8)) }
  }

  @Test func readsConfiguration() throws {
    let text =
      #"{"listen": ["[::1]:53"], "upstreams": {"x": {"servers": ["9.9.9.9"], "transport": "tls", "name": "a.b"}}, "routes": {".": "x"}}"#
    let configuration = try DNSConfiguration(parsing: Array(text.utf8))
    #expect(configuration.upstreams[0].servers.map(\.description) == ["9.9.9.9:853"])
    #expect(configuration.upstreams[0].isProtected)
    #expect(configuration.routes.map(\.name) == [.root])
  }
}
