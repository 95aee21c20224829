extension ECDSASignature {
  /// The DER form of `r` and `s` that stand one after the other in equal lengths (IEEE P1363); nil for an odd length.
  static func der(raw: [UInt8]) -> [UInt8]? {
    guard !raw.isEmpty, raw.count.isMultiple(of: 2), raw.count <= 96 else { return nil }
    let body = integer(raw.prefix(raw.count / 2)) + integer(raw.suffix(raw.count / 2))
    // At most 102 bytes, so that every length fits in one byte.
    return [0x30, UInt8(body.count)] + body
  }

  /// The shortest encoding of a number that is not negative (X.690 §8.3).
  private static func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var digits = Array(bytes.drop { $0 == 0 })
    if digits.isEmpty || digits[0] & 0x80 != 0 { digits.insert(0, at: 0) }
    return [0x02, UInt8(digits.count)] + digits
  }
}

extension ForeignPublicKey {
  /// Whether `signature`, as `r` and `s` in the length of the curve, is this key's over `message`; false for other keys.
  ///
  /// Its own function, so that it is never taken where DER is expected: DSSE leaves the form open and its own example
  /// is of this one, Sigstore and X.509 are DER throughout.
  public func isValid(rawECDSA signature: [UInt8], over message: [UInt8], _ algorithm: SignatureAlgorithm) -> Bool {
    let length =
      switch kind {
      case .ecdsaP256: 64
      case .ecdsaP384: 96
      default: 0
      }
    guard length > 0, signature.count == length, let der = ECDSASignature.der(raw: signature) else { return false }
    return isValid(der, over: message, algorithm)
  }
}
