#if os(Linux)
    import Syscalls
    import TestSupport
    import Testing

    @Suite("Event counters and timers")
    struct EventDescriptorTests {
        @Test("a counter gives the sum of what was added, once")
        func counter() throws {
            let counter = try EventCounter()
            #expect(try counter.take() == nil)
            #expect(try counter.descriptor.wait(for: .readable, until: .now) == [])
            try counter.add()
            try counter.add(41)
            #expect(try counter.descriptor.wait(for: .readable, until: .now) == .readable)
            #expect(try counter.take() == 42)
            #expect(try counter.take() == nil)
            #expect(try counter.descriptor.wait(for: .readable, until: .now) == [])
        }

        @Test("a counter holds up to 2⁶⁴ - 2, and refuses more without forgetting what it has")
        func fullCounter() throws {
            let counter = try EventCounter()
            #expect(throws: Errno.invalidArgument) { try counter.add(.max) }
            try counter.add(.max - 1)
            #expect(throws: Errno.resourceTemporarilyUnavailable) { try counter.add() }
            #expect(try counter.take() == .max - 1)
            try counter.add()
            #expect(try counter.take() == 1)
        }

        @Test("what another process or thread adds wakes who waits for the counter")
        func sharedCounter() throws {
            let counter = try EventCounter()
            var helper = try HelperProcess("SyscallsHelper", ["add-to-counter"], descriptors: [3: counter.descriptor])
            #expect(try counter.descriptor.wait(for: .readable, until: .generous) == .readable)
            #expect(try helper.waitForOutcome() == .success)
            #expect(try counter.take() == 5)
        }

        @Test("a timer goes off once, and not before it was set")
        func once() throws {
            let timer = try TimerDescriptor()
            #expect(try timer.descriptor.isCloseOnExec())
            #expect(try timer.take() == nil)
            let earliest = Deadline.after(.milliseconds(10))
            try timer.set(after: .milliseconds(10))
            #expect(try timer.descriptor.wait(for: .readable, until: .generous) == .readable)
            #expect(earliest.hasPassed)
            #expect(try timer.take() == 1)
            #expect(try timer.take() == nil)
            #expect(try timer.descriptor.wait(for: .readable, until: .now) == [])
        }

        @Test("no delay and one that has passed let the timer go off at once", arguments: [0, -1, Int64.min])
        func atOnce(nanoseconds: Int64) throws {
            let timer = try TimerDescriptor()
            try timer.set(after: .nanoseconds(nanoseconds))
            #expect(try timer.descriptor.wait(for: .readable, until: .generous) == .readable)
            #expect(try timer.take() == 1)
        }

        @Test("a repeating timer goes off until it is cancelled, and says how often it has")
        func repeating() throws {
            let timer = try TimerDescriptor()
            try timer.set(after: .nanoseconds(1), repeating: .milliseconds(1))
            var total: UInt64 = 0
            var reports = 0
            while total < 5 || reports < 2 {
                #expect(try timer.descriptor.wait(for: .readable, until: .generous) == .readable)
                guard let count = try timer.take() else {
                    Issue.record("it was readable, and there was nothing")
                    return
                }
                #expect(count > 0)
                total += count
                reports += 1
            }
            try timer.cancel()
            // Also what it had gone off before it was cancelled.
            #expect(try timer.take() == nil)
            #expect(try timer.descriptor.wait(for: .readable, until: .after(.milliseconds(20))) == [])
        }

        @Test("setting a timer takes the place of what was set before")
        func replaced() throws {
            let timer = try TimerDescriptor()
            try timer.set(after: .seconds(1_000_000))
            #expect(try timer.descriptor.wait(for: .readable, until: .now) == [])
            try timer.set(after: .nanoseconds(1))
            #expect(try timer.descriptor.wait(for: .readable, until: .generous) == .readable)
            try timer.set(after: .seconds(1_000_000))
            #expect(try timer.take() == nil)
        }

        /// In a helper: the signals have to be blocked in every thread.
        @Test("a signal descriptor gives the signals of its set, each with its sender")
        func signals() throws {
            #expect(try runHelper("SyscallsHelper", ["signal-descriptor"]) == .success)
        }
    }
#endif
