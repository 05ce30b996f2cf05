import FDPassing
import ProcessRoles
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A process's side of the tracker: the door that it shares with others, and a pipe of its own.
struct TrackerClient: ~Copyable {
    /// Where processes introduce themselves, and peers write lines; `nil` before the tracker was started.
    private(set) var door: OwnedFileDescriptor?
    /// Where this process's commands go, from the first on. A forked copy does not have it, and gets one of its own.
    private var pipe: ForkGuardedDescriptor?
    /// Of the process that has started the tracker.
    private(set) var keeper: TrackerKeeper?
    /// Whether the door is the pipe of a peer's tracker, which understands nothing but lines.
    private var isPeers = false

    /// Uses a tracker that another process answers for: one of this package's, or, by its pipe, CPython's or loky's.
    mutating func inherit(_ door: consuming OwnedFileDescriptor) {
        self = TrackerClient()
        isPeers = (try? door.descriptor.status())?.kind == .fifo
        self.door = consume door
    }

    mutating func startIfNeeded(
        _ settings: TrackerStart, onLeak: (@Sendable (LeakedResource) -> Void)?
    ) throws(ResourceTrackerError) {
        if door != nil { return }
        guard settings.executable != nil || ProcessRole.isBootstrapped else { throw .notBootstrapped }
        do throws(Errno) {
            let pair = try SocketPair()
            keeper = try TrackerKeeper(settings, door: pair.first, onLeak: onLeak)
            let outer = pair.second
            door = consume outer
        } catch {
            throw .system(error)
        }
    }

    func duplicateDoor() throws(Errno) -> OwnedFileDescriptor {
        switch door {
        case .some(let door): try door.duplicate()
        case .none: throw .badFileDescriptor
        }
    }

    /// Sends a command to a tracker that was started.
    mutating func send(_ operation: TrackerRecord.Operation, _ kind: ResourceKind, _ name: UnsafeRawBufferPointer)
        throws(Errno)
    {
        if isPeers { return try sendLine(operation, kind, name) }
        let size = TrackerRecord.size(kind, nameCount: name.count)
        try withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { record throws(Errno) in
            // In the order of their times, since a lock is held here.
            TrackerRecord.encode(operation, kind, name, time: TrackerRecord.now, into: record)
            let bytes = UnsafeRawBufferPointer(record)
            if let descriptor = pipe?.descriptor {
                do throws(Errno) {
                    return try descriptor.writeAll(bytes)
                } catch {
                    // The tracker could not keep this end, or is no more.
                    guard error == .brokenPipe else { throw error }
                }
            }
            try introduce()
            try pipe!.descriptor!.writeAll(bytes)
        }
    }

    private func sendLine(
        _ operation: TrackerRecord.Operation, _ kind: ResourceKind, _ name: UnsafeRawBufferPointer
    ) throws(Errno) {
        guard let line = PeerLine.line(operation, kind, name: Array(name)) else { throw .notSupported }
        guard line.count <= PeerLine.longest else { throw .nameTooLong }
        switch door {
        case .some(let door): try door.descriptor.writeAll(line)
        case .none: throw .badFileDescriptor
        }
    }

    /// Makes a pipe, and passes its other end through the door.
    private mutating func introduce() throws(Errno) {
        pipe = nil
        let channel = try Pipe()
        let line = PeerLine.attachment(of: ProcessID.current.rawValue)
        switch door {
        case .some(let door): try door.descriptor.send(line, passing: [channel.readEnd.descriptor])
        case .none: throw .badFileDescriptor
        }
        let writeEnd = channel.writeEnd
        pipe = try ForkGuardedDescriptor(writeEnd)
    }
}

extension ResourceKind {
    /// A name as the tracker, which has another working directory, understands it.
    func resolved(_ name: [UInt8]) throws(ResourceTrackerError) -> [UInt8] {
        func invalid(_ reason: String) -> ResourceTrackerError {
            .invalidName(String(decoding: name, as: UTF8.self), reason: reason)
        }
        if name.isEmpty { throw invalid("it is empty") }
        if builtin != .custom, name.contains(0) { throw invalid("it holds a zero byte") }
        var name = name
        if isPath, name[0] != UInt8(ascii: "/") {
            guard let path = getcwd(nil, 0) else { throw .system(.current) }
            defer { free(path) }
            name = String(cString: path).utf8 + [UInt8(ascii: "/")] + name
        }
        if name.count > TrackerRecord.longestName {
            throw invalid("it has more than \(TrackerRecord.longestName) bytes")
        }
        if builtin == .directory, name.allSatisfy({ $0 == UInt8(ascii: "/") }) { throw invalid("it is everything") }
        return name
    }
}
