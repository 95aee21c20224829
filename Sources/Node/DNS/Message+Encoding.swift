extension Message {
  /// The wire form. Owners, and names in the data of RFC 1035's types, are compressed where they are the same to the
  /// letter, so that case is kept; `isCompressed` false writes every name whole.
  public func encoded(isCompressed: Bool = true) -> [UInt8] {
    var writer = MessageWriter(isCompressed: isCompressed)
    writer.word(id)
    writer.word(flags)
    let additional = additional + (options.map { [$0] } ?? [])
    for count in [questions.count, answers.count, authorities.count, additional.count] { writer.word(UInt16(count)) }
    for question in questions {
      writer.name(question.name.wire[...])
      writer.word(question.type.rawValue)
      writer.word(question.recordClass)
    }
    for record in answers + authorities + additional { writer.record(record) }
    return writer.bytes
  }
}

/// Writes a message from left to right.
private struct MessageWriter {
  let isCompressed: Bool
  var bytes: [UInt8] = []
  /// Where names begin that a pointer may mean, by length and hash: names that are nearly the same cost nothing to tell
  /// apart. There are no more than the octets that a pointer reaches.
  private var targets: [UInt64: Target] = [:]

  /// A place, and how many pointers a reader follows from there on.
  private struct Target {
    let place: Int
    let depth: Int
  }

  /// Readers give up on long chains of pointers, ours after sixteen.
  private static let depthLimit = 8

  init(isCompressed: Bool) { self.isCompressed = isCompressed }

  mutating func word(_ value: UInt16) {
    bytes.append(UInt8(value >> 8))
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  mutating func record(_ record: Message.Record) {
    name(record.name.wire[...])
    word(record.type.rawValue)
    word(record.recordClass)
    word(UInt16(record.lifetime >> 16))
    word(UInt16(truncatingIfNeeded: record.lifetime))
    let lengthAt = bytes.count
    word(0)
    if isCompressed, RecordLayout.isCompressible(record.type),
      let parts = RecordLayout.parts(record.type, record.recordClass)
    {
      compress(record.data, parts)
    } else {
      bytes += record.data
    }
    let length = bytes.count - lengthAt - 2
    bytes[lengthAt] = UInt8(truncatingIfNeeded: length >> 8)
    bytes[lengthAt + 1] = UInt8(truncatingIfNeeded: length)
  }

  private mutating func compress(_ data: [UInt8], _ parts: [RecordLayout.Part]) {
    var at = 0
    for part in parts {
      switch part {
      case .octets(let count):
        bytes += data[at..<(at + count)]
        at += count
      case .name:
        var end = at
        while data[end] != 0 { end += 1 + Int(data[end]) }
        name(data[at...end])
        at = end + 1
      case .wholeName, .string, .strings, .rest:
        bytes += data[at...]
        at = data.count
      }
    }
  }

  mutating func name(_ wire: ArraySlice<UInt8>) {
    guard isCompressed else {
      bytes += wire
      return
    }
    let suffixes = MessageWriter.suffixes(wire)
    let known = suffixes.firstIndex { at, key in targets[key].map { isSame(wire[at...], at: $0.place) } ?? false }
    let target = known.flatMap { targets[suffixes[$0].key] }
    let start = bytes.count
    let depth = target.map { $0.depth + 1 } ?? 0
    for (at, key) in suffixes[..<(known ?? suffixes.endIndex)] where depth < MessageWriter.depthLimit {
      let place = start + at - wire.startIndex
      if targets[key] == nil, place < 0x4000 { targets[key] = Target(place: place, depth: depth) }
    }
    bytes += wire[..<(known.map { suffixes[$0].at } ?? wire.endIndex)]
    if let target { word(0xc000 | UInt16(target.place)) }
  }

  /// Where each label begins, with length and hash of the name from there on; the root is left out.
  private static func suffixes(_ wire: ArraySlice<UInt8>) -> [(at: Int, key: UInt64)] {
    var suffixes: [(at: Int, key: UInt64)] = []
    var at = wire.startIndex
    while wire[at] != 0 {
      suffixes.append((at, 0))
      at += 1 + Int(wire[at])
    }
    var hash: UInt32 = 0x811c_9dc5
    for index in suffixes.indices.reversed() {
      for octet in wire[suffixes[index].at..<at] { hash = (hash ^ UInt32(octet)) &* 0x0100_0193 }
      at = suffixes[index].at
      suffixes[index].key = UInt64(wire.endIndex - at) << 32 | UInt64(hash)
    }
    return suffixes
  }

  /// Whether the name that was written at `place` is this one, octet by octet.
  private func isSame(_ wire: ArraySlice<UInt8>, at place: Int) -> Bool {
    var place = place
    var at = wire.startIndex
    while true {
      while bytes[place] >= 0xc0 { place = Int(bytes[place] & 0x3f) << 8 | Int(bytes[place + 1]) }
      let length = Int(bytes[place])
      guard length == Int(wire[at]) else { return false }
      if length == 0 { return true }
      guard bytes[place...(place + length)].elementsEqual(wire[at...(at + length)]) else { return false }
      place += 1 + length
      at += 1 + length
    }
  }
}
