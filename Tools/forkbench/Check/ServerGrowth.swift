import FDPassing
import ForkServer
import Syscalls

#if os(Linux)
    /// A server that has served many is as one that has served a few: no process, descriptor or memory is left of a child.
    let serverGrowth = Scenario(
        layer: .forkserver, name: "20,000 children one after the other, and 200 at once, leave a server as it was"
    ) {
        var options = ForkServer.Options()
        options.spares = .fixed(2)
        let server = ForkServer(options)
        defer { server.shutDown() }
        try serve(1000, by: server)
        let before = try Footprint(of: server)
        try serve(20_000, by: server)
        let children = try (0..<200).map { _ in try server.spawn(Nothing()) }
        for child in children { try expect("a child's end", try child.wait(), is: .exited(0)) }
        let after = try Footprint(of: server)
        try expect("its descriptors", after.descriptors, is: before.descriptors)
        try expect("its children", after.children, is: before.children)
        try expect(
            "its private memory grows by less than 64 KiB", after.privateMemoryKiB < before.privateMemoryKiB + 64,
            seen: "\(before.privateMemoryKiB) KiB became \(after.privateMemoryKiB)")
    }

    private func serve(_ count: Int, by server: ForkServer) throws {
        for _ in 0..<count { try expect("a child's end", try server.spawn(Nothing()).wait(), is: .exited(0)) }
    }

    /// What a server has, once it has no children but its spares, and has as many of them as it wants.
    private struct Footprint {
        let descriptors: Int
        let children: Int
        let privateMemoryKiB: Int

        init(of server: ForkServer) throws {
            let seen = { "\(String(describing: try? server.statistics()))" }
            try expectSoon("two spares", seen: seen) {
                try server.statistics()?.sparesReady == 2
            }
            guard let process = server.processID else { throw Unexpected(expected: "a server", seen: "none") }
            descriptors = try FileDescriptor.allOpen(in: process).count
            let file = try OwnedFileDescriptor.open("/proc/\(process)/task/\(process)/children", .readOnly)
            children = try file.descriptor.readToEnd().count { $0 == UInt8(ascii: " ") }
            privateMemoryKiB = try process.privateMemoryKiB()
        }
    }

    /// Ends at once.
    struct Nothing: ChildProgram {
        func run(in child: ChildContext) {}
    }
#endif
