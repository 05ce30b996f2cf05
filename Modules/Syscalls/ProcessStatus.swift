import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

#if os(Linux)
    extension ProcessID {
        /// How many threads the process has. Linux only.
        ///
        /// One call: the number of links of `/proc/PID/task`, less its own two. See proc(5).
        public func threadCount() throws(Errno) -> Int {
            try FileStatus(ofFileAt: "/proc/\(procName)/task").linkCount - 2
        }

        /// The names of the process's threads. Linux only. See proc(5).
        public func threadNames() throws(Errno) -> [String] {
            var names: [String] = []
            for thread in try directoryEntries("/proc/\(procName)/task") {
                // A thread may end between the calls.
                guard
                    let file = try? OwnedFileDescriptor.open("/proc/\(procName)/task/\(thread)/comm", .readOnly),
                    let name = try? file.descriptor.readToEnd()
                else { continue }
                names.append(String(decoding: name.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
            }
            return names
        }

        /// The process's private memory in KiB: what its end would free. Linux only. See proc(5), smaps_rollup.
        public func privateMemoryKiB() throws(Errno) -> Int {
            try memory(["Private_Clean:", "Private_Dirty:"])
        }

        /// The process's memory in KiB that is in use, shared or not. Linux only. See proc(5), smaps_rollup.
        public func residentMemoryKiB() throws(Errno) -> Int {
            try memory(["Rss:"])
        }

        /// The sum of some lines of `smaps_rollup`, in KiB.
        private func memory(_ names: [String]) throws(Errno) -> Int {
            let file = try OwnedFileDescriptor.open("/proc/\(procName)/smaps_rollup", .readOnly)
            let text = String(decoding: try file.descriptor.readToEnd(), as: UTF8.self)
            return text.split(separator: "\n")
                .filter { line in names.contains { line.hasPrefix($0) } }
                .compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
                .reduce(0, +)
        }

        private var procName: String { self == .current ? "self" : "\(rawValue)" }
    }

    extension FileDescriptor {
        /// The descriptors that are open in a process. Linux only. See proc(5).
        public static func allOpen(in process: ProcessID = .current) throws(Errno) -> [FileDescriptor] {
            let isCurrent = process == .current
            return try directoryEntries("/proc/\(isCurrent ? "self" : "\(process)")/fd")
                .compactMap { CInt($0).map { FileDescriptor(rawValue: $0) } }
                // The one that read the directory was among them.
                .filter { !isCurrent || $0.isOpen }
                .sorted { $0.rawValue < $1.rawValue }
        }
    }
#endif

/// The descriptors that a fork's child does not keep, whose owners' copies will never run in it. See close_range(2).
///
/// Worked out before the fork, so that the child has nothing to do but the calls.
package struct UnwantedDescriptors {
    private var ranges: [ClosedRange<UInt32>] = []

    /// Every descriptor from `first` on except `kept`. See close_range(2).
    package init(from first: CInt, except kept: [FileDescriptor]) {
        var next = UInt32(first)
        for number in kept.map({ UInt32($0.rawValue) }).sorted() where number >= next {
            if number > next { ranges.append(next...number - 1) }
            next = number + 1
        }
        ranges.append(next...UInt32.max)
    }

    /// Closes them, without regard to who owns them. The corresponding C function is `close_range`.
    package func close() {
        for range in ranges { csys_close_range(range.lowerBound, range.upperBound) }
    }
}

/// Closes every descriptor from `first` on except `kept`, without regard to who owns them. The corresponding C function is
/// `close_range`.
package func closeDescriptors(from first: CInt, except kept: [FileDescriptor]) {
    UnwantedDescriptors(from: first, except: kept).close()
}

/// Closes the descriptors of a range, without regard to who owns them. The corresponding C function is `close_range`.
package func closeDescriptors(from first: CInt, through last: CInt) {
    csys_close_range(UInt32(first), UInt32(last))
}
