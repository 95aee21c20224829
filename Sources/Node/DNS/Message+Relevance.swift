extension Message {
  /// Whether it says only who may know: no answer, and servers instead of the SOA record of a denial (RFC 2308, 2.2).
  var isReferral: Bool {
    code == ResponseCode.noError.rawValue && answers.isEmpty && authorities.contains { $0.type == .ns }
      && !authorities.contains { $0.type == .soa }
  }

  /// The message without what does not answer the question: records beside the chain of aliases, servers and their
  /// addresses. Nobody may slip a name to a client that it did not ask for (RFC 5452, 6), and what a resolver says of names that
  /// are ours is left out wherever it stands: an alias may lead to them, but where they are is ours to say.
  func relevant(to key: UpstreamQuestion.Key, isOurs: (DomainName) -> Bool) -> Message {
    var result = self
    let (chain, last) = chain(from: key, isOurs)
    result.answers = answers.filter { record in
      guard !chain.contains(record.name) else { return true }
      // The alias of a whole subtree, with its signature (RFC 6672, 2.2).
      let isSubtree = record.type == .dname || record.type == .rrsig && record.coveredType == .dname
      return isSubtree && chain.contains { $0.isWithin(record.name) }
    }
    let isOurDenial = isOurs(last)
    result.authorities = authorities.filter { record in
      switch record.type == .rrsig ? record.coveredType : record.type {
      case .soa: !isOurDenial && last.isWithin(record.name)
      // Proofs that a name or a type is absent; their owners may be hashes.
      case .nsec, .nsec3: !isOurDenial
      default: false
      }
    }
    result.additional = []
    return result
  }

  /// The names that the aliases lead through, but those that are ours, and the last one, where the chain ends.
  private func chain(from key: UpstreamQuestion.Key, _ isOurs: (DomainName) -> Bool) -> (Set<DomainName>, DomainName) {
    var targets: [DomainName: DomainName] = [:]
    if key.type != .cname, key.type != .any {
      for record in answers where record.type == .cname { targets[record.name] = DomainName(trusted: record.data) }
    }
    var chain: Set<DomainName> = [key.name]
    var last = key.name
    while let next = targets[last] {
      last = next
      // A circle ends here as well.
      guard !isOurs(next), chain.insert(next).inserted else { break }
    }
    return (chain, last)
  }
}

extension Message.Record {
  /// The type that a signature is about; its data has it at the front (RFC 4034, 3.1).
  var coveredType: RecordType { RecordType(rawValue: UInt16(data[0]) << 8 | UInt16(data[1])) }
}
