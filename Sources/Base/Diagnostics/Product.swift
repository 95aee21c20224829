/// The one place that names the product's release.
public enum Product {
  /// The version of every program of this package (semantic versioning 2.0.0).
  public static let version = "0.1.0"
}
