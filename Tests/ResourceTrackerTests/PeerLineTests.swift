import TestSupport
import Testing

@testable import ResourceTracker

@Suite("The lines of CPython and loky") struct PeerLineTests {
    private static let slashA = Array("/a".utf8)

    @Test(
        "the commands of CPython and loky are read",
        arguments: [
            ("REGISTER:/a:shared_memory", PeerLine.register(name: slashA, .sharedMemory)),
            ("UNREGISTER:/a:semaphore", .unregister(name: slashA, .semaphore)),
            ("MAYBE_UNLINK:/a:semlock", .maybeUnlink(name: slashA, .semaphore)),
            ("REGISTER:/a:folder", .register(name: slashA, .directory)),
            ("MAYBE_UNLINK:/a:file", .maybeUnlink(name: slashA, .file)),
            ("REGISTER:/a:b::c:semaphore", .register(name: Array("/a:b::c".utf8), .semaphore)),
            ("REGISTER:::semaphore", .register(name: Array(":".utf8), .semaphore)),
            ("REGISTER:/ü 漢:semaphore", .register(name: Array("/ü 漢".utf8), .semaphore)),
            ("PROBE:0:noop", .probe),
            ("REGISTER:/a:noop", .probe),
            ("UNREGISTER:/a:dummy", .probe),
            ("ATTACH:123:owner", .attach(process: 123)),
        ])
    func parse(line: String, expected: PeerLine) {
        #expect(PeerLine(parsing: Array(line.utf8)) == expected)
    }

    @Test(
        "a line that is none of the commands is refused",
        arguments: [
            "", ":", "::", "REGISTER", "REGISTER:", "REGISTER:/a", "REGISTER:/a:", "REGISTER:/a:floppy",
            "REGISTER::semaphore", "register:/a:semaphore", " REGISTER:/a:semaphore", "REGISTER:/a:semaphore ",
            "REGISTER:/a:semaphore\r", "FORGET:/a:semaphore", ":/a:semaphore", "REGISTER:/a:Semaphore",
            "REGISTER:/a\0b:semaphore", "ATTACH:x:owner", "ATTACH:-1:owner", "REGISTER:1:process_group",
        ])
    func refuse(line: String) {
        #expect(PeerLine(parsing: Array(line.utf8)) == nil)
    }

    @Test("a name need not be UTF-8")
    func notUTF8() {
        let line = Array("REGISTER:/".utf8) + [0xff, 0xc3] + Array(":semaphore".utf8)
        #expect(PeerLine(parsing: line) == .register(name: [0x2f, 0xff, 0xc3], .semaphore))
    }

    @Test("a line has at most 512 bytes with its end")
    func length() {
        let frame = "REGISTER::semaphore\n".utf8.count
        for (count, isRead) in [(512 - frame, true), (513 - frame, false)] {
            let name = String(repeating: "n", count: count)
            let line = PeerLine(parsing: Array("REGISTER:\(name):semaphore".utf8))
            #expect((line != nil) == isRead)
        }
    }

    @Test(
        "CPython's JSON lines are read, with names in base64",
        arguments: [
            (
                #"{"cmd":"REGISTER","rtype":"shared_memory","base64_name":"L2E="}"#,
                PeerLine.register(name: slashA, .sharedMemory)
            ),
            (
                #"{"cmd": "UNREGISTER", "rtype": "semaphore", "base64_name": "L3gKOj8_-w=="}"#,
                .unregister(name: Array("/x\n:?".utf8) + [0x3f, 0xfb], .semaphore)
            ),
            (
                #" {"cmd":"PROBE","rtype":"noop"}"#.dropFirst().description, .probe
            ),
            (
                #"{"base64_name":"L2E=","rtype":"f\u006flder","cmd":"MAYBE_UNLINK"}"#,
                .maybeUnlink(name: slashA, .directory)
            ),
        ])
    func json(line: String, expected: PeerLine) {
        #expect(PeerLine(parsing: Array(line.utf8)) == expected)
    }

    @Test(
        "JSON that is no such object is refused",
        arguments: [
            "{", "{}", "{}}", #"{"cmd":"REGISTER","rtype":"semaphore"}"#, #"{"cmd":1,"rtype":"semaphore"}"#,
            #"{"cmd":"REGISTER","rtype":"semaphore","base64_name":"L2E"}"#,
            #"{"cmd":"REGISTER","rtype":"semaphore","base64_name":"L2 ="}"#,
            #"{"cmd":"REGISTER","rtype":"semaphore","base64_name":"L2E="} x"#,
            #"{"cmd":"REGISTER","rtype":"semaphore","base64_name":"L2E=""#, #"{"cmd":"REGISTER\"#, #"{"cmd":"\u12"#,
            #"{"cmd":"REGISTER","rtype":"semaphore","base64_name":["L2E="]}"#,
        ])
    func refuseJSON(line: String) {
        #expect(PeerLine(parsing: Array(line.utf8)) == nil)
    }

    @Test("random changes to lines make no trap, whatever they make")
    func mutations() {
        var generator = SeededGenerator(seed: 11)
        let lines = ["REGISTER:/a:shared_memory", #"{"cmd":"REGISTER","rtype":"folder","base64_name":"L2\u0045="}"#]
        for index in 0..<20_000 {
            var bytes = Array(lines[index % 2].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
                default: if bytes.count > 1 { bytes.remove(at: position) }
                }
            }
            if case .attach(let process) = PeerLine(parsing: bytes) { #expect(process > 0) }
        }
    }
}
