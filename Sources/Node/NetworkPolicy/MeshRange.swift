public import NetworkTypes

/// The addresses of the mesh, as the services number them that this grammar comes from (requirement P2-14).
public enum MeshRange {
  /// Shared address space (RFC 6598): nodes have their IPv4 addresses here.
  public static let v4 = known("100.64.0.0/10")
  /// A unique local prefix (RFC 4193): nodes have their IPv6 addresses here.
  public static let v6 = known("fd7a:115c:a1e0::/48")
  /// Parts of `v4` that no pool may take: the resolver's, and the range that ChromeOS uses for its own machines.
  public static let reserved = [known("100.100.100.0/24"), chromeOS]
  private static let chromeOS = known("100.115.92.0/23")

  /// What `*` means as a source, besides approved routes: both ranges without what ChromeOS numbers itself with, so
  /// that a local virtual machine does not pass for a node.
  public static let everyone = AddressSet([AddressRange(v4), AddressRange(v6)])
    .subtracting(AddressSet([AddressRange(chromeOS)]))

  /// What `autogroup:internet` means: all of IPv4 without private, shared and link-local addresses, and the global
  /// unicast space of IPv6 (RFC 1918, RFC 6598, RFC 3927, RFC 4291).
  public static let internet = AddressSet([AddressRange(known("0.0.0.0/0")), AddressRange(known("2000::/3"))])
    .subtracting(
      AddressSet(
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"].map {
          AddressRange(known($0))
        }))

  /// A prefix that stands in this file.
  private static func known(_ text: String) -> Prefix {
    guard let prefix = try? Prefix(text) else { preconditionFailure("a constant of this file is no prefix: \(text)") }
    return prefix
  }
}
