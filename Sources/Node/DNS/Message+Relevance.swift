extension Message {
  /// Whether it says only who may know: no answer, and servers instead of the SOA record of a denial (RFC 2308, 2.2).
  var isReferral: Bool {
    code == ResponseCode.noError.rawValue && answers.isEmpty && authorities.contains { $0.type == .ns }
      && !authorities.contains { $0.type == .soa }
  }

  /// The message without what does not answer the question: records beside the chain of aliases, servers and their
  /// addresses. Nobody may slip a name to a client that it did not ask for (RFC 5452, 6).
  ///
  /// What a resolver says of names that are ours is left out wherever it stands. An alias may lead to them; where they
  /// are, and whether, is ours to say (RFC 1034, 4.3.2, step 3): `ours` answers for a name and a type, nil for others.
  func relevant(to key: UpstreamQuestion.Key, ours: (DomainName, RecordType) -> Message?) -> Message {
    var result = self
    let (chain, last, end) = chain(from: key, ours)
    result.answers = answers.filter { record in
      guard !chain.contains(record.name) else { return true }
      // The alias of a whole subtree, with its signature (RFC 6672, 2.2).
      let isSubtree = record.type == .dname || record.type == .rrsig && record.coveredType == .dname
      return isSubtree && chain.contains { $0.isWithin(record.name) }
    }
    result.additional = []
    if let end {
      result.answers += end.answers
      result.authorities = end.authorities
      // Of the two, nobody has proved ours.
      result.flags = result.flags & ~(Flag.code | Flag.authenticData) | end.flags & Flag.code
      return result
    }
    result.authorities = authorities.filter { record in
      switch record.type == .rrsig ? record.coveredType : record.type {
      case .soa: last.isWithin(record.name)
      // Proofs that a name or a type is absent; their owners may be hashes.
      case .nsec, .nsec3: true
      default: false
      }
    }
    return result
  }

  /// The names that the aliases lead through, the last one, and what we say of it where it is ours and the chain ends.
  private func chain(
    from key: UpstreamQuestion.Key, _ ours: (DomainName, RecordType) -> Message?
  ) -> (names: Set<DomainName>, last: DomainName, end: Message?) {
    var targets: [DomainName: DomainName] = [:]
    if key.type != .cname, key.type != .any {
      for record in answers where record.type == .cname { targets[record.name] = DomainName(trusted: record.data) }
    }
    var chain: Set<DomainName> = [key.name]
    var last = key.name
    while let next = targets[last] {
      last = next
      if let end = ours(next, key.type) { return (chain, last, end) }
      // A circle ends here.
      guard chain.insert(next).inserted else { break }
    }
    return (chain, last, nil)
  }
}

extension Message.Record {
  /// The type that a signature is about; its data has it at the front (RFC 4034, 3.1).
  var coveredType: RecordType { RecordType(rawValue: UInt16(data[0]) << 8 | UInt16(data[1])) }
}
