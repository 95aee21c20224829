import Diagnostics
import Testing
import X509

@Suite struct DERTests {
  @Test(
    arguments: [
      ([0x30, 0x03, 0x02, 0x01, 0x05], true),
      // A length in two bytes where one is enough, an indefinite length, a content that is too short, a high tag.
      ([0x30, 0x81, 0x03, 0x02, 0x01, 0x05], false), ([0x30, 0x80, 0x00, 0x00], false),
      ([0x30, 0x04, 0x02, 0x01], false),
      ([0x1f, 0x81, 0x01, 0x00], false), ([0x30], false), ([0x30, 0x82, 0x00, 0x80], false),
    ] as [([UInt8], Bool)])
  func lengths(bytes: [UInt8], isValid: Bool) throws {
    if isValid {
      #expect(try DER.elements(bytes).map(\.content) == [[2, 1, 5]])
    } else {
      #expect(throws: Problem.malformed("der.format", "")) { try DER.elements(bytes) }
    }
  }

  @Test(
    arguments: [
      ([0x55, 0x1d, 0x11], "2.5.29.17"),
      ([0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08], "1.3.6.1.4.1.57264.1.8"),
      ([0x2a, 0x86, 0x48], "1.2.840"), ([0x88, 0x37], "2.999"),
    ] as [([UInt8], String)])
  func identifiers(content: [UInt8], text: String) throws { #expect(try DER.dotted(content) == text) }

  @Test(arguments: [[0x55, 0x80, 0x01], [0x55, 0x81], []] as [[UInt8]])
  func badIdentifiers(content: [UInt8]) {
    #expect(throws: Problem.malformed("der.format", "")) { try DER.dotted(content) }
  }
}
