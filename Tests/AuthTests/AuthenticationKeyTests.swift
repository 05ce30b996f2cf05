import Auth
import Syscalls
import Testing

@Suite("Authentication keys")
struct AuthenticationKeyTests {
    @Test("a key without bytes is refused")
    func empty() {
        #expect(throws: AuthenticationError.emptyKey) { try AuthenticationKey([]) }
    }

    @Test("random keys have 32 bytes and differ")
    func random() throws {
        let keys = try (0..<8).map { _ in try AuthenticationKey.random().withBytes { Array($0) } }
        #expect(Set(keys).count == keys.count)
        #expect(keys.allSatisfy { $0.count == 32 })
    }

    @Test("a key in a file is all of the file, a newline at the end included")
    func file() throws {
        let directory = try TemporaryDirectory()
        for (name, permissions) in [("private", 0o600), ("read-only", 0o400)] as [(String, UInt16)] {
            let path = try directory.write(Array("secret\n".utf8), to: name, permissions: .init(permissions))
            let key = try AuthenticationKey(contentsOfFileAt: path)
            #expect(key.withBytes { Array($0) } == Array("secret\n".utf8))
        }
    }

    @Test(
        "a key file that others have access to is refused, with its permissions",
        arguments: [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610] as [UInt16])
    func exposedFile(permissions: UInt16) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(Array("secret".utf8), to: "key", permissions: .init(permissions))
        let error = AuthenticationError.exposedKeyFile(path: path, permissions: UInt32(permissions))
        #expect(throws: error) { try AuthenticationKey(contentsOfFileAt: path) }
        #expect("\(error)".contains(path) && "\(error)".contains(String(permissions, radix: 8)))
    }

    @Test("a key file that is empty, missing, too large or a directory is refused, each in its way")
    func unusableFile() throws {
        let directory = try TemporaryDirectory()
        let empty = try directory.write([], to: "empty", permissions: 0o600)
        #expect(throws: AuthenticationError.emptyKey) { try AuthenticationKey(contentsOfFileAt: empty) }

        let limit = AuthenticationKey.maximumFileSize
        let large = try directory.write(.init(repeating: 1, count: limit + 1), to: "large", permissions: 0o600)
        #expect(throws: AuthenticationError.keyFileTooLarge(path: large, limit: limit)) {
            try AuthenticationKey(contentsOfFileAt: large)
        }
        let largest = try directory.write(.init(repeating: 1, count: limit), to: "largest", permissions: 0o600)
        #expect(try AuthenticationKey(contentsOfFileAt: largest).withBytes { $0.byteCount } == limit)

        let missing = "\(directory.path)/missing"
        #expect(throws: AuthenticationError.unreadableKeyFile(path: missing, .noSuchFileOrDirectory)) {
            try AuthenticationKey(contentsOfFileAt: missing)
        }
        #expect(throws: AuthenticationError.unreadableKeyFile(path: directory.path, .isDirectory)) {
            try AuthenticationKey(contentsOfFileAt: directory.path)
        }
    }

    @Test("a key takes a copy: the caller's bytes outlive it")
    func copy() throws {
        let bytes = pseudoRandomBytes(count: 32, seed: 1)
        do {
            let key = try AuthenticationKey(bytes)
            #expect(key.withBytes { Array($0) } == bytes)
        }
        #expect(bytes == pseudoRandomBytes(count: 32, seed: 1))
    }

    @Test("printing or dumping a key does not show its bytes")
    func printing() throws {
        let key = try AuthenticationKey([201, 202, 203])
        var text = "\(key) \(String(reflecting: key))"
        dump(key, to: &text)
        #expect(!text.contains("201"))
    }

    #if os(Linux)
        @Test("nothing of a key is left in memory when it has gone")
        func wiping() throws {
            let count = 50_000
            // Before the key, or it would get the key's memory afterwards.
            var bytes = [UInt8](repeating: 0, count: count)
            let (address, copy) = try {
                let key = try AuthenticationKey(pseudoRandomBytes(count: count, seed: 2))
                return key.withBytes { bytes in
                    (bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress!) }, Array(bytes))
                }
            }()
            // The memory is not ours any more, so that the kernel has to read it. What is not there now is gone, too.
            let memory = try OwnedFileDescriptor.open("/proc/self/mem", .readOnly)
            _ = try? bytes.withUnsafeMutableBytes { try memory.descriptor.read(into: $0, at: Int64(address)) }
            let kept = zip(bytes, copy).count { $0 == $1 }
            // By chance one in 256 agrees with what is there now.
            #expect(kept < count / 10)
        }
    #endif
}

extension Array where Element == UInt8 {
    /// The bytes of a span.
    init(_ span: RawSpan) {
        self = span.withUnsafeBytes { Array($0) }
    }
}
