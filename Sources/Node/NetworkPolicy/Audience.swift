/// Nodes that destinations name together, such as all nodes of a tag, with what the rules let in there.
///
/// Rules are many and nodes are many, so neither has a list of the others: a rule is listed once for its audience, and
/// a node is asked which audiences it is in.
struct Audience: Sendable {
  /// What packets need, ascending by term.
  var entries: [CompiledPolicy.Entry] = []
  /// What applications need.
  var capabilities: [CapabilityEntry] = []
  /// A bit for each slot; nil for an audience of few nodes, which know it by themselves.
  let bits: [UInt64]?

  /// What makes two audiences the same.
  enum Key: Hashable {
    case everyone
    case members(Selector)
    case holders(Selector)
    case carriers(Selector, via: Set<String>)
    case exits(via: Set<String>)
    /// The nodes of all users that the selectors name.
    case users(Set<Selector>)
    /// The nodes that the selectors name by identity.
    case requesters(Set<Selector>)
    /// The holders of a range besides those.
    case otherHolders(Selector, than: Set<Selector>)
  }

  /// Whether the node in the slot is in an audience of many nodes.
  func contains(_ slot: Int) -> Bool {
    guard let bits else { return false }
    return bits[slot / 64] & 1 << UInt64(slot % 64) != 0
  }
}

/// All audiences of a compiled policy, and who is in them.
struct Audiences: Sendable {
  private(set) var all: [Audience] = []
  /// The audiences of few nodes by slot.
  private var few: [[Int32]]
  /// The audiences of many nodes.
  private var many: [Int32] = []
  private var numbers: [Audience.Key: Int] = [:]

  init(slots: Int) { few = Array(repeating: [], count: slots) }

  /// The number of an audience that is there; nil for a new one.
  func known(_ key: Audience.Key) -> Int? { numbers[key] }

  /// The number of an audience; `slots` says who is in it when it is new.
  mutating func number(_ key: Audience.Key, _ slots: () -> [Int32]) -> Int {
    if let known = numbers[key] { return known }
    let slots = slots()
    let number = all.count
    numbers[key] = number
    // A number in the list of each node takes 32 bits, a bit for each slot one.
    if slots.count > few.count / 32 {
      var bits = [UInt64](repeating: 0, count: (few.count + 63) / 64)
      for slot in slots { bits[Int(slot) / 64] |= 1 << UInt64(slot % 64) }
      all.append(Audience(bits: bits))
      many.append(Int32(number))
    } else {
      all.append(Audience(bits: nil))
      for slot in slots { few[Int(slot)].append(Int32(number)) }
    }
    return number
  }

  mutating func add(_ entry: CompiledPolicy.Entry, to number: Int) { all[number].entries.append(entry) }

  mutating func add(_ entry: CapabilityEntry, to number: Int) { all[number].capabilities.append(entry) }

  /// The audiences that the node in the slot is in.
  func numbers(of slot: Int) -> [Int32] { few[slot] + many.filter { all[Int($0)].contains(slot) } }
}
