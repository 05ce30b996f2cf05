import Syscalls
import TestSupport

let forkCommands: HelperCommands = [
    "fork": {
        var kqueue: TestedKqueue? = try TestedKqueue()
        let pipe = try Pipe()
        let (readEnd, writeEnd) = (pipe.readEnd.descriptor, pipe.writeEnd.descriptor)
        checkEqual(try kqueue!.look(KernelEvent(readEnd, .read, .add), KernelEvent(1, .user, [.add, .clear])), [])
        let child = try forkChild {
            checkThrows(Errno.badFileDescriptor) { try kqueue!.look() }
            checkThrows(Errno.badFileDescriptor) {
                try kqueue!.look(KernelEvent(readEnd, .read, .delete), KernelEvent(1, .user, fflags: .trigger))
            }
            let own = try TestedKqueue()
            checkEqual(try own.look(KernelEvent(readEnd, .read, .add)), [])
            kqueue = nil
            try writeEnd.writeAll("x")
            checkEqual(try own.look().count, 1)
        }
        try checkSucceeds(child)
        checkEqual(try kqueue!.look(), [KernelEvent(readEnd, .read, data: 1)])
        checkEqual(
            try kqueue!.look(KernelEvent(readEnd, .read, .delete), KernelEvent(1, .user, fflags: .trigger)).count, 1)

        // A copy of a descriptor that lives in a child: closing it here ends its events nevertheless.
        let second = try Pipe()
        let gate = try Pipe()
        let holder = try forkChild { _ = try gate.readEnd.descriptor.readExactly(1) }
        let number = try second.readEnd.descriptor.duplicate().take()
        let duplicate = OwnedFileDescriptor(owning: number)
        checkEqual(try kqueue!.look(KernelEvent(duplicate.descriptor, .read, .add)), [])
        let late = try forkChild { _ = try gate.readEnd.descriptor.readExactly(1) }
        duplicate.discard()
        try second.writeEnd.descriptor.writeAll("x")
        checkEqual(try kqueue!.look(), [])
        try gate.writeEnd.descriptor.writeAll("xx")
        try checkSucceeds(holder)
        try checkSucceeds(late)
    }
]
