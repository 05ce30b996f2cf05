import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A descriptor that handlers can hold, and close when they like.
package final class End {
    package let descriptor: FileDescriptor
    private var owned: OwnedFileDescriptor?

    package init(_ owned: consuming OwnedFileDescriptor) {
        descriptor = owned.descriptor
        self.owned = consume owned
    }

    /// A file with a few bytes in it, and no name any more.
    package static func regularFile() throws -> End {
        let path = "/tmp/reactor-conformance-\(ProcessID.current)-\(UInt64.random(in: 0 ... .max))"
        let file = End(try OwnedFileDescriptor.open(path, [.readWrite, .create, .exclusive], permissions: 0o600))
        unlink(path)
        try file.write("a few bytes")
        return file
    }

    package func close() {
        owned = nil
    }

    /// Puts another open file under the number, and so closes the one that had it.
    package func becomeDuplicate(of other: End) throws {
        try other.descriptor.duplicate(onto: descriptor)
    }

    package func write(_ text: String) throws {
        try descriptor.writeAll(text)
    }

    /// What one read gives; empty at the end of the stream.
    package func read(upTo count: Int = 65536) throws -> String {
        String(decoding: try descriptor.read(upTo: count), as: UTF8.self)
    }

    /// Writes until the kernel takes no more, and returns how many bytes it took.
    @discardableResult
    package func fill() throws -> Int {
        try descriptor.setBlocking(false)
        defer { try? descriptor.setBlocking(true) }
        var count = 0
        while let written = try writeBlock() { count += written }
        return count
    }

    /// `nil` when the kernel takes nothing.
    private func writeBlock() throws -> Int? {
        do {
            return try [UInt8](repeating: 0, count: 4096).withUnsafeBytes { try descriptor.write($0) }
        } catch let error as Errno where error == .resourceTemporarilyUnavailable {
            return nil
        }
    }
}

/// Two ends that are connected.
package struct Channel {
    /// The reading end of a pipe, or one of two sockets.
    package let near: End
    /// The writing end, or the other socket.
    package let far: End

    package init(near: End, far: End) {
        self.near = near
        self.far = far
    }

    /// Closes the far end, and waits until the near one has noticed: a process that another thread is just starting holds a copy of it
    /// until its exec.
    package func closeFar() throws {
        far.close()
        _ = try near.descriptor.wait(for: [], until: .after(.seconds(60)))
    }

    package static func pipe() throws -> Channel {
        let pipe = try Pipe()
        return Channel(near: End(pipe.readEnd), far: End(pipe.writeEnd))
    }

    package static func sockets() throws -> Channel {
        let pair = try SocketPair()
        return Channel(near: End(pair.first), far: End(pair.second))
    }
}

/// A duplicate under a number that nobody else in the process uses: after its end is closed, the number surely names
/// nothing, whatever the checks that run beside this one open.
package func duplicateAtPrivateNumber(_ descriptor: FileDescriptor) throws -> End {
    let limit = try ResourceLimit.current(.openFiles).soft
    let number = privateNumbers.withLock { count in
        count += 1
        return FileDescriptor(rawValue: min(CInt(clamping: limit ?? 8192), 8192) - count)
    }
    try descriptor.duplicate(onto: number)
    return End(OwnedFileDescriptor(owning: number.rawValue))
}

private let privateNumbers = Lock<CInt>(0)

/// Numbers that never name an open descriptor, the last one larger than any table of them.
package func unopenDescriptors() throws -> [FileDescriptor] {
    let end = try duplicateAtPrivateNumber(.standardError)
    end.close()
    return [FileDescriptor(rawValue: -1), end.descriptor, FileDescriptor(rawValue: .max)]
}

/// Counts, from any thread.
package final class Counter: Sendable {
    private let count = Lock(0)

    package init() {}

    package var value: Int { count.withLock { $0 } }

    package func add() {
        count.withLock { $0 += 1 }
    }
}

/// Work on a thread of its own, joined when its result is asked for or this value goes.
struct Background: ~Copyable {
    private let thread: Lock<Thread?>
    private let failure: Failure

    private final class Failure: Sendable {
        let error = Lock<(any Error)?>(nil)
    }

    init(_ body: @escaping @Sendable () throws -> Void) throws {
        let failure = Failure()
        self.failure = failure
        thread = Lock(
            try Thread(name: "check") {
                do { try body() } catch { failure.error.withLock { $0 = error } }
            })
    }

    /// Waits for the work to be done.
    func finish() throws {
        join()
        if let error = failure.error.withLock({ $0 }) { throw error }
    }

    private func join() {
        if let thread = thread.withLock({ $0.take() }) { thread.join() }
    }

    deinit {
        join()
    }
}

/// A generator with a seed, so that a failure can be had again. SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
