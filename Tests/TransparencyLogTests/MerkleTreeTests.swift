import Cryptography
import Diagnostics
import Testing
import TransparencyLog
import Wire

@Suite struct MerkleTreeTests {
  /// The eight entries of the Certificate Transparency reference tests, and the roots of their trees.
  static let known: [(entry: String, root: String)] = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
  ]

  @Test func hasTheKnownRoots() throws {
    var frontier = Frontier()
    #expect(frontier.root == MerkleTree.emptyRoot)
    #expect(
      Hex.encode(MerkleTree.emptyRoot.bytes) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    for (entry, root) in MerkleTreeTests.known {
      frontier.append(MerkleTree.leafHash(try Hex.decode(entry)))
      #expect(Hex.encode(frontier.root.bytes) == root)
    }
  }

  @Test func hasTheRootsOfTheModel() throws {
    let entries = MerkleModel.leaves(300)
    var frontier = Frontier()
    for size in 0...300 {
      let model = try LogHash(MerkleModel.root(entries[..<size]))
      #expect(frontier.root == model, "size \(size)")
      if size < 40 { #expect(try MerkleTree.root(size: size, reading: MerkleModel.reader(entries)) == model) }
      if size < 40 { #expect(try Frontier(size: size, reading: MerkleModel.reader(entries)).root == model) }
      if size < 300 { frontier.append(MerkleTree.leafHash(entries[size])) }
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 70])
  func provesInclusionAsTheModelDoes(size: Int) throws {
    let entries = MerkleModel.leaves(size)
    let root = try LogHash(MerkleModel.root(entries[...]))
    for index in 0..<size {
      let proof = try MerkleTree.inclusionProof(index: index, size: size, reading: MerkleModel.reader(entries))
      #expect(proof.map(\.bytes) == MerkleModel.path(index, entries[...]))
      let leaf = MerkleTree.leafHash(entries[index])
      try MerkleTree.verifyInclusion(of: leaf, index: index, size: size, root: root, proof: proof)
      expectRefusals(of: proof) { (proof) throws(Problem) in
        try MerkleTree.verifyInclusion(of: leaf, index: index, size: size, root: root, proof: proof)
      }
      let other = MerkleTree.leafHash([9, 9, 9])
      for (leaf, index, size, root) in [
        (other, index, size, root), (leaf, index, size, other), (leaf, -1, size, root), (leaf, size, size, root),
        (leaf, index, 0, root), (leaf, Int.max, size, root), (leaf, index ^ 1, size, root),
      ] {
        #expect(throws: Problem.self) {
          try MerkleTree.verifyInclusion(of: leaf, index: index, size: size, root: root, proof: proof)
        }
      }
    }
  }

  @Test(arguments: Array(2...40) + [63, 64, 65, 70]) func provesConsistencyAsTheModelDoes(new: Int) throws {
    let entries = MerkleModel.leaves(new)
    let newRoot = try LogHash(MerkleModel.root(entries[...]))
    for old in 1..<new {
      let oldRoot = try LogHash(MerkleModel.root(entries[..<old]))
      let proof = try MerkleTree.consistencyProof(from: old, to: new, reading: MerkleModel.reader(entries))
      #expect(proof.map(\.bytes) == MerkleModel.subproof(old, entries[...], true))
      try MerkleTree.verifyConsistency(from: old, root: oldRoot, to: new, root: newRoot, proof: proof)
      expectRefusals(of: proof) { (proof) throws(Problem) in
        try MerkleTree.verifyConsistency(from: old, root: oldRoot, to: new, root: newRoot, proof: proof)
      }
      let other = MerkleTree.leafHash([9, 9, 9])
      for (old, oldRoot, new, newRoot) in [
        (old, other, new, newRoot), (old, oldRoot, new, other), (0, oldRoot, new, newRoot),
        (new, newRoot, old, oldRoot),
        (-1, oldRoot, new, newRoot), (old, oldRoot, old, oldRoot),
      ] {
        #expect(throws: Problem.self) {
          try MerkleTree.verifyConsistency(from: old, root: oldRoot, to: new, root: newRoot, proof: proof)
        }
      }
    }
  }

  /// Every changed hash and every other length must be refused; the caller has shown that the proof itself is good.
  private func expectRefusals(of proof: [LogHash], _ verify: ([LogHash]) throws(Problem) -> Void) {
    let other = MerkleTree.leafHash([1, 2, 3, 4])
    for index in proof.indices {
      var changed = proof
      changed[index] = other
      let error = #expect(throws: Problem.self) { try verify(changed) }
      #expect(error?.code == "merkle.root")
    }
    for length in [proof + [other], [other] + proof, Array(proof.dropLast(1)), Array(proof.dropFirst(1))]
    where length.count != proof.count {
      let error = #expect(throws: Problem.self) { try verify(length) }
      #expect(error?.code == "merkle.proof-length")
    }
  }

  @Test func treatsEqualAndEmptyTreesByTheirRoots() throws {
    let root = MerkleTree.leafHash([1])
    try MerkleTree.verifyConsistency(from: 1, root: root, to: 1, root: root, proof: [])
    #expect(throws: Problem.refused("merkle.root", "")) {
      try MerkleTree.verifyConsistency(from: 1, root: root, to: 1, root: .init(MerkleTree.emptyRoot.bytes), proof: [])
    }
    #expect(throws: Problem.refused("merkle.empty-tree", "")) {
      try MerkleTree.verifyConsistency(from: 0, root: MerkleTree.emptyRoot, to: 1, root: root, proof: [])
    }
    #expect(try MerkleTree.consistencyProof(from: 0, to: 5, reading: MerkleModel.reader([])).isEmpty)
  }

  @Test func refusesHashesOfAnyOtherLength() throws {
    _ = try LogHash([UInt8](repeating: 1, count: 32))
    for count in [0, 1, 31, 33, 64] {
      let error = #expect(throws: Problem.self) { try LogHash([UInt8](repeating: 1, count: count)) }
      #expect(error?.code == "merkle.hash-length")
    }
  }
}
