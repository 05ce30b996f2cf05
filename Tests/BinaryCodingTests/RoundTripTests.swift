import BinaryCoding
import Testing

@Suite("Round trips")
struct RoundTripTests {
    @Test("a struct of every kind of field comes back as it was")
    func everything() throws {
        #expect(try roundTrip(Everything()) == Everything())
        #expect(try roundTrip([Everything(), Everything(int8: 5, some: nil, none: 3)]).count == 2)
    }

    @Test(
        "integers come back over their full range",
        arguments: [0, 1, 63, 64, 127, 128, 247, 248, 255, 256, 65_535, 1 << 40])
    func integers(_ number: Int) throws {
        for value in [number, -number, ~number, .max - number, .min + number] {
            #expect(try roundTrip(value) == value)
            #expect(try roundTrip([String(value): value]) == [String(value): value])
            #expect(try roundTrip(Int128(value) << 60) == Int128(value) << 60)
        }
        #expect(try roundTrip(UInt64.max - UInt64(number)) == UInt64.max - UInt64(number))
        #expect(try roundTrip(UInt128.max - UInt128(number)) == UInt128.max - UInt128(number))
    }

    @Test("every 8- and 16-bit number comes back")
    func smallIntegers() throws {
        for number in Int16.min...Int16.max {
            guard try roundTrip(number) == number,
                try roundTrip(UInt16(bitPattern: number)) == UInt16(bitPattern: number)
            else {
                Issue.record("\(number) did not come back")
                return
            }
        }
        for number in Int8.min...Int8.max {
            #expect(try roundTrip(number) == number)
            #expect(try roundTrip(UInt8(bitPattern: number)) == UInt8(bitPattern: number))
        }
    }

    @Test("floating-point numbers keep their bits, those of NaN included")
    func floats() throws {
        for bits: UInt64 in [0, 1, 1 << 63, 0x7FF0_0000_0000_0000, 0x7FF8_0000_0000_1234, 0xFFF8_0000_0000_0001] {
            #expect(try roundTrip(Double(bitPattern: bits)).bitPattern == bits)
            #expect(try roundTrip([Double(bitPattern: bits)])[0].bitPattern == bits)
            #expect(try roundTrip(["a": Double(bitPattern: bits)])["a"]?.bitPattern == bits)
        }
        for bits: UInt32 in [0, 1, 1 << 31, 0x7F80_0000, 0x7FC0_1234] {
            #expect(try roundTrip(Float(bitPattern: bits)).bitPattern == bits)
        }
        #if !(os(macOS) && arch(x86_64))
            #expect(try roundTrip(Float16(0.5)) == 0.5)
            #expect(try roundTrip(Float16.greatestFiniteMagnitude) == Float16.greatestFiniteMagnitude)
        #endif
    }

    @Test("strings come back, of any script and length")
    func strings() throws {
        for length in [0, 1, 7, 15, 16, 62, 63, 64, 247, 248, 255, 256, 70_000] {
            for character in ["a", "ß", "世", "👩‍👩‍👧", "\0"] {
                let string = String(repeating: character, count: length)
                #expect(try roundTrip(string) == string)
                #expect(try roundTrip([string: [string]]) == [string: [string]])
            }
        }
    }

    @Test("keys that are canonically equivalent and spelled differently stay what they are")
    func equivalentKeys() throws {
        let both = [["\u{E9}": 1], ["e\u{301}": 2]]
        let back = try roundTrip(both)
        #expect(back.flatMap { $0.keys.map { Array($0.utf8) } } == [Array("\u{E9}".utf8), Array("e\u{301}".utf8)])
    }

    @Test("keys of any length come back, also when many containers have them", arguments: [63, 64, 65, 300])
    func longKeys(_ length: Int) throws {
        for count in [1, 5, 50] {
            let names = (0..<count).map { "\($0)" + String(repeating: "k", count: length) }
            let numbers = Dictionary(uniqueKeysWithValues: names.map { ($0, $0.utf8.count) })
            let list = [numbers, [:], numbers, ["x": 1], numbers]
            #expect(try roundTrip(list) == list)
        }
    }

    @Test("enums with associated values, raw values and as keys")
    func enums() throws {
        let commands: [Command] = [.stop, .move(x: 1, y: -2), .say("hi", loudly: true), .both([.stop, .both([])])]
        #expect(try roundTrip(commands) == commands)
        #expect(try roundTrip([Level.low, .high]) == [.low, .high])
        #expect(try roundTrip([Word.yes: 1, .no: 2]) == [.yes: 1, .no: 2])
        #expect(try roundTrip(Tree.chain(20)) == Tree.chain(20))
    }

    @Test("collections of collections, sets, dictionaries with any key, ranges, empty ones")
    func collections() throws {
        #expect(try roundTrip([[[1]], [], [[], [2, 3]]]) == [[[1]], [], [[], [2, 3]]])
        #expect(try roundTrip([[String]]()) == [])
        #expect(try roundTrip([String: Int]()) == [:])
        #expect(try roundTrip([[1, 2]: ["a"], []: []]) == [[1, 2]: ["a"], []: []])
        #expect(try roundTrip(Set((0..<1000).map { Person(id: $0, name: "p\($0)", score: 0) })).count == 1000)
        #expect(try roundTrip(1..<5) == 1..<5)
        #expect(try roundTrip(SIMD4<Float>(1, 2, 3, 4)) == SIMD4(1, 2, 3, 4))
        #expect(try roundTrip([Nothing(), Nothing()]).count == 2)
        #expect(try encoded([Nothing](repeating: Nothing(), count: 100)).count >= 100)
        let many = Dictionary(uniqueKeysWithValues: (0..<2000).map { ("key \($0)", $0) })
        #expect(try roundTrip([many, many]) == [many, many])
    }

    @Test("nil in every place")
    func optionals() throws {
        #expect(try roundTrip(Int?.none) == nil)
        #expect(try roundTrip([Int?]([1, nil, 3])) == [1, nil, 3])
        #expect(try roundTrip([[UInt8]?]([[1], nil])) == [[1], nil])
        #expect(try roundTrip(["a": String?.none, "b": "x"]) == ["a": nil, "b": "x"])
        #expect(try roundTrip([Person?]([nil])) == [nil])
    }

    @Test("a subclass that encodes its superclass")
    func classes() throws {
        let dog = try roundTrip(Dog(name: "Rex"))
        #expect(dog.name == "Rex")
        #expect(dog.legs == 3)
    }

    @Test("arrays of numbers come back, by themselves, in fields, in arrays and in optionals")
    func blocks() throws {
        struct Holder<Element: Codable & Equatable>: Codable, Equatable {
            var one: [Element]
            var optional: [Element]?
            var nested: [[Element]]
            var missing: [Element]?
        }
        func check<E: Codable & Equatable>(_ elements: [E]) throws {
            #expect(try roundTrip(elements) == elements)
            #expect(try roundTrip([E]()) == [])
            let holder = Holder(one: elements, optional: elements, nested: [elements, [], elements])
            #expect(try roundTrip(holder) == holder)
            #expect(try roundTrip([elements]) == [elements])
            #expect(try roundTrip(ContiguousArray(elements)) == ContiguousArray(elements))
        }
        try check([UInt8](0...255))
        try check([Int8.min, 0, .max])
        try check([Int16.min, 0, .max])
        try check([Int32.min, 0, .max])
        try check([Int64.min, 0, .max])
        try check([Int.min, 0, .max])
        try check([UInt16.min, .max])
        try check([UInt32.min, .max])
        try check([UInt64.min, .max])
        try check([UInt.min, .max])
        try check([Float(1), -0.5, .infinity])
        try check([1.0, -0.5, .infinity])
        try check([true, false])
        try check([Int128.min, .max])
    }

    @Test("a block can be read as what it was not written as, if the numbers fit")
    func blocksAsOthers() throws {
        let bytes = try encoded([1, 2, 3])
        #expect(try decoded(Set<Int>.self, bytes) == [1, 2, 3])
        #expect(try decoded([Int64].self, bytes) == [1, 2, 3])
        #expect(try decoded([UInt8].self, bytes) == [1, 2, 3])
        #expect(try decoded([Int128].self, bytes) == [1, 2, 3])
        #expect(try decoded([Int?].self, bytes) == [1, 2, 3])
        #expect(try decoded([Level].self, encoded([UInt16(1)])) == [.low])
        #expect(try decoded([Double].self, encoded([Float(1.5)])) == [1.5])
        #expect(try decoded([Float].self, encoded([1.5])) == [1.5])
        #expect(try decoded([Int].self, encoded(Set([7]))) == [7])
        #expect(try decoded(ContiguousArray<UInt8>.self, encoded([UInt8(7)])) == [7])
        #expect(try decoded([UInt8].self, encoded(ContiguousArray<UInt8>([7]))) == [7])
        #expect(throws: DecodingError.self) { try decoded([UInt8].self, encoded([1, 256])) }
        #expect(throws: DecodingError.self) { try decoded([Int].self, encoded([1.0])) }
        #expect(throws: DecodingError.self) { try decoded([Person].self, bytes) }
        #expect(throws: DecodingError.self) { try decoded([[Int]].self, bytes) }
    }

    @Test("blocks too large for a short length, in containers around them, come back")
    func largeBlocks() throws {
        struct Outer: Codable, Equatable {
            var before: String
            var inner: [[String: [UInt8]]]
            var after: [Int]
        }
        let outer = Outer(
            before: "x", inner: [["a": [1]], ["b": [UInt8](repeating: 3, count: 100_000), "c": [4]]],
            after: Array(0..<5000))
        #expect(try roundTrip(outer) == outer)
        #expect(try roundTrip([outer, outer]) == [outer, outer])
    }

    @Test(
        "containers whose contents are around the lengths where a longer spelling begins come back",
        arguments: [240..<260, 65_525..<65_545])
    func lengths(_ range: Range<Int>) throws {
        for count in range {
            let list = [[Bool](repeating: true, count: count), [false]]
            #expect(try roundTrip(["key": list]) == ["key": list])
        }
    }

    @Test("random values of random shape come back", arguments: 0..<200)
    func random(_ seed: UInt64) throws {
        var generator = Generator(state: seed)
        let value = Anything.random(depth: 4, using: &generator)
        #expect(try roundTrip(value) == value)
    }
}
