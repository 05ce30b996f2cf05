import Syscalls

/// The secret that both peers know; CPython's `authkey`.
///
/// Its bytes are overwritten when the key goes. They never leave it but through ``withBytes(_:)``.
public final class AuthenticationKey: @unchecked Sendable {
    // Sound: changed by nobody but `deinit`, when nobody else has the key any more. The array is never given out, so that
    // it stays the only one with these bytes, which `wipe` asks for.
    private var bytes: [UInt8]
    /// Prepared once, because taking in the key is half of what a code for a message as short as a challenge costs.
    private var sha256: HMAC<SHA256>

    /// The most bytes that a key file may have.
    public static var maximumFileSize: Int { 4096 }

    private init(owning bytes: [UInt8]) {
        sha256 = HMAC(key: bytes)
        self.bytes = bytes
    }

    deinit {
        wipe(&bytes)
        wipe(&sha256)
    }

    /// A key of some bytes, of which it makes a copy; overwriting the others is the caller's.
    ///
    /// - Parameter bytes: Any number of them, from a good random generator; more than 64 gain nothing.
    /// - Throws: `AuthenticationError.emptyKey`.
    public convenience init(_ bytes: [UInt8]) throws(AuthenticationError) {
        guard !bytes.isEmpty else { throw .emptyKey }
        self.init(owning: bytes.withUnsafeBufferPointer(Array.init))
    }

    /// A key of 32 random bytes.
    ///
    /// - Throws: `AuthenticationError.system`, if the kernel has no random generator.
    public static func random() throws(AuthenticationError) -> AuthenticationKey {
        do throws(Errno) {
            return AuthenticationKey(owning: try randomBytes(32))
        } catch {
            throw .system(error)
        }
    }

    /// The key in a file: all of its bytes, a newline at the end included.
    ///
    /// - Throws: `AuthenticationError.exposedKeyFile` when its group or others may do anything with it, `.emptyKey`,
    ///   `.keyFileTooLarge`, and `.unreadableKeyFile`.
    public convenience init(contentsOfFileAt path: String) throws(AuthenticationError) {
        func reading<Result: ~Copyable>(
            _ body: () throws(Errno) -> Result
        ) throws(AuthenticationError) -> Result {
            do throws(Errno) { return try body() } catch { throw .unreadableKeyFile(path: path, error) }
        }
        let file = try reading { () throws(Errno) in try OwnedFileDescriptor.open(path, .readOnly) }
        // Of the file that is open, and not of the path, which may lead to another one by now.
        let permissions = try reading { () throws(Errno) in UInt32(try file.descriptor.status().permissions) }
        guard permissions & 0o077 == 0 else { throw .exposedKeyFile(path: path, permissions: permissions) }

        var contents = [UInt8](repeating: 0, count: Self.maximumFileSize + 1)
        defer { wipe(&contents) }
        var count = 0
        while count < contents.count {
            let part = try reading { () throws(Errno) in
                try contents.withUnsafeMutableBufferPointer { contents throws(Errno) in
                    let rest = UnsafeMutableBufferPointer(rebasing: contents[count...])
                    return try file.descriptor.read(into: UnsafeMutableRawBufferPointer(rest))
                }
            }
            if part == 0 { break }
            count += part
        }
        guard count <= Self.maximumFileSize else { throw .keyFileTooLarge(path: path, limit: Self.maximumFileSize) }
        guard count > 0 else { throw .emptyKey }
        self.init(owning: contents[..<count].withUnsafeBufferPointer(Array.init))
    }

    /// Lets `body` see the bytes, to hand them to a peer in a safe way. Copies made of them are the caller's to overwrite.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = bytes
        return try body(bytes.span.bytes)
    }

    /// The HMAC of a message under this key.
    func authenticationCode(for message: ArraySlice<UInt8>, by digest: DigestAlgorithm) -> [UInt8] {
        guard digest == .sha256 else { return digest.authenticationCode(for: Array(message), key: bytes) }
        var code = sha256
        code.update(message.span.bytes)
        return code.finalize()
    }
}

extension AuthenticationKey: CustomReflectable {
    /// Without the bytes, which have no place in logs.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
