/// Package URLs (purl, ECMA-427) for the kinds of package that we meet.
public enum PackageURL {
  /// Where a repository is: its host, and the parts of its path.
  public struct Location: Sendable, Hashable {
    /// The host in lower case.
    public let host: String
    /// The parts of the path, the last without `.git`.
    public let path: [String]

    /// `host/owner/name`, for comparing two spellings of one address.
    public var text: String { ([host] + path).joined(separator: "/") }
  }

  /// Reads the address of a repository: `https://`, `ssh://`, `git://`, or `git@host:owner/name`.
  ///
  /// Scheme, user, port and `.git` are dropped (the purl type “swift” has host, owner and name only). Nil for a path
  /// on this machine and for whatever has no host, no path, a query, or `..` in it.
  public static func location(_ address: String) -> Location? {
    guard address.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), !address.contains(where: { "?#\\".contains($0) })
    else { return nil }
    var rest = Substring(address)
    if let scheme = address.firstRange(of: "://") {
      guard
        ["https", "http", "ssh", "git", "git+https", "git+ssh"].contains(address[..<scheme.lowerBound].lowercased())
      else { return nil }
      rest = address[scheme.upperBound...]
    } else {
      // The form of scp: a colon comes before the first slash.
      guard let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/"), colon != rest.startIndex else {
        return nil
      }
      rest = rest[..<colon] + "/" + rest[rest.index(after: colon)...]
    }
    guard let slash = rest.firstIndex(of: "/") else { return nil }
    let authority = rest[..<slash].split(separator: "@", omittingEmptySubsequences: false).last ?? ""
    let host = authority.split(separator: ":", omittingEmptySubsequences: false).first.map { $0.lowercased() } ?? ""
    var parts = rest[slash...].split(separator: "/").map(String.init)
    if let last = parts.last, last.hasSuffix(".git") { parts[parts.count - 1] = String(last.dropLast(4)) }
    guard !host.isEmpty, !parts.isEmpty, parts.allSatisfy({ !["", ".", ".."].contains($0) }) else { return nil }
    return Location(host: host, path: parts)
  }

  /// `pkg:swift/HOST/OWNER/NAME@VERSION`; nil when the address names no host with an owner and a name.
  public static func swift(_ address: String, version: String?) -> String? {
    guard let location = location(address), location.path.count >= 2 else { return nil }
    let path = ([location.host] + location.path).map(encode).joined(separator: "/")
    return "pkg:swift/\(path)" + (version.map { "@" + encode($0) } ?? "")
  }

  /// `pkg:deb/debian/NAME@VERSION?arch=…&distro=debian-12`.
  public static func deb(_ package: DebianPackage, on system: OSRelease) -> String {
    "pkg:deb/\(encode(system.id))/\(encode(package.name))@\(encode(package.version))"
      + "?arch=\(encode(package.architecture))&distro=\(encode(system.distro))"
  }

  /// `pkg:generic/NAME@VERSION`: what belongs to no registry.
  public static func generic(_ name: String, version: String) -> String {
    "pkg:generic/\(encode(name))@\(encode(version))"
  }

  /// Percent-encodes what purl wants encoded; a colon stays as it is.
  private static func encode(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e, 0x3a:
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return result
  }
}
