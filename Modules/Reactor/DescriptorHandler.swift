import Syscalls

/// Who is told what becomes of a descriptor. Every call comes on the reactor's thread.
///
/// The reactor holds it for as long as the descriptor is watched.
public protocol DescriptorHandler: AnyObject {
    /// The descriptor is not watched in this direction any more, because of a failure: what the handler itself has thrown,
    /// or the kernel.
    ///
    /// Told once for each direction: the other one goes on being watched, as a half-closed connection wants it, until it
    /// fails too or is removed. The descriptor is still its owner's to close.
    /// - Parameters:
    ///   - direction: `.readable` or `.writable`.
    ///   - reason: What was thrown; `Errno.badFileDescriptor` for one that was closed without being removed.
    func disconnected(from direction: Interest, because reason: any Error)

    /// The reactor's `run` is about to return. The descriptor is watched again by the next one, unless it is removed.
    func reactorStopped()
}

extension DescriptorHandler {
    public func reactorStopped() {}
}

/// Who reads a descriptor.
public protocol ReadHandler: DescriptorHandler {
    /// The descriptor is readable, has hung up or is in error: reading tells which.
    ///
    /// - Throws: Whatever is a reason not to read any more, such as `EndOfStream`. The reactor goes on without this reader.
    func readable(_ readiness: Readiness) throws
}

/// Who writes to a descriptor.
public protocol WriteHandler: DescriptorHandler {
    /// The descriptor is writable, has hung up or is in error: writing tells which.
    ///
    /// - Throws: Whatever is a reason not to write any more. The reactor goes on without this writer.
    func writable(_ readiness: Readiness) throws
}

/// The stream has ended as streams do: a reason not to read any more, and no failure to report.
public struct EndOfStream: Error, Hashable {
    public init() {}
}

/// What became of a handler that is a closure: it has thrown, or its descriptor was closed without being removed.
public struct HandlerFailure: Error, CustomStringConvertible {
    public let descriptor: FileDescriptor
    /// `.readable` or `.writable`.
    public let direction: Interest
    public let reason: any Error

    public var description: String {
        "\(descriptor) is not watched for \(direction == .readable ? "reading" : "writing") any more: \(reason)"
    }
}

/// A handler that is no more than a closure. Its failures are the reactor's to report.
final class ClosureHandler: ReadHandler, WriteHandler {
    private let body: (Readiness) throws -> Void

    init(_ body: @escaping (Readiness) throws -> Void) {
        self.body = body
    }

    func readable(_ readiness: Readiness) throws { try body(readiness) }
    func writable(_ readiness: Readiness) throws { try body(readiness) }
    func disconnected(from direction: Interest, because reason: any Error) {}
}
