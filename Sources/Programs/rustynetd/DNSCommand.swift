import DNS
import DNSService
import Diagnostics
import LinuxKit

/// `rustynetd dns`: the name server alone, so that tools can be pointed at it.
enum DNSCommand {
  static func run(_ words: [String]) throws(Problem) {
    let arguments = try Arguments(words, options: ["--config"], flags: ["--foreground", "--check"])
    let path = try arguments.value("--config")
    let (configuration, zones) = try load(path)
    if arguments.has("--check") {
      return Console.print("\(path): \(configuration.zones.count) zone files, \(zones.nameCount) names with records")
    }
    guard arguments.has("--foreground") else {
      throw .usage("usage.missing", "--foreground is missing", hint: "the service manager puts it into the background")
    }
    let server = try DNSServer(configuration, zones: zones)
    Console.note("rustynetd: answering \(zones.nameCount) names at \(configuration.listen.map { "\($0)" })")
    server.run { server in
      do throws(Problem) {
        let (configuration, zones) = try load(path, for: server)
        if configuration.listen != server.listen {
          Console.note("rustynetd: “listen” has changed, and counts from the next start on")
        }
        server.reload(configuration, zones: zones)
        Console.note("rustynetd: answering \(zones.nameCount) names")
      } catch {
        // The old configuration stays: half a zone would be worse than an old one (P4-10).
        Console.report(error, by: "rustynetd")
      }
    }
  }

  /// Reads the configuration and the zones that it names; paths are relative to its folder.
  private static func load(
    _ path: String, for server: DNSServer? = nil
  ) throws(Problem) -> (DNSConfiguration, ZoneTable) {
    let bytes = try FileSystem.read(path, limit: DNSConfiguration.sizeLimit)
    let configuration: DNSConfiguration
    do { configuration = try DNSConfiguration(parsing: bytes) } catch { throw error.at(path) }
    try DNSServer.check(configuration)
    var zones: [Zone] = []
    for name in configuration.zones {
      let file = name.hasPrefix("/") ? name : "\(Path.folder(of: path))/\(name)"
      let content = try FileSystem.read(file, limit: configuration.zoneLimits.size)
      do { zones.append(try ZoneFile(parsing: content, limits: configuration.zoneLimits).zone) } catch {
        throw error.at(file)
      }
    }
    let servers = DNSConfiguration.serverAddresses(server?.listen ?? configuration.listen)
    return (configuration, try ZoneTable(zones, servers: servers))
  }
}
