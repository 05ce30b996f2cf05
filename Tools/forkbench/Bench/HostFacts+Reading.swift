import ForkbenchCore
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension HostFacts {
    /// Those of here and now.
    static var current: HostFacts {
        var name = utsname()
        uname(&name)
        return HostFacts(
            system: text(&name.sysname), release: text(&name.release), machine: text(&name.machine),
            processor: processor, processors: sysconf(CInt(_SC_NPROCESSORS_ONLN)),
            governor: firstLine(of: "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            hugePages: firstLine(of: "/sys/kernel/mm/transparent_hugepage/enabled").flatMap(chosenWord),
            swift: swiftVersion, build: isDebugBuild ? "debug" : "release", linking: linking.rawValue,
            pinning: CPUPlacement.description, started: now)
    }

    enum Linking: String {
        case dynamic
        case staticStandardLibrary = "static-stdlib"
        case staticExecutable = "static-executable"
    }

    /// How this executable has the Swift runtime and the C library: what is mapped tells it.
    static let linking: Linking = {
        let maps = contents(of: "/proc/self/maps") ?? ""
        if maps.contains("/libswiftCore") { return .dynamic }
        return maps.contains("/ld-linux") || maps.contains("/libc.so") ? .staticStandardLibrary : .staticExecutable
    }()

    static let isDebugBuild: Bool = {
        var isDebug = false
        // Only evaluated where assertions are.
        assert(
            {
                isDebug = true
                return true
            }())
        return isDebug
    }()

    private static var swiftVersion: String {
        let version = _SwiftStdlibVersion.current._value
        // Not the third part, which is not always the toolchain's.
        return "\(version >> 16).\(version >> 8 & 0xFF)"
    }

    private static var processor: String {
        let line = (contents(of: "/proc/cpuinfo") ?? "").split(separator: "\n").first { $0.hasPrefix("model name") }
        guard let line, let colon = line.firstIndex(of: ":") else { return "unknown" }
        return String(line[line.index(after: colon)...].drop { $0 == " " })
    }

    private static var now: String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }

    private static func contents(of path: String) -> String? {
        guard let file = try? OwnedFileDescriptor.open(path, .readOnly),
            let bytes = try? file.descriptor.readToEnd()
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func firstLine(of path: String) -> String? {
        contents(of: path)?.split(separator: "\n").first.map(String.init)
    }

    /// The one in brackets, of `always [madvise] never`.
    private static func chosenWord(_ line: String) -> String? {
        line.split(separator: " ").first { $0.hasPrefix("[") }.map { String($0.dropFirst().dropLast()) }
    }

    private static func text<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Goal {
    /// At most so many times the floor; a static executable forks faster, and has a goal of its own.
    static func ratio(_ most: Double, whenStatic: Double) -> Goal {
        .ratio(HostFacts.linking == .staticExecutable ? whenStatic : most)
    }
}
