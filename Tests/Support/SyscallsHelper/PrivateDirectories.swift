import Glibc
import Syscalls
import TestSupport

let directoryCommands: HelperCommands = [
    // Prints where it was made, and removes it.
    "private-directory": {
        let path = try createPrivateDirectory(named: "forkserver-test")
        let parent = String(path[..<path.lastIndex(of: "/")!])
        checkEqual(rmdir(path), 0)
        try FileDescriptor.standardOutput.writeAll(parent)
    }
]
