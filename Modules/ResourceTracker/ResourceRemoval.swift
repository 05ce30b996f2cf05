import ProcessRoles
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension ResourceKind {
    /// Whether removing one may take long, or run code that is not the tracker's: not to be done between two commands.
    var takesProcess: Bool {
        switch builtin {
        case .directory, .custom: true
        case .semaphore, .sharedMemory, .file, .unixSocket, .processGroup: false
        }
    }

    /// Removes a resource. That it is gone already is no error.
    func remove(_ name: [UInt8]) throws {
        do throws(Errno) {
            switch builtin {
            case .semaphore: try checked(sem_unlink(cString(name)))
            case .sharedMemory: try checked(shm_unlink(cString(name)))
            case .file: try checked(unlink(cString(name)))
            case .unixSocket:
                guard try FileStatus(ofFileAt: name, followLinks: false).kind == .socket else { throw .notSocket }
                try checked(unlink(cString(name)))
            case .directory: try DirectoryRemoval.remove(name)
            case .processGroup: try ProcessGroupName(name).kill()
            case .custom: break
            }
        } catch {
            guard error == .noSuchFileOrDirectory else { throw error }
        }
        guard builtin == .custom else { return }
        guard let type = TypeName.type(named: typeName) as? any CustomResource.Type else {
            throw UnknownCustomResource(typeName: typeName)
        }
        try type.remove(name)
    }
}

/// The tracker's executable does not have the type.
private struct UnknownCustomResource: Error, CustomStringConvertible {
    let typeName: String
    var description: String {
        "the tracker's executable has no custom resource of the type \(typeName): put it into a library that both link"
    }
}

/// How a process group is called: its number and, where the kernel tells, when its leader started, so that the number's
/// next holder is not taken for it.
struct ProcessGroupName {
    let number: Int32
    let leaderStart: String?

    /// - Throws: `.invalidArgument` for what is no number of a group that one could mean to kill.
    init(_ name: [UInt8]) throws(Errno) {
        let parts = String(decoding: name, as: UTF8.self).split(separator: "@", omittingEmptySubsequences: false)
        // 0 and 1 mean other things to kill(2).
        guard (1...2).contains(parts.count), let number = Int32(parts[0]), number > 1 else { throw .invalidArgument }
        self.number = number
        leaderStart = parts.count == 2 ? String(parts[1]) : nil
    }

    init(_ group: ProcessID) {
        number = group.rawValue
        leaderStart = Self.startTime(of: group.rawValue)
    }

    var text: String { leaderStart.map { "\(number)@\($0)" } ?? "\(number)" }

    func kill() throws(Errno) {
        // Its own group may be that of the program and of the shell.
        if number == getpgrp() { throw .notPermitted }
        // The kernel keeps a number from others for as long as the group has members, also without its leader.
        if let leaderStart, let now = Self.startTime(of: number), now != leaderStart { return }
        do throws(Errno) {
            try checked(killpg(number, SIGKILL))
        } catch {
            guard error == .noSuchProcess else { throw error }
        }
    }

    /// Field 22 of `/proc/PID/stat`; `nil` when there is no such process, or no such file.
    private static func startTime(of process: Int32) -> String? {
        guard let file = try? OwnedFileDescriptor.open("/proc/\(process)/stat", .readOnly),
            let bytes = try? file.descriptor.readToEnd(),
            // The name before it is in parentheses and may hold anything.
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        return fields.count > 19 ? String(decoding: fields[19], as: UTF8.self) : nil
    }
}
