public import Cryptography
public import Diagnostics
public import StrictJSON

extension JSONReader {
  /// A digest in our own spelling, such as `sha256:…`.
  public func digest() throws(Problem) -> Digest {
    let text = try token()
    do { return try Digest(text) } catch { throw located(error) }
  }
}
