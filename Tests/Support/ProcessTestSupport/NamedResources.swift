import Syscalls
import TestSupport

/// Names of a segment and a semaphore that nobody else uses. Whatever is left of them goes with this value.
public final class ResourceNames: Sendable {
    public let segment: String
    public let semaphore: String

    public init() throws {
        let name = "/swift-forkserver-test-\(try randomName())"
        segment = name + "-segment"
        semaphore = name + "-semaphore"
    }

    public var hasSegment: Bool { exists("/dev/shm" + segment) }
    public var hasSemaphore: Bool { exists("/dev/shm/sem." + semaphore.dropFirst()) }

    deinit {
        try? SharedMemory.unlink(segment)
        try? NamedSemaphore.unlink(semaphore)
    }
}
