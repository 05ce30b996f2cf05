#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// The error numbers of errno(3) that not every platform has.

extension Errno {
    #if os(Linux)
        /// ENOTSUP, which on Linux is EOPNOTSUPP. The corresponding C error is `ENOTSUP`.
        public static var notSupported: Errno { Errno(rawValue: ENOTSUP) }
        /// The corresponding C error is `ECHRNG`.
        public static var channelNumberOutOfRange: Errno { Errno(rawValue: ECHRNG) }
        /// The corresponding C error is `EL2NSYNC`.
        public static var level2NotSynchronized: Errno { Errno(rawValue: EL2NSYNC) }
        /// The corresponding C error is `EL3HLT`.
        public static var level3Halted: Errno { Errno(rawValue: EL3HLT) }
        /// The corresponding C error is `EL3RST`.
        public static var level3Reset: Errno { Errno(rawValue: EL3RST) }
        /// The corresponding C error is `ELNRNG`.
        public static var linkNumberOutOfRange: Errno { Errno(rawValue: ELNRNG) }
        /// The corresponding C error is `EUNATCH`.
        public static var protocolDriverNotAttached: Errno { Errno(rawValue: EUNATCH) }
        /// The corresponding C error is `ENOCSI`.
        public static var noCSIStructureAvailable: Errno { Errno(rawValue: ENOCSI) }
        /// The corresponding C error is `EL2HLT`.
        public static var level2Halted: Errno { Errno(rawValue: EL2HLT) }
        /// The corresponding C error is `EBADE`.
        public static var invalidExchange: Errno { Errno(rawValue: EBADE) }
        /// The corresponding C error is `EBADR`.
        public static var invalidRequestDescriptor: Errno { Errno(rawValue: EBADR) }
        /// The corresponding C error is `EXFULL`.
        public static var exchangeFull: Errno { Errno(rawValue: EXFULL) }
        /// The corresponding C error is `ENOANO`.
        public static var noAnode: Errno { Errno(rawValue: ENOANO) }
        /// The corresponding C error is `EBADRQC`.
        public static var invalidRequestCode: Errno { Errno(rawValue: EBADRQC) }
        /// The corresponding C error is `EBADSLT`.
        public static var invalidSlot: Errno { Errno(rawValue: EBADSLT) }
        /// The corresponding C error is `EBFONT`.
        public static var badFontFileFormat: Errno { Errno(rawValue: EBFONT) }
        /// The corresponding C error is `ENONET`.
        public static var notOnNetwork: Errno { Errno(rawValue: ENONET) }
        /// The corresponding C error is `ENOPKG`.
        public static var packageNotInstalled: Errno { Errno(rawValue: ENOPKG) }
        /// The corresponding C error is `EADV`.
        public static var advertiseError: Errno { Errno(rawValue: EADV) }
        /// The corresponding C error is `ESRMNT`.
        public static var srmountError: Errno { Errno(rawValue: ESRMNT) }
        /// The corresponding C error is `ECOMM`.
        public static var communicationErrorOnSend: Errno { Errno(rawValue: ECOMM) }
        /// The corresponding C error is `EDOTDOT`.
        public static var rfsSpecificError: Errno { Errno(rawValue: EDOTDOT) }
        /// The corresponding C error is `ENOTUNIQ`.
        public static var nameNotUnique: Errno { Errno(rawValue: ENOTUNIQ) }
        /// The corresponding C error is `EBADFD`.
        public static var descriptorInBadState: Errno { Errno(rawValue: EBADFD) }
        /// The corresponding C error is `EREMCHG`.
        public static var remoteAddressChanged: Errno { Errno(rawValue: EREMCHG) }
        /// The corresponding C error is `ELIBACC`.
        public static var cannotAccessLibrary: Errno { Errno(rawValue: ELIBACC) }
        /// The corresponding C error is `ELIBBAD`.
        public static var corruptLibrary: Errno { Errno(rawValue: ELIBBAD) }
        /// The corresponding C error is `ELIBSCN`.
        public static var corruptLibrarySection: Errno { Errno(rawValue: ELIBSCN) }
        /// The corresponding C error is `ELIBMAX`.
        public static var tooManyLibraries: Errno { Errno(rawValue: ELIBMAX) }
        /// The corresponding C error is `ELIBEXEC`.
        public static var cannotExecLibrary: Errno { Errno(rawValue: ELIBEXEC) }
        /// The corresponding C error is `ERESTART`.
        public static var restartCall: Errno { Errno(rawValue: ERESTART) }
        /// The corresponding C error is `ESTRPIPE`.
        public static var streamsPipeError: Errno { Errno(rawValue: ESTRPIPE) }
        /// The corresponding C error is `EUCLEAN`.
        public static var structureNeedsCleaning: Errno { Errno(rawValue: EUCLEAN) }
        /// The corresponding C error is `ENOTNAM`.
        public static var notXENIXNamedTypeFile: Errno { Errno(rawValue: ENOTNAM) }
        /// The corresponding C error is `ENAVAIL`.
        public static var noXENIXSemaphores: Errno { Errno(rawValue: ENAVAIL) }
        /// The corresponding C error is `EISNAM`.
        public static var isNamedTypeFile: Errno { Errno(rawValue: EISNAM) }
        /// The corresponding C error is `EREMOTEIO`.
        public static var remoteIOError: Errno { Errno(rawValue: EREMOTEIO) }
        /// The corresponding C error is `ENOMEDIUM`.
        public static var noMedium: Errno { Errno(rawValue: ENOMEDIUM) }
        /// The corresponding C error is `EMEDIUMTYPE`.
        public static var wrongMediumType: Errno { Errno(rawValue: EMEDIUMTYPE) }
        /// The corresponding C error is `ENOKEY`.
        public static var requiredKeyNotAvailable: Errno { Errno(rawValue: ENOKEY) }
        /// The corresponding C error is `EKEYEXPIRED`.
        public static var keyExpired: Errno { Errno(rawValue: EKEYEXPIRED) }
        /// The corresponding C error is `EKEYREVOKED`.
        public static var keyRevoked: Errno { Errno(rawValue: EKEYREVOKED) }
        /// The corresponding C error is `EKEYREJECTED`.
        public static var keyRejected: Errno { Errno(rawValue: EKEYREJECTED) }
        /// The corresponding C error is `ERFKILL`.
        public static var radioKilled: Errno { Errno(rawValue: ERFKILL) }
        /// The corresponding C error is `EHWPOISON`.
        public static var hardwarePoisoned: Errno { Errno(rawValue: EHWPOISON) }
    #else
        /// The corresponding C error is `EPROCLIM`.
        public static var tooManyProcesses: Errno { Errno(rawValue: EPROCLIM) }
        /// The corresponding C error is `EBADRPC`.
        public static var badRPCStructure: Errno { Errno(rawValue: EBADRPC) }
        /// The corresponding C error is `ERPCMISMATCH`.
        public static var rpcVersionMismatch: Errno { Errno(rawValue: ERPCMISMATCH) }
        /// The corresponding C error is `EPROGUNAVAIL`.
        public static var rpcProgramUnavailable: Errno { Errno(rawValue: EPROGUNAVAIL) }
        /// The corresponding C error is `EPROGMISMATCH`.
        public static var rpcProgramVersionMismatch: Errno { Errno(rawValue: EPROGMISMATCH) }
        /// The corresponding C error is `EPROCUNAVAIL`.
        public static var badProcedureForProgram: Errno { Errno(rawValue: EPROCUNAVAIL) }
        /// The corresponding C error is `EFTYPE`.
        public static var badFileTypeOrFormat: Errno { Errno(rawValue: EFTYPE) }
        /// The corresponding C error is `EAUTH`.
        public static var authenticationError: Errno { Errno(rawValue: EAUTH) }
        /// The corresponding C error is `ENEEDAUTH`.
        public static var needAuthenticator: Errno { Errno(rawValue: ENEEDAUTH) }
        /// The corresponding C error is `EPWROFF`.
        public static var devicePowerIsOff: Errno { Errno(rawValue: EPWROFF) }
        /// The corresponding C error is `EDEVERR`.
        public static var deviceError: Errno { Errno(rawValue: EDEVERR) }
        /// The corresponding C error is `EBADEXEC`.
        public static var badExecutable: Errno { Errno(rawValue: EBADEXEC) }
        /// The corresponding C error is `EBADARCH`.
        public static var badCPUType: Errno { Errno(rawValue: EBADARCH) }
        /// The corresponding C error is `ESHLIBVERS`.
        public static var sharedLibraryVersionMismatch: Errno { Errno(rawValue: ESHLIBVERS) }
        /// The corresponding C error is `EBADMACHO`.
        public static var malformedMachO: Errno { Errno(rawValue: EBADMACHO) }
        /// The corresponding C error is `ENOATTR`.
        public static var attributeNotFound: Errno { Errno(rawValue: ENOATTR) }
        /// The corresponding C error is `ENOPOLICY`.
        public static var noSuchPolicy: Errno { Errno(rawValue: ENOPOLICY) }
        /// The corresponding C error is `EQFULL`.
        public static var outputQueueFull: Errno { Errno(rawValue: EQFULL) }
        /// The corresponding C error is `ENOTSUP`.
        public static var notSupported: Errno { Errno(rawValue: ENOTSUP) }
    #endif
}
