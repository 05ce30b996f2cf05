/// A change to a kqueue, or an event that it reports: what the manual calls `struct kevent`. See kqueue(2).
///
/// The numbers are Darwin's, so that the type is the same for a kernel that has kqueues and for an emulation elsewhere.
public struct KernelEvent: Hashable, Sendable {
    /// What is watched: a descriptor, signal, process, or a number of one's own. The corresponding C field is `ident`.
    public var ident: UInt
    /// How it is watched; with `ident` it names an event in a queue. The corresponding C field is `filter`.
    public var filter: Filter
    /// What to do, or what happened. The corresponding C field is `flags`.
    public var flags: Flags
    /// The same, of this filter. The corresponding C field is `fflags`.
    public var fflags: FilterFlags
    /// The filter's number, such as bytes or milliseconds; an error number beside `Flags.error`. The corresponding C field
    /// is `data`.
    public var data: Int
    /// Passed through unchanged. The corresponding C field is `udata`.
    public var udata: UInt

    /// The corresponding C macro is `EV_SET`.
    public init(
        _ ident: UInt, _ filter: Filter, _ flags: Flags = [], fflags: FilterFlags = [], data: Int = 0, udata: UInt = 0
    ) {
        self.ident = ident
        self.filter = filter
        self.flags = flags
        self.fflags = fflags
        self.data = data
        self.udata = udata
    }

    /// The same for a descriptor. A negative one is as large an `ident` as in C, and no descriptor. The corresponding C macro
    /// is `EV_SET`.
    public init(
        _ descriptor: FileDescriptor, _ filter: Filter, _ flags: Flags = [], fflags: FilterFlags = [], data: Int = 0,
        udata: UInt = 0
    ) {
        self.init(
            UInt(bitPattern: Int(descriptor.rawValue)), filter, flags, fflags: fflags, data: data, udata: udata)
    }

    /// The error that a change met, or that of an `EV_RECEIPT`: `nil` for success, and in what is no such answer. See
    /// kqueue(2), return values.
    public var error: Errno? {
        flags.contains(.error) && data != 0 ? Errno(rawValue: CInt(truncatingIfNeeded: data)) : nil
    }

    /// A kind of event. See kqueue(2).
    public struct Filter: RawRepresentable, Hashable, Sendable {
        /// The number, as kqueue(2) has it.
        public let rawValue: Int16
        /// A filter of kqueue(2) that has no name here.
        public init(rawValue: Int16) { self.rawValue = rawValue }

        /// The corresponding C constant is `EVFILT_READ`.
        public static var read: Filter { Filter(rawValue: -1) }
        /// The corresponding C constant is `EVFILT_WRITE`.
        public static var write: Filter { Filter(rawValue: -2) }
        /// The corresponding C constant is `EVFILT_PROC`.
        public static var process: Filter { Filter(rawValue: -5) }
        /// The corresponding C constant is `EVFILT_SIGNAL`.
        public static var signal: Filter { Filter(rawValue: -6) }
        /// The corresponding C constant is `EVFILT_TIMER`.
        public static var timer: Filter { Filter(rawValue: -7) }
        /// The corresponding C constant is `EVFILT_USER`.
        public static var user: Filter { Filter(rawValue: -10) }
    }

    /// What to do with an event, and what is reported with any filter. See kqueue(2).
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The bits, as kqueue(2) has them.
        public let rawValue: UInt16
        /// Bits of kqueue(2), with those that have no name here.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The corresponding C constant is `EV_ADD`.
        public static var add: Flags { Flags(rawValue: 0x1) }
        /// The corresponding C constant is `EV_DELETE`.
        public static var delete: Flags { Flags(rawValue: 0x2) }
        /// The corresponding C constant is `EV_ENABLE`.
        public static var enable: Flags { Flags(rawValue: 0x4) }
        /// The corresponding C constant is `EV_DISABLE`.
        public static var disable: Flags { Flags(rawValue: 0x8) }
        /// The corresponding C constant is `EV_ONESHOT`.
        public static var oneShot: Flags { Flags(rawValue: 0x10) }
        /// The corresponding C constant is `EV_CLEAR`.
        public static var clear: Flags { Flags(rawValue: 0x20) }
        /// The corresponding C constant is `EV_RECEIPT`.
        public static var receipt: Flags { Flags(rawValue: 0x40) }
        /// The corresponding C constant is `EV_DISPATCH`.
        public static var dispatch: Flags { Flags(rawValue: 0x80) }
        /// The corresponding C constant is `EV_ERROR`.
        public static var error: Flags { Flags(rawValue: 0x4000) }
        /// The corresponding C constant is `EV_EOF`.
        public static var endOfFile: Flags { Flags(rawValue: 0x8000) }
    }

    /// What to watch for with one filter, and what it reports: each filter has its own. See kqueue(2).
    public struct FilterFlags: OptionSet, Hashable, Sendable {
        /// The bits, as kqueue(2) has them.
        public let rawValue: UInt32
        /// Bits of kqueue(2), with those that have no name here.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Of `.read` and `.write`. The corresponding C constant is `NOTE_LOWAT`.
        public static var lowWaterMark: FilterFlags { FilterFlags(rawValue: 0x1) }

        /// Of `.user`. The corresponding C constant is `NOTE_TRIGGER`.
        public static var trigger: FilterFlags { FilterFlags(rawValue: 0x0100_0000) }
        /// Of `.user`: the lower 24 bits become their conjunction. The corresponding C constant is `NOTE_FFAND`.
        public static var and: FilterFlags { FilterFlags(rawValue: 0x4000_0000) }
        /// Of `.user`: the lower 24 bits become their disjunction. The corresponding C constant is `NOTE_FFOR`.
        public static var or: FilterFlags { FilterFlags(rawValue: 0x8000_0000) }
        /// Of `.user`: the lower 24 bits are replaced. The corresponding C constant is `NOTE_FFCOPY`.
        public static var copy: FilterFlags { FilterFlags(rawValue: 0xc000_0000) }
        /// Of `.user`: which of the three is meant; none of them ignores the bits (`NOTE_FFNOP`). The corresponding C
        /// constant is `NOTE_FFCTRLMASK`.
        public static var controlMask: FilterFlags { FilterFlags(rawValue: 0xc000_0000) }
        /// Of `.user`: the bits that are the program's own. The corresponding C constant is `NOTE_FFLAGSMASK`.
        public static var userMask: FilterFlags { FilterFlags(rawValue: 0x00ff_ffff) }

        /// Of `.process`. The corresponding C constant is `NOTE_EXIT`.
        public static var exit: FilterFlags { FilterFlags(rawValue: 0x8000_0000) }
        /// Of `.process`: the status in `data`, for a child. The corresponding C constant is `NOTE_EXITSTATUS`.
        public static var exitStatus: FilterFlags { FilterFlags(rawValue: 0x0400_0000) }

        /// Of `.timer`; milliseconds without it. The corresponding C constant is `NOTE_SECONDS`.
        public static var seconds: FilterFlags { FilterFlags(rawValue: 0x1) }
        /// Of `.timer`. The corresponding C constant is `NOTE_USECONDS`.
        public static var microseconds: FilterFlags { FilterFlags(rawValue: 0x2) }
        /// Of `.timer`. The corresponding C constant is `NOTE_NSECONDS`.
        public static var nanoseconds: FilterFlags { FilterFlags(rawValue: 0x4) }
        /// Of `.timer`: not a delay but a time since 1970, and once. The corresponding C constant is `NOTE_ABSOLUTE`.
        public static var absolute: FilterFlags { FilterFlags(rawValue: 0x8) }
    }
}
