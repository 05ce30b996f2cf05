#if os(Linux)
    import CSyscalls
    import Glibc
    import Syscalls
    import TestSupport
    import Testing

    @Suite("Epoll")
    struct EpollTests {
        private func wait(_ epoll: borrowing Epoll, until deadline: Deadline) throws -> [UInt64: Epoll.Events] {
            let events = try epoll.wait(upTo: 8, until: deadline)
            return Dictionary(uniqueKeysWithValues: events.map { ($0.token, $0.events) })
        }

        @Test("what is ready is told with its token, what is not is not")
        func readiness() throws {
            let epoll = try Epoll()
            let first = try Pipe()
            let second = try Pipe()
            try epoll.add(first.readEnd.descriptor, .readable, token: 1)
            try epoll.add(second.readEnd.descriptor, .readable, token: .max)
            #expect(try wait(epoll, until: .now) == [:])
            try second.writeEnd.descriptor.writeAll("x")
            #expect(try wait(epoll, until: .never) == [.max: .readable])
            try epoll.modify(second.readEnd.descriptor, [], token: 2)
            #expect(try wait(epoll, until: .now) == [:])
            try epoll.modify(second.readEnd.descriptor, .readable, token: 3)
            #expect(try wait(epoll, until: .generous) == [3: .readable])
            try epoll.remove(second.readEnd.descriptor)
            #expect(try wait(epoll, until: .after(.nanoseconds(1))) == [:])
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

        @Test("edge-triggered is told once for each change, one-shot once until it is asked for again")
        func modes() throws {
            let epoll = try Epoll()
            let edge = try Pipe()
            let once = try Pipe()
            try epoll.add(edge.readEnd.descriptor, [.readable, .edgeTriggered], token: 1)
            try epoll.add(once.readEnd.descriptor, [.readable, .oneShot], token: 2)
            try edge.writeEnd.descriptor.writeAll("x")
            try once.writeEnd.descriptor.writeAll("x")
            #expect(try wait(epoll, until: .now) == [1: .readable, 2: .readable])
            #expect(try wait(epoll, until: .now) == [:])
            try edge.writeEnd.descriptor.writeAll("y")
            try once.writeEnd.descriptor.writeAll("y")
            #expect(try wait(epoll, until: .now) == [1: .readable])
            try epoll.modify(once.readEnd.descriptor, [.readable, .oneShot], token: 3)
            #expect(try wait(epoll, until: .now) == [3: .readable])
        }

        @Test("a peer that sends no more, a peer that is gone and a reader that is gone are told apart")
        func ends() throws {
            let epoll = try Epoll()
            let pair = try SocketPair()
            let first = pair.first
            try epoll.add(first.descriptor, [.readable, .readHangUp], token: 1)
            try pair.second.descriptor.shutdownSending()
            #expect(try wait(epoll, until: .now) == [1: [.readable, .readHangUp]])
            try pair.second.close()
            // Not at once: another test's child may hold a copy of the end until its exec.
            #expect(try first.descriptor.wait(for: [], until: .generous) == .hangUp)
            #expect(try wait(epoll, until: .now) == [1: [.readable, .readHangUp, .hangUp]])
            try epoll.remove(first.descriptor)
            let pipe = try Pipe()
            let writer = pipe.writeEnd
            try pipe.readEnd.close()
            #expect(try writer.descriptor.wait(for: [], until: .generous) == .error)
            try epoll.add(writer.descriptor, .writable, token: 2)
            #expect(try wait(epoll, until: .now) == [2: [.writable, .error]])
        }

        @Test("events are given as values, no more at once than asked for")
        func values() throws {
            let epoll = try Epoll()
            let pipe = try Pipe()
            let pair = try SocketPair()
            try epoll.add(pipe.writeEnd.descriptor, .writable, token: 1)
            try epoll.add(pair.first.descriptor, .writable, token: 2)
            #expect(try epoll.wait(upTo: 1, until: .now).count == 1)
            let events = try epoll.wait(upTo: 10, until: .now)
            #expect(Set(events.map(\.token)) == [1, 2])
            #expect(events.allSatisfy { $0.events == .writable })
        }

        @Test("the queue itself can be waited for")
        func nested() throws {
            let epoll = try Epoll()
            let pipe = try Pipe()
            try epoll.add(pipe.readEnd.descriptor, .readable, token: 1)
            #expect(try epoll.descriptor.wait(for: .readable, until: .now) == [])
            try pipe.writeEnd.descriptor.writeAll("x")
            #expect(try epoll.descriptor.wait(for: .readable, until: .generous) == .readable)
        }
    }
#endif
