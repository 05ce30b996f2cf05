import Syscalls
import TestSupport

/// Who closes what and when: counted in a process where nobody else opens and closes.
let ownershipCommands: HelperCommands = [
    "ownership": {
        try checkKeepsDescriptors {
            let number: CInt
            do {
                let owned = try OwnedFileDescriptor.open("/dev/null", .readOnly)
                number = owned.descriptor.rawValue
                check(owned.descriptor.isOpen, "it is closed within its scope")
                // The last use is before this; the scope is not over.
                check(FileDescriptor(rawValue: number).isOpen, "it is closed after its last use in a scope")
                _ = owned.descriptor
            }
            check(!FileDescriptor(rawValue: number).isOpen, "it is open after its scope")
        }
        try checkKeepsDescriptors {
            let owned = try OwnedFileDescriptor.open("/dev/null", .readOnly)
            let borrowed = owned.descriptor
            try owned.close()
            check(!borrowed.isOpen, "it is open after close")
            // Were it closed twice, this one would go with it.
            let next = try OwnedFileDescriptor.open("/dev/null", .readOnly)
            checkEqual(next.descriptor, borrowed)
            check(borrowed.isOpen, "the next of the same number is closed")
        }
        try checkKeepsDescriptors {
            let number = try OwnedFileDescriptor.open("/dev/null", .readOnly).take()
            check(FileDescriptor(rawValue: number).isOpen, "it is closed after take")
            _ = OwnedFileDescriptor(owning: number)
            check(!FileDescriptor(rawValue: number).isOpen, "an owner that is dropped does not close")
        }
    },
    "close-reports": {
        // Closed behind the owner's back.
        let owned = try OwnedFileDescriptor.open("/dev/null", .readOnly)
        _ = OwnedFileDescriptor(owning: owned.descriptor.rawValue)
        do throws(Errno) {
            try owned.close()
            fail("a failed close was not reported")
        } catch {
            checkEqual(error, .badFileDescriptor)
        }
    },
    "duplicate-onto": {
        let pipe = try Pipe()
        let file = try OwnedFileDescriptor.open("/dev/null", .writeOnly)
        let writer = pipe.writeEnd.descriptor
        try file.descriptor.duplicate(onto: writer)
        checkEqual(try writer.status().identity, try file.descriptor.status().identity)
        check(try !writer.isCloseOnExec(), "it is close-on-exec")
        // What it stood for is closed.
        checkEqual(try pipe.readEnd.descriptor.wait(for: .readable, until: .generous), .hangUp)
        // A number that stood for nothing, a descriptor onto itself, and one that is not open.
        let free = FileDescriptor(rawValue: 77)
        check(!free.isOpen, "it is open")
        try pipe.readEnd.descriptor.duplicate(onto: free)
        let owned = OwnedFileDescriptor(owning: free.rawValue)
        checkEqual(try owned.descriptor.status().identity, try pipe.readEnd.descriptor.status().identity)
        try owned.descriptor.duplicate(onto: owned.descriptor)
        check(owned.descriptor.isOpen, "it is closed")
        checkThrows(Errno.badFileDescriptor) { try FileDescriptor(rawValue: 78).duplicate(onto: free) }
        checkEqual(try owned.descriptor.status().identity, try pipe.readEnd.descriptor.status().identity)
    },
    "failed-calls-keep-nothing": {
        let directory = try TemporaryDirectory()
        try checkKeepsDescriptors {
            checkThrows(Errno.noSuchFileOrDirectory) {
                try OwnedFileDescriptor.connect(to: try SocketAddress(unixPath: directory.file("nobody")))
            }
            checkThrows(Errno.noSuchFileOrDirectory) {
                try ProcessID.spawn(directory.file("nothing"), SpawnOptions(arguments: ["nothing"]))
            }
            checkThrows(Errno.invalidArgument) { try SharedMemory(anonymous: "negative", size: -1) }
            checkThrows(Errno.noSuchFileOrDirectory) { try SharedMemory(opening: "/forkserver-test-missing") }
            checkThrows(Errno.noSuchFileOrDirectory) { try NamedSemaphore(opening: "/forkserver-test-missing") }
        }
    },
    "failed-shared-memory-keeps-no-name": {
        let name = "/forkserver-test-\(try randomName())"
        try checkKeepsDescriptors {
            checkThrows(Errno.invalidArgument) { try SharedMemory(creating: name, size: -1) }
            checkThrows(Errno.noSuchFileOrDirectory) { try SharedMemory(opening: name) }
        }
    },
    "spawn-keeps-nothing": {
        let path = executableDirectory + "/SyscallsHelper"
        try checkKeepsDescriptors {
            var options = SpawnOptions(arguments: [path, "exit", "4"])
            options.descriptors[9] = .standardInput
            checkEqual(try ProcessID.spawn(path, options).wait(), .exited(4))
        }
    },
]
