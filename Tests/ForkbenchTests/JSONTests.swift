import ForkbenchCore
import Testing

@Suite("Forkbench: JSON") struct JSONTests {
    @Test("what is written is read back")
    func roundTrip() throws {
        let value: JSON = [
            ("text", "quotes \" and \\, a line\nend, é, 😀, \u{1}"), ("integer", .integer(-12)),
            ("number", .number(0.25)),
            ("yes", .boolean(true)), ("nothing", .null), ("list", .array([.integer(1), .array([]), .object([])])),
        ]
        let read = try JSON(parsing: value.text())
        #expect(read.text() == value.text())
        #expect(read["text"]?.string == "quotes \" and \\, a line\nend, é, 😀, \u{1}")
        #expect(read["number"]?.double == 0.25)
        #expect(read["integer"]?.double == -12)
        #expect(read["yes"]?.bool == true)
        #expect(read["list"]?.elements?.count == 3)
        #expect(read["absent"] == nil)
    }

    @Test("escapes and exponents of other writers are understood")
    func foreign() throws {
        let read = try JSON(parsing: #" { "a" : "\u00e9\ud83d\ude00\/\b" , "b":[1e3 ,-2.5E-1] } "#)
        #expect(read["a"]?.string == "é😀/\u{8}")
        #expect(read["b"]?.elements?.compactMap(\.double) == [1000, -0.25])
    }

    @Test(
        "what is no JSON is an error that says where",
        arguments: [
            ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\" 1}", 5), ("[1] 2", 4), ("\"a", 2), ("\"\\x\"", 3), ("nul", 0),
            ("+1", 0), ("--1", 0), ("\"\\ud83d\"", 7), ("\"\n\"", 2), (".5", 0), ("\"\\u12\"", 3),
        ])
    func errors(text: String, offset: Int) {
        let error = #expect(throws: JSON.ReadingError.self) { try JSON(parsing: text) }
        #expect(error?.offset == offset, "\(error?.description ?? "no error")")
    }

    @Test("nesting without an end is refused, and not a crash")
    func depth() {
        #expect(throws: JSON.ReadingError.self) { try JSON(parsing: String(repeating: "[", count: 100_000)) }
    }
}
