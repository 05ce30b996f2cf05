import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// The format of CPython's multiprocessing.reduction (sendfds, recvfds): one byte of data, the number of descriptors
// modulo 256, beside one SCM_RIGHTS message. On macOS, and there only, the receiver answers each with the byte `A`.

extension FileDescriptor {
    /// Sends descriptors over a Unix stream socket, in CPython's format.
    ///
    /// - Parameter descriptors: Any number; they travel in messages of at most `maximumDescriptorsPerMessage`, and stay
    ///   the caller's. CPython receives no more than that at once.
    ///
    /// Blocks while the socket is full. The corresponding C function is `sendmsg`.
    public func sendDescriptors(_ descriptors: [FileDescriptor]) throws(FDPassingError) {
        var rest = descriptors.span
        repeat {
            let part = rest.extracting(first: maximumDescriptorsPerMessage)
            rest = rest.extracting(droppingFirst: part.count)
            do throws(Errno) {
                try sendMessage(part)
            } catch {
                throw .system(error)
            }
            #if canImport(Darwin)
                do throws(Errno) {
                    guard try read(upTo: 1) == [UInt8(ascii: "A")] else { throw FDPassingError.notAcknowledged }
                } catch {
                    throw .system(error)
                }
            #endif
        } while !rest.isEmpty
    }

    private func sendMessage(_ descriptors: Span<FileDescriptor>) throws(Errno) {
        let countByte: InlineArray = [UInt8(truncatingIfNeeded: descriptors.count)]
        _ = try send(countByte.span.bytes, passing: descriptors)
    }

    /// Receives descriptors from a Unix stream socket, in CPython's format.
    ///
    /// - Parameter count: How many are expected. Exactly as many must come.
    /// - Returns: The descriptors, owned and close-on-exec, in the order in which they were sent.
    /// - Throws: `FDPassingError`; every descriptor that had arrived is closed then.
    ///
    /// The corresponding C function is `recvmsg`.
    public func receiveDescriptors(_ count: Int) throws(FDPassingError) -> DescriptorBatch {
        var batch = DescriptorBatch()
        repeat {
            let expected = min(count - batch.count, maximumDescriptorsPerMessage)
            batch.append(contentsOf: try receiveDescriptorMessage(expecting: expected))
        } while batch.count < count
        return batch
    }

    /// Receives the descriptors of one message, in CPython's format.
    ///
    /// - Parameter expected: How many must come; `nil` is as many as the message says.
    /// - Throws: `FDPassingError`; every descriptor that had arrived is closed then.
    package func receiveDescriptorMessage(expecting expected: Int? = nil) throws(FDPassingError) -> DescriptorBatch {
        var batch = DescriptorBatch()
        var countByte: UInt8 = 0
        let received = try withUnsafeMutableBytes(of: &countByte) { byte throws(FDPassingError) in
            try receive(into: byte, descriptors: &batch, limit: maximumDescriptorsPerMessage)
        }
        if received == 0 { throw .endOfStream }
        #if canImport(Darwin)
            do throws(Errno) { try writeAll([UInt8(ascii: "A")]) } catch { throw .system(error) }
        #endif
        let arrived = batch.count
        guard arrived == expected ?? arrived, Int(countByte) == arrived % 256 else {
            throw .wrongCount(expected: expected ?? Int(countByte), arrived: arrived)
        }
        return batch
    }
}
