import Diagnostics
import Testing

@testable import Inventory

@Suite struct PackageURLTests {
  static let addresses: [(address: String, purl: String?)] = [
    ("https://github.com/apple/swift-nio", "pkg:swift/github.com/apple/swift-nio@1.0.0"),
    ("https://github.com/apple/swift-nio.git", "pkg:swift/github.com/apple/swift-nio@1.0.0"),
    ("https://github.com/apple/swift-nio/", "pkg:swift/github.com/apple/swift-nio@1.0.0"),
    ("HTTPS://GitHub.com/apple/swift-nio.git/", "pkg:swift/github.com/apple/swift-nio@1.0.0"),
    ("https://user:secret@github.com/apple/swift-nio.git", "pkg:swift/github.com/apple/swift-nio@1.0.0"),
    ("ssh://git@github.com:22/apple/swift-nio.git", "pkg:swift/github.com/apple/swift-nio@1.0.0"),
    ("git@github.com:apple/swift-nio.git", "pkg:swift/github.com/apple/swift-nio@1.0.0"),
    ("github.com:apple/swift-nio", "pkg:swift/github.com/apple/swift-nio@1.0.0"),
    ("https://github.com/groue/GRDB.swift", "pkg:swift/github.com/groue/GRDB.swift@1.0.0"),
    ("https://gitlab.example/a/b/c.git", "pkg:swift/gitlab.example/a/b/c@1.0.0"),
    ("https://github.com/apple/swift+nio", "pkg:swift/github.com/apple/swift%2Bnio@1.0.0"),
    ("https://github.com/only-owner", nil), ("https://github.com", nil), ("https:///apple/swift-nio", nil),
    ("/opt/mirror/apple/swift-nio", nil), ("file:///opt/mirror/apple/swift-nio", nil), ("../swift-nio", nil),
    ("https://github.com/apple/../swift-nio", nil), ("https://github.com/apple/swift-nio?x", nil),
    ("https://github.com/apple/swift nio", nil), ("", nil), ("https://github.com/apple/.git", nil),
  ]

  @Test(arguments: addresses) func normalisesAddresses(vector: (address: String, purl: String?)) {
    #expect(PackageURL.swift(vector.address, version: "1.0.0") == vector.purl)
  }

  @Test func writesDebianAndGenericURLs() {
    let system = OSRelease(id: "debian", version: "12", name: "Debian")
    let package = DebianPackage(
      name: "libstdc++6", version: "1:12.2.0-14+deb12u1~x", architecture: "amd64", source: "gcc-12", sourceVersion: "1")
    #expect(
      PackageURL.deb(package, on: system)
        == "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1~x?arch=amd64&distro=debian-12")
    #expect(PackageURL.generic("a b", version: "1/2") == "pkg:generic/a%20b@1%2F2")
    #expect(PackageURL.swift("https://github.com/a/b", version: nil) == "pkg:swift/github.com/a/b")
  }
}

@Suite struct LoaderOutputTests {
  @Test func readsWhatTheLoaderWrites() throws {
    let text = """
      \tlinux-vdso.so.1 (0x00007ffe)
      \tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f01)
      \tlibodd.so => /tmp/a folder (1)/libodd.so (0x00007f02)
      \t/lib64/ld-linux-x86-64.so.2 (0x00007f03)

      """
    let libraries = try SharedLibraries.parse(text)
    #expect(libraries.map(\.soname) == ["ld-linux-x86-64.so.2", "libodd.so", "libz.so.1"])
    #expect(libraries.map(\.path)[1] == "/tmp/a folder (1)/libodd.so")
    #expect(try SharedLibraries.parse("\tstatically linked\n").isEmpty)
    #expect(try SharedLibraries.parse("").isEmpty)
  }

  static let refused: [(text: String, code: String)] = [
    ("\tlibgone.so.1 => not found\n", "inventory.library-missing"),
    ("\tliba.so => /lib/liba.so\n", "inventory.ldd-output"),
    ("\tliba.so => liba.so (0x01)\n", "inventory.ldd-output"),
    ("\t => /lib/liba.so (0x01)\n", "inventory.ldd-output"),
    ("\tliba.so (0x01)\n", "inventory.ldd-output"),
    ("\tliba.so => /lib/liba.so (0xzz)\n", "inventory.ldd-output"),
    ("ldd: warning: something\n", "inventory.ldd-output"),
  ]

  @Test(arguments: refused) func refusesAnyOtherLine(vector: (text: String, code: String)) {
    let error = #expect(throws: Problem.self) { try SharedLibraries.parse(vector.text) }
    #expect(error?.code == vector.code)
  }

  @Test func asksTheRealLoader() async throws {
    let loaded = try await SharedLibraries.load("/bin/ls")
    #expect(loaded.contains { $0.soname == "libc.so.6" })
    let needed = try ELFFile(reading: "/bin/ls").needed
    #expect(needed.contains("libc.so.6"))
    #expect(Set(needed).isSubset(of: loaded.map(\.soname)))
  }
}

@Suite struct DebianTests {
  @Test func readsOwners() throws {
    let text = """
      libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6
      diversion by dash from: /bin/sh
      diversion by dash to: /bin/sh.distrib
      zeta, alpha:amd64: /usr/share/odd: name
      """
    let owners = try DebianDatabase.parse(owners: text)
    #expect(owners == ["/lib/x86_64-linux-gnu/libc.so.6": "libc6:amd64", "/usr/share/odd: name": "alpha:amd64"])
    for line in ["libc6", "libc6: relative", "a b: /x", ": /x"] {
      let error = #expect(throws: Problem.self) { try DebianDatabase.parse(owners: line) }
      #expect(error?.code == "inventory.dpkg-output")
    }
  }

  @Test func readsPackages() throws {
    let text = "installed b 1:2-3 amd64 src 2-3\nnot-installed c    \ninstalled a 1 all a 1\n"
    let packages = try DebianDatabase.parse(packages: text)
    #expect(packages.map(\.name) == ["a", "b"])
    #expect(packages[1].version == "1:2-3")
    for line in ["installed a 1 amd64 a", "installed  1 amd64 a 1", "installed a 1 amd64 a 1 more", "x"] {
      let error = #expect(throws: Problem.self) { try DebianDatabase.parse(packages: line) }
      #expect(error?.code == "inventory.dpkg-output")
    }
  }

  static let spellings: [(path: String, others: [String])] = [
    ("/usr/lib/x/a.so", ["/usr/lib/x/a.so", "/lib/x/a.so"]), ("/lib64/ld.so", ["/lib64/ld.so", "/usr/lib64/ld.so"]),
    ("/opt/swift/lib/a.so", ["/opt/swift/lib/a.so"]), ("/usr/libexec/a", ["/usr/libexec/a"]),
  ]

  @Test(arguments: spellings) func triesBothSpellings(vector: (path: String, others: [String])) {
    #expect(DebianDatabase.spellings(of: vector.path) == vector.others)
  }

  @Test func readsOSRelease() throws {
    let system = try OSRelease(parsing: "# x\nID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='Debian 12'\n")
    #expect(system.distro == "debian-12")
    #expect(system.name == "Debian 12")
    #expect(try OSRelease(parsing: "ID=arch\n").distro == "arch")
    #expect(throws: Problem.self) { try OSRelease(parsing: "NAME=x\n") }
  }
}

@Suite struct ToolchainTests {
  @Test func findsTheVersion() throws {
    #expect(try SwiftToolchain.version(in: "Swift version 6.3.1 (swift-6.3.1-RELEASE)") == "6.3.1")
    #expect(try SwiftToolchain.version(in: "Apple Swift version 6.4-dev (x)") == "6.4-dev")
    for text in ["", "Swift", "Swift version", "Swift version (x)"] {
      #expect(throws: Problem.self) { try SwiftToolchain.version(in: text) }
    }
  }
}
