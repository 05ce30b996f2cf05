#if os(Linux)
    import CSyscalls
    import Glibc
    import Syscalls
    import TestSupport
    import Testing

    @Suite("Epoll")
    struct EpollTests {
        private func wait(_ epoll: borrowing Epoll, timeout: Duration?) throws -> [UInt64: Epoll.Events] {
            try withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 8) { events in
                let count = try epoll.wait(into: events, timeout: timeout)
                return Dictionary(
                    uniqueKeysWithValues: events[..<count].map {
                        ($0.data.u64, Epoll.Events(rawValue: $0.events))
                    })
            }
        }

        @Test("what is ready is told with its token, what is not is not")
        func readiness() throws {
            let epoll = try Epoll()
            let first = try Pipe()
            let second = try Pipe()
            try epoll.add(first.readEnd.descriptor, .readable, token: 1)
            try epoll.add(second.readEnd.descriptor, .readable, token: .max)
            #expect(try wait(epoll, timeout: .zero) == [:])
            try second.writeEnd.descriptor.writeAll("x")
            #expect(try wait(epoll, timeout: nil) == [.max: .readable])
            try epoll.modify(second.readEnd.descriptor, [], token: 2)
            #expect(try wait(epoll, timeout: .zero) == [:])
            try epoll.modify(second.readEnd.descriptor, .readable, token: 3)
            #expect(try wait(epoll, timeout: .seconds(60)) == [3: .readable])
            try epoll.remove(second.readEnd.descriptor)
            #expect(try wait(epoll, timeout: .nanoseconds(1)) == [:])
        }

        @Test("a descriptor is watched once, and only one that can be waited for")
        func errors() throws {
            let epoll = try Epoll()
            let pipe = try Pipe()
            try epoll.add(pipe.readEnd.descriptor, .readable, token: 1)
            #expect(throws: Errno.fileExists) { try epoll.add(pipe.readEnd.descriptor, .readable, token: 1) }
            #expect(throws: Errno.noSuchFileOrDirectory) { try epoll.remove(pipe.writeEnd.descriptor) }
            #expect(throws: Errno.noSuchFileOrDirectory) {
                try epoll.modify(pipe.writeEnd.descriptor, .writable, token: 1)
            }
            let directory = try TemporaryDirectory()
            let file = try directory.create("file")
            #expect(throws: Errno.notPermitted) { try epoll.add(file.descriptor, .readable, token: 1) }
        }

        @Test("an event counter is readable when it was added to, until it is read")
        func counter() throws {
            let counter = try EventCounter()
            #expect(throws: Errno.resourceTemporarilyUnavailable) { try counter.owned.descriptor.readExactly(8) }
            try counter.owned.descriptor.writeAll([3, 0, 0, 0, 0, 0, 0, 0])
            try counter.owned.descriptor.writeAll([4, 0, 0, 0, 0, 0, 0, 0])
            #expect(try counter.owned.descriptor.wait(for: .readable, until: .now) == .readable)
            #expect(try counter.owned.descriptor.readExactly(8) == [7, 0, 0, 0, 0, 0, 0, 0])
            #expect(try counter.owned.descriptor.wait(for: .readable, until: .now) == [])
        }
    }
#endif
