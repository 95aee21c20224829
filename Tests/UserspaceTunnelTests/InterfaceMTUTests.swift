import Testing

@testable import UserspaceTunnel

@Suite struct InterfaceMTUTests {
  static let rows: [(route: Int, carriesV6: Bool, mtu: Int)] = [
    (1_500, false, 1_408), (1_488, true, 1_408), (1_487, true, 1_407), (1_400, false, 1_320), (1_360, true, 1_280),
    (1_300, true, 1_280), (1_300, false, 1_220), (600, false, 576), (68, false, 576), (68, true, 1_280),
    (9_000, true, 1_408), (65_536, false, 1_408),
  ]

  @Test(arguments: rows.indices) func followsTheRoute(index: Int) {
    let row = Self.rows[index]
    #expect(InterfaceMTU.derived(from: row.route, carriesV6: row.carriesV6) == row.mtu)
  }
}
