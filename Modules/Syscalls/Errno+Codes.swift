#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// Every error number that errno(3) lists for the platform. `Errno.name` finds its name in the tables below.

extension Errno {
    public static var notPermitted: Errno { Errno(rawValue: EPERM) }
    public static var noSuchFileOrDirectory: Errno { Errno(rawValue: ENOENT) }
    public static var noSuchProcess: Errno { Errno(rawValue: ESRCH) }
    public static var interrupted: Errno { Errno(rawValue: EINTR) }
    public static var ioError: Errno { Errno(rawValue: EIO) }
    public static var noSuchAddressOrDevice: Errno { Errno(rawValue: ENXIO) }
    public static var argumentListTooLong: Errno { Errno(rawValue: E2BIG) }
    public static var executableFormatError: Errno { Errno(rawValue: ENOEXEC) }
    public static var badFileDescriptor: Errno { Errno(rawValue: EBADF) }
    public static var noChildProcess: Errno { Errno(rawValue: ECHILD) }
    public static var resourceTemporarilyUnavailable: Errno { Errno(rawValue: EAGAIN) }
    public static var noMemory: Errno { Errno(rawValue: ENOMEM) }
    public static var permissionDenied: Errno { Errno(rawValue: EACCES) }
    public static var badAddress: Errno { Errno(rawValue: EFAULT) }
    public static var notBlockDevice: Errno { Errno(rawValue: ENOTBLK) }
    public static var resourceBusy: Errno { Errno(rawValue: EBUSY) }
    public static var fileExists: Errno { Errno(rawValue: EEXIST) }
    public static var improperLink: Errno { Errno(rawValue: EXDEV) }
    public static var noSuchDevice: Errno { Errno(rawValue: ENODEV) }
    public static var notDirectory: Errno { Errno(rawValue: ENOTDIR) }
    public static var isDirectory: Errno { Errno(rawValue: EISDIR) }
    public static var invalidArgument: Errno { Errno(rawValue: EINVAL) }
    public static var tooManyOpenFilesInSystem: Errno { Errno(rawValue: ENFILE) }
    public static var tooManyOpenFiles: Errno { Errno(rawValue: EMFILE) }
    public static var inappropriateIOControlForDevice: Errno { Errno(rawValue: ENOTTY) }
    public static var textFileBusy: Errno { Errno(rawValue: ETXTBSY) }
    public static var fileTooLarge: Errno { Errno(rawValue: EFBIG) }
    public static var noSpace: Errno { Errno(rawValue: ENOSPC) }
    public static var illegalSeek: Errno { Errno(rawValue: ESPIPE) }
    public static var readOnlyFileSystem: Errno { Errno(rawValue: EROFS) }
    public static var tooManyLinks: Errno { Errno(rawValue: EMLINK) }
    public static var brokenPipe: Errno { Errno(rawValue: EPIPE) }
    public static var argumentOutOfDomain: Errno { Errno(rawValue: EDOM) }
    public static var outOfRange: Errno { Errno(rawValue: ERANGE) }
    public static var resourceDeadlockAvoided: Errno { Errno(rawValue: EDEADLK) }
    public static var nameTooLong: Errno { Errno(rawValue: ENAMETOOLONG) }
    public static var noLocks: Errno { Errno(rawValue: ENOLCK) }
    public static var notImplemented: Errno { Errno(rawValue: ENOSYS) }
    public static var directoryNotEmpty: Errno { Errno(rawValue: ENOTEMPTY) }
    public static var tooManySymbolicLinkLevels: Errno { Errno(rawValue: ELOOP) }
    public static var noMessage: Errno { Errno(rawValue: ENOMSG) }
    public static var identifierRemoved: Errno { Errno(rawValue: EIDRM) }
    public static var notStream: Errno { Errno(rawValue: ENOSTR) }
    public static var noData: Errno { Errno(rawValue: ENODATA) }
    public static var streamTimedOut: Errno { Errno(rawValue: ETIME) }
    public static var noStreamResources: Errno { Errno(rawValue: ENOSR) }
    public static var tooManyRemoteLevels: Errno { Errno(rawValue: EREMOTE) }
    public static var noLink: Errno { Errno(rawValue: ENOLINK) }
    public static var protocolError: Errno { Errno(rawValue: EPROTO) }
    public static var multiHop: Errno { Errno(rawValue: EMULTIHOP) }
    public static var badMessage: Errno { Errno(rawValue: EBADMSG) }
    public static var overflow: Errno { Errno(rawValue: EOVERFLOW) }
    public static var illegalByteSequence: Errno { Errno(rawValue: EILSEQ) }
    public static var tooManyUsers: Errno { Errno(rawValue: EUSERS) }
    public static var notSocket: Errno { Errno(rawValue: ENOTSOCK) }
    public static var addressRequired: Errno { Errno(rawValue: EDESTADDRREQ) }
    public static var messageTooLong: Errno { Errno(rawValue: EMSGSIZE) }
    public static var protocolWrongTypeForSocket: Errno { Errno(rawValue: EPROTOTYPE) }
    public static var protocolNotAvailable: Errno { Errno(rawValue: ENOPROTOOPT) }
    public static var protocolNotSupported: Errno { Errno(rawValue: EPROTONOSUPPORT) }
    public static var socketTypeNotSupported: Errno { Errno(rawValue: ESOCKTNOSUPPORT) }
    public static var notSupportedOnSocket: Errno { Errno(rawValue: EOPNOTSUPP) }
    public static var protocolFamilyNotSupported: Errno { Errno(rawValue: EPFNOSUPPORT) }
    public static var addressFamilyNotSupported: Errno { Errno(rawValue: EAFNOSUPPORT) }
    public static var addressInUse: Errno { Errno(rawValue: EADDRINUSE) }
    public static var addressNotAvailable: Errno { Errno(rawValue: EADDRNOTAVAIL) }
    public static var networkDown: Errno { Errno(rawValue: ENETDOWN) }
    public static var networkUnreachable: Errno { Errno(rawValue: ENETUNREACH) }
    public static var networkReset: Errno { Errno(rawValue: ENETRESET) }
    public static var connectionAborted: Errno { Errno(rawValue: ECONNABORTED) }
    public static var connectionReset: Errno { Errno(rawValue: ECONNRESET) }
    public static var noBufferSpace: Errno { Errno(rawValue: ENOBUFS) }
    public static var isConnected: Errno { Errno(rawValue: EISCONN) }
    public static var notConnected: Errno { Errno(rawValue: ENOTCONN) }
    public static var socketShutdown: Errno { Errno(rawValue: ESHUTDOWN) }
    public static var tooManyReferences: Errno { Errno(rawValue: ETOOMANYREFS) }
    public static var timedOut: Errno { Errno(rawValue: ETIMEDOUT) }
    public static var connectionRefused: Errno { Errno(rawValue: ECONNREFUSED) }
    public static var hostIsDown: Errno { Errno(rawValue: EHOSTDOWN) }
    public static var noRouteToHost: Errno { Errno(rawValue: EHOSTUNREACH) }
    public static var alreadyInProcess: Errno { Errno(rawValue: EALREADY) }
    public static var operationInProgress: Errno { Errno(rawValue: EINPROGRESS) }
    public static var staleNFSFileHandle: Errno { Errno(rawValue: ESTALE) }
    public static var diskQuotaExceeded: Errno { Errno(rawValue: EDQUOT) }
    public static var canceled: Errno { Errno(rawValue: ECANCELED) }
    public static var previousOwnerDied: Errno { Errno(rawValue: EOWNERDEAD) }
    public static var notRecoverable: Errno { Errno(rawValue: ENOTRECOVERABLE) }

    /// The same number as `resourceTemporarilyUnavailable`, here and on most systems.
    public static var wouldBlock: Errno { Errno(rawValue: EWOULDBLOCK) }

    #if os(Linux)
        /// ENOTSUP, which on Linux is EOPNOTSUPP.
        public static var notSupported: Errno { Errno(rawValue: ENOTSUP) }
        public static var channelNumberOutOfRange: Errno { Errno(rawValue: ECHRNG) }
        public static var level2NotSynchronized: Errno { Errno(rawValue: EL2NSYNC) }
        public static var level3Halted: Errno { Errno(rawValue: EL3HLT) }
        public static var level3Reset: Errno { Errno(rawValue: EL3RST) }
        public static var linkNumberOutOfRange: Errno { Errno(rawValue: ELNRNG) }
        public static var protocolDriverNotAttached: Errno { Errno(rawValue: EUNATCH) }
        public static var noCSIStructureAvailable: Errno { Errno(rawValue: ENOCSI) }
        public static var level2Halted: Errno { Errno(rawValue: EL2HLT) }
        public static var invalidExchange: Errno { Errno(rawValue: EBADE) }
        public static var invalidRequestDescriptor: Errno { Errno(rawValue: EBADR) }
        public static var exchangeFull: Errno { Errno(rawValue: EXFULL) }
        public static var noAnode: Errno { Errno(rawValue: ENOANO) }
        public static var invalidRequestCode: Errno { Errno(rawValue: EBADRQC) }
        public static var invalidSlot: Errno { Errno(rawValue: EBADSLT) }
        public static var badFontFileFormat: Errno { Errno(rawValue: EBFONT) }
        public static var notOnNetwork: Errno { Errno(rawValue: ENONET) }
        public static var packageNotInstalled: Errno { Errno(rawValue: ENOPKG) }
        public static var advertiseError: Errno { Errno(rawValue: EADV) }
        public static var srmountError: Errno { Errno(rawValue: ESRMNT) }
        public static var communicationErrorOnSend: Errno { Errno(rawValue: ECOMM) }
        public static var rfsSpecificError: Errno { Errno(rawValue: EDOTDOT) }
        public static var nameNotUnique: Errno { Errno(rawValue: ENOTUNIQ) }
        public static var descriptorInBadState: Errno { Errno(rawValue: EBADFD) }
        public static var remoteAddressChanged: Errno { Errno(rawValue: EREMCHG) }
        public static var cannotAccessLibrary: Errno { Errno(rawValue: ELIBACC) }
        public static var corruptLibrary: Errno { Errno(rawValue: ELIBBAD) }
        public static var corruptLibrarySection: Errno { Errno(rawValue: ELIBSCN) }
        public static var tooManyLibraries: Errno { Errno(rawValue: ELIBMAX) }
        public static var cannotExecLibrary: Errno { Errno(rawValue: ELIBEXEC) }
        public static var restartCall: Errno { Errno(rawValue: ERESTART) }
        public static var streamsPipeError: Errno { Errno(rawValue: ESTRPIPE) }
        public static var structureNeedsCleaning: Errno { Errno(rawValue: EUCLEAN) }
        public static var notXENIXNamedTypeFile: Errno { Errno(rawValue: ENOTNAM) }
        public static var noXENIXSemaphores: Errno { Errno(rawValue: ENAVAIL) }
        public static var isNamedTypeFile: Errno { Errno(rawValue: EISNAM) }
        public static var remoteIOError: Errno { Errno(rawValue: EREMOTEIO) }
        public static var noMedium: Errno { Errno(rawValue: ENOMEDIUM) }
        public static var wrongMediumType: Errno { Errno(rawValue: EMEDIUMTYPE) }
        public static var requiredKeyNotAvailable: Errno { Errno(rawValue: ENOKEY) }
        public static var keyExpired: Errno { Errno(rawValue: EKEYEXPIRED) }
        public static var keyRevoked: Errno { Errno(rawValue: EKEYREVOKED) }
        public static var keyRejected: Errno { Errno(rawValue: EKEYREJECTED) }
        public static var radioKilled: Errno { Errno(rawValue: ERFKILL) }
        public static var hardwarePoisoned: Errno { Errno(rawValue: EHWPOISON) }
    #else
        public static var tooManyProcesses: Errno { Errno(rawValue: EPROCLIM) }
        public static var badRPCStructure: Errno { Errno(rawValue: EBADRPC) }
        public static var rpcVersionMismatch: Errno { Errno(rawValue: ERPCMISMATCH) }
        public static var rpcProgramUnavailable: Errno { Errno(rawValue: EPROGUNAVAIL) }
        public static var rpcProgramVersionMismatch: Errno { Errno(rawValue: EPROGMISMATCH) }
        public static var badProcedureForProgram: Errno { Errno(rawValue: EPROCUNAVAIL) }
        public static var badFileTypeOrFormat: Errno { Errno(rawValue: EFTYPE) }
        public static var authenticationError: Errno { Errno(rawValue: EAUTH) }
        public static var needAuthenticator: Errno { Errno(rawValue: ENEEDAUTH) }
        public static var devicePowerIsOff: Errno { Errno(rawValue: EPWROFF) }
        public static var deviceError: Errno { Errno(rawValue: EDEVERR) }
        public static var badExecutable: Errno { Errno(rawValue: EBADEXEC) }
        public static var badCPUType: Errno { Errno(rawValue: EBADARCH) }
        public static var sharedLibraryVersionMismatch: Errno { Errno(rawValue: ESHLIBVERS) }
        public static var malformedMachO: Errno { Errno(rawValue: EBADMACHO) }
        public static var attributeNotFound: Errno { Errno(rawValue: ENOATTR) }
        public static var noSuchPolicy: Errno { Errno(rawValue: ENOPOLICY) }
        public static var outputQueueFull: Errno { Errno(rawValue: EQFULL) }
        public static var notSupported: Errno { Errno(rawValue: ENOTSUP) }
    #endif
}
