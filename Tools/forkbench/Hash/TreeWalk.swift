import Syscalls

/// The files that some paths stand for: themselves, and in directories all regular files below.
struct TreeWalk {
    private var files: [[UInt8]] = []
    /// What could not be looked into, and why.
    private(set) var errors: [String] = []

    /// In the order of their bytes, as `LC_ALL=C sort` has it.
    var sortedFiles: [[UInt8]] { files.sorted { $0.lexicographicallyPrecedes($1) } }

    /// Adds what a path from the command line stands for; links are followed, as `sha256sum` does.
    mutating func add(_ path: [UInt8]) {
        if path == [UInt8(ascii: "-")] { return files.append(path) }
        do throws(Errno) {
            let directory = try OwnedFileDescriptor.open(path, [.readOnly, .directory])
            addTree(path, directory)
        } catch .notDirectory {
            files.append(path)
        } catch {
            fail(path, error)
        }
    }

    /// Adds the regular files of a directory and of those below; links are not followed there, as `find -type f`.
    private mutating func addTree(_ path: [UInt8], _ directory: consuming OwnedFileDescriptor) {
        // Depth is bounded by memory, not by the stack or the limit of open descriptors: one directory is open at a time.
        var waiting = read(path, directory)
        while let next = waiting.popLast() {
            do throws(Errno) {
                let directory = try OwnedFileDescriptor.open(next, [.readOnly, .directory, .noFollow])
                waiting += read(next, directory)
            } catch {
                fail(next, error)
            }
        }
    }

    /// Adds a directory's files; returns the directories in it.
    private mutating func read(_ path: [UInt8], _ directory: consuming OwnedFileDescriptor) -> [[UInt8]] {
        let slash = UInt8(ascii: "/")
        let prefix = path.last == slash ? path : path + [slash]
        var directories: [[UInt8]] = []
        do throws(Errno) {
            for entry in try directory.descriptor.entriesOfDirectory() {
                let path = prefix + entry.name
                var kind = entry.kind
                if kind == .unknown { kind = try FileStatus(ofFileAt: path, followLinks: false).kind }
                if kind == .regular { files.append(path) }
                if kind == .directory { directories.append(path) }
            }
        } catch {
            fail(path, error)
        }
        return directories
    }

    private mutating func fail(_ path: [UInt8], _ error: Errno) {
        errors.append("\(String(decoding: path, as: UTF8.self)): \(error)")
    }
}
