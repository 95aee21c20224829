/// A name in lower case with a hash of each of its suffixes, made in one pass and without allocation once it exists.
struct NameScan: Sendable {
  /// The name in lower case; the first `count` octets count.
  var octets = [UInt8](repeating: 0, count: 256)
  /// Octets of the name, its zero included.
  var count = 1
  /// Labels, the root not counted.
  var labels = 0
  /// Where each label's length octet stands, from left to right; the last is the root's.
  var starts = [UInt8](repeating: 0, count: 128)
  /// The hash of the suffix that begins at the same label.
  var hashes = [UInt32](repeating: 0, count: 128)

  /// Reads a valid name of `length` octets that begins at `start`.
  mutating func read(_ bytes: Span<UInt8>, at start: Int, length: Int) {
    count = length
    for index in 0..<length { octets[index] = ASCII.lower(bytes[start + index]) }
    index()
  }

  /// Reads a name.
  mutating func read(_ name: DomainName) { read(name.wire.span, at: 0, length: name.wire.count) }

  private mutating func index() {
    labels = 0
    var at = 0
    while octets[at] != 0 {
      starts[labels] = UInt8(truncatingIfNeeded: at)
      labels += 1
      at += 1 + Int(octets[at])
    }
    starts[labels] = UInt8(truncatingIfNeeded: at)
    var hash: UInt32 = 0x811c_9dc5
    hashes[labels] = hash
    var label = labels - 1
    while label >= 0 {
      let start = Int(starts[label])
      for offset in start...(start + Int(octets[start])) { hash = (hash ^ UInt32(octets[offset])) &* 0x0100_0193 }
      hashes[label] = hash
      label -= 1
    }
  }
}

/// Names and a number for each, in one flat hash table: no pointer and no allocation when one is looked for.
///
/// Its names come from files of ours, never from a packet, so a hash without a key is safe.
struct NameTable: Sendable {
  private var octets: [UInt8] = []
  private var offsets: [UInt32] = []
  private var lengths: [UInt8] = []
  private var hashes: [UInt32] = []
  /// 0 is free; else the number of a name, plus one. The count is a power of two.
  private var slots: [UInt32] = [0, 0]

  /// How many names there are; the number of the next one.
  var count: Int { offsets.count }

  /// The number of the suffix of `scan` that begins at `label`; nil where it is not there.
  func find(_ scan: borrowing NameScan, from label: Int = 0) -> Int? {
    let start = Int(scan.starts[label])
    let length = scan.count - start
    let hash = scan.hashes[label]
    let mask = slots.count - 1
    var slot = NameTable.spread(hash) & mask
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if hashes[number] == hash, Int(lengths[number]) == length, isEqual(number, scan, start) { return number }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// The longest suffix of `scan` that is there, from `label` on: its number, and its first label.
  func findLongest(_ scan: borrowing NameScan, from first: Int = 0) -> (number: Int, label: Int)? {
    var label = first
    while label <= scan.labels {
      if let number = find(scan, from: label) { return (number, label) }
      label += 1
    }
    return nil
  }

  /// The number of a name, which is added where it is not there.
  mutating func insert(_ scan: borrowing NameScan, from label: Int = 0) -> Int {
    if let number = find(scan, from: label) { return number }
    let start = Int(scan.starts[label])
    offsets.append(UInt32(octets.count))
    lengths.append(UInt8(truncatingIfNeeded: scan.count - start))
    hashes.append(scan.hashes[label])
    for index in start..<scan.count { octets.append(scan.octets[index]) }
    if (count + 1) * 4 > slots.count * 3 {
      slots = [UInt32](repeating: 0, count: slots.count * 2)
      for number in 0..<count { place(number) }
    } else {
      place(count - 1)
    }
    return count - 1
  }

  /// The name with a number.
  func name(_ number: Int) -> DomainName {
    let start = Int(offsets[number])
    return DomainName(trusted: Array(octets[start..<(start + Int(lengths[number]))]))
  }

  /// Gives back what growing has reserved.
  mutating func shrink() {
    octets = Array(octets.lazy)
    offsets = Array(offsets.lazy)
    lengths = Array(lengths.lazy)
    hashes = Array(hashes.lazy)
  }

  private mutating func place(_ number: Int) {
    let mask = slots.count - 1
    var slot = NameTable.spread(hashes[number]) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = UInt32(number + 1)
  }

  @inline(__always)
  private func isEqual(_ number: Int, _ scan: borrowing NameScan, _ start: Int) -> Bool {
    let offset = Int(offsets[number])
    for index in 0..<(scan.count - start) where octets[offset + index] != scan.octets[start + index] { return false }
    return true
  }

  @inline(__always)
  private static func spread(_ hash: UInt32) -> Int { Int((hash ^ hash >> 15) &* 0x2c1b_3c6d >> 7) }
}
