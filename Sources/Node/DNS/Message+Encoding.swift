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
  /// Where names begin that a pointer may mean; few, so that a large message costs no more than its length.
  private var targets: [Int] = []
  private static let targetLimit = 64

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
    var at = wire.startIndex
    // A name cannot point into itself, so its own places count from the next one on.
    let known = targets.count
    while wire[at] != 0 {
      if isCompressed, let target = targets[..<known].first(where: { isSame(wire[at...], at: $0) }) {
        word(0xc000 | UInt16(target))
        return
      }
      if targets.count < MessageWriter.targetLimit, bytes.count < 0x4000 { targets.append(bytes.count) }
      bytes += wire[at...(at + Int(wire[at]))]
      at += 1 + Int(wire[at])
    }
    bytes.append(0)
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
