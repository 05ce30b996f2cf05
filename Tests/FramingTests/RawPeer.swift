import Framing
import Syscalls

/// A connection whose other end a test writes to and reads from by itself.
struct RawPeer: ~Copyable {
    let connection: Connection
    let end: OwnedFileDescriptor

    init(descriptorLimit: Int = 0) throws {
        let pair = try SocketPair()
        connection = Connection(pair.first, descriptorLimit: descriptorLimit)
        end = pair.second
    }

    /// The reading end of a pipe as a connection.
    static func readingPipe() throws -> RawPeer {
        let pipe = try Pipe()
        return RawPeer(Connection(pipe.readEnd, writable: false), pipe.writeEnd)
    }

    /// The writing end of a pipe as a connection.
    static func writingPipe() throws -> RawPeer {
        let pipe = try Pipe()
        return RawPeer(Connection(pipe.writeEnd, readable: false), pipe.readEnd)
    }

    private init(_ connection: Connection, _ end: consuming OwnedFileDescriptor) {
        self.connection = connection
        self.end = end
    }

    func write(_ bytes: [UInt8]) throws { try end.descriptor.writeAll(bytes) }

    /// Fills what the kernel keeps for the reader, so that nothing more can be sent; returns how much that was.
    func fillUp() throws -> Int {
        try connection.withDescriptor { descriptor throws(FramingError) in
            do throws(Errno) {
                try descriptor.setBlocking(false)
                var filled = 0
                for chunk in [65536, 1] {
                    let bytes = [UInt8](repeating: 0, count: chunk)
                    do throws(Errno) {
                        while true {
                            filled += try bytes.withUnsafeBytesTyped { bytes throws(Errno) in
                                try descriptor.write(bytes)
                            }
                        }
                    } catch .resourceTemporarilyUnavailable {}
                }
                try descriptor.setBlocking(true)
                return filled
            } catch {
                throw .system(error)
            }
        }
    }
}

extension Connection {
    /// Receives into an array's elements from `offset` on.
    func receive(
        intoArray buffer: inout [UInt8], offset: Int = 0, limit: Int = .max, until deadline: Deadline? = nil
    ) throws(FramingError) -> Int {
        var elements = buffer.mutableSpan
        var bytes = elements.mutableBytes
        return try receive(into: &bytes, offset: offset, limit: limit, until: deadline)
    }
}

/// What a call gives; `nil` when its deadline passed first.
func unlessTimedOut<Result>(_ call: () throws(FramingError) -> Result) throws(FramingError) -> Result? {
    do throws(FramingError) {
        return try call()
    } catch {
        if error == .timedOut { return nil }
        throw error
    }
}

extension Array where Element == UInt8 {
    fileprivate func withUnsafeBytesTyped<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeBufferPointer { buffer throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
