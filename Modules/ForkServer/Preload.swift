import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Something that the fork server does once, before it forks, so that every child finds it done: a table computed, a
/// file read, a library warmed up. What it leaves in memory and which descriptors it opens, every child has.
///
/// It must not start threads, nor use Dispatch or Swift Concurrency: the server checks and refuses to serve.
public protocol Preload: Codable, Sendable {
    /// Runs in the server.
    func load() throws
}

/// Loads a shared library. See dlopen(3).
public struct SharedLibraryPreload: Preload {
    /// As dlopen(3) looks for it: with a slash a path, without one a name in the library path.
    public let name: String

    /// A library to be loaded.
    public init(_ name: String) {
        self.name = name
    }

    /// Loads it and binds all of its symbols, so that children need not. The corresponding C function is `dlopen`.
    public func load() throws {
        guard dlopen(name, RTLD_NOW | RTLD_GLOBAL) != nil else {
            throw LoadingError(reason: String(cString: dlerror()))
        }
    }

    /// Why a library could not be loaded, as the loader says it.
    public struct LoadingError: Error, CustomStringConvertible {
        let reason: String

        /// The reason.
        public var description: String { reason }
    }
}

/// Reads a file into the system's memory and maps it, so that children that read it find it there. See mmap(2).
public struct MappedFilePreload: Preload {
    /// The file's path.
    public let path: String

    /// A file to be mapped.
    public init(_ path: String) {
        self.path = path
    }

    /// Maps the file for reading and has its pages read. The corresponding C function is `mmap`.
    public func load() throws {
        let file = try OwnedFileDescriptor.open(path, .readOnly)
        let size = Int(try file.descriptor.status().size)
        // An empty file cannot be mapped, and need not.
        guard size > 0 else { return }
        #if os(Linux)
            let flags = MAP_SHARED | CInt(MAP_POPULATE)
        #else
            let flags = MAP_SHARED
        #endif
        guard mmap(nil, size, PROT_READ, flags, file.descriptor.rawValue, 0) != MAP_FAILED else { throw Errno.current }
    }
}
