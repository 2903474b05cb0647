import QQProtocol
import Testing

@Suite struct TreeHashTests {
  @Test(
    "a digest is SHA-256: the vectors of FIPS 180-4",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
  func digest(_ text: String, _ hex: String) {
    let digest = Digest(of: Array(text.utf8))
    #expect(digest.description == hex)
    #expect(Digest(hex) == digest)
    #expect(Digest(hex.uppercased()) == digest)
    #expect(digest.bytes.withUnsafeBytes { Digest(raw: $0) } == digest)
    #expect(Digest(hex.dropLast()) == nil)
    #expect(Digest(hex.dropLast() + "g") == nil)
  }

  @Test("the hash of a file is SHA-256 over its length and its chunks' hashes")
  func tree() {
    // printf '\0\0\0\0\0\0\0\0' | sha256sum
    #expect(
      TreeHasher().hash.description
        == "qq-tree-sha256:af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc")
    var hasher = TreeHasher()
    hasher.add(Digest(of: Array("abc".utf8)), size: 3)
    let expected = [0, 0, 0, 0, 0, 0, 0, 3] + Digest(of: Array("abc".utf8)).bytes
    #expect(hasher.hash == TreeHash(Digest(of: expected)))
    #expect(TreeHash(hasher.hash.description) == hasher.hash)
    #expect(TreeHash("sha256:" + hasher.hash.digest.description) == nil)
  }

  @Test("the first chunks have a hash of their own, and what comes after can be forgotten")
  func prefixes() {
    var hasher = TreeHasher()
    var hashes = [hasher.hash]
    for index in 0..<3 {
      hasher.add(Digest(of: [UInt8(index)]), size: index == 2 ? 5 : Chunk.size)
      hashes.append(hasher.hash)
    }
    let size = Int64(Chunk.size)
    #expect(hasher.hash(ofFirst: 0) == hashes[0])
    #expect(hasher.hash(ofFirst: size) == hashes[1])
    #expect(hasher.hash(ofFirst: 2 * size) == hashes[2])
    #expect(hasher.hash(ofFirst: 2 * size + 5) == hashes[3])
    #expect(hasher.hash(ofFirst: 2 * size + 4) == nil)
    #expect(hasher.hash(ofFirst: 3 * size) == nil)
    #expect(hasher.hash(ofFirst: -size) == nil)
    #expect(hasher.chunk(at: size) == Digest(of: [1]))
    #expect(hasher.chunk(at: 3 * size) == nil)
    hasher.truncate(to: size)
    #expect(hasher.length == size)
    #expect(hasher.hash == hashes[1])
    hasher.truncate(to: 3 * size)
    #expect(hasher.length == size)
  }
}
