import BinaryCoding

func encoded<T: Encodable>(_ value: T) throws -> [UInt8] { try BinaryEncoder().encode(value) }

func decoded<T: Decodable>(_ type: T.Type = T.self, _ bytes: [UInt8]) throws -> T {
    try BinaryDecoder().decode(type, from: bytes)
}

func roundTrip<T: Codable>(_ value: T) throws -> T { try decoded(T.self, encoded(value)) }

struct Person: Codable, Hashable {
    var id: Int
    var name: String
    var score: Double
}

struct Everything: Codable, Equatable {
    var bool = true
    var int8 = Int8.min
    var int16 = Int16.min
    var int32 = Int32.min
    var int64 = Int64.min
    var int128 = Int128.min
    var uint8 = UInt8.max
    var uint16 = UInt16.max
    var uint32 = UInt32.max
    var uint64 = UInt64.max
    var uint128 = UInt128.max
    var float = Float.pi
    var double = Double.pi
    var string = "Grüße, 世界 👩‍👩‍👧"
    var some: Int? = 1
    var none: Int?
    var nested: Person? = Person(id: -1, name: "", score: -0.0)
    var bytes: [UInt8] = [1, 2, 3]
    var people = [Person(id: 1, name: "a", score: 1), Person(id: 2, name: "b", score: 2)]
    var byName = ["x": [1, 2], "y": []]
    var byNumber = [1: "one", -2: "minus two"]
    var set: Set<String> = ["p", "q"]
}

enum Command: Codable, Equatable {
    case stop
    case move(x: Int, y: Int)
    case say(String, loudly: Bool)
    case both([Command])
}

enum Level: UInt16, Codable {
    case low = 1
    case high = 60_000
}

enum Word: String, Codable, CodingKeyRepresentable { case yes, no }

indirect enum Tree: Codable, Equatable {
    case leaf(Int)
    case node(Tree, Tree)

    static func chain(_ length: Int) -> Tree {
        (0..<length).reduce(.leaf(0)) { tree, number in .node(tree, .leaf(number)) }
    }
}

final class Link: Codable {
    var next: Link?

    static func chain(_ length: Int) -> Link {
        let first = Link()
        var last = first
        for _ in 1..<length {
            let link = Link()
            last.next = link
            last = link
        }
        return first
    }
}

class Animal: Codable {
    var legs = 4
    init(legs: Int) { self.legs = legs }
}

final class Dog: Animal {
    var name: String
    private enum Keys: CodingKey { case name }

    init(name: String) {
        self.name = name
        super.init(legs: 3)
    }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        name = try container.decode(String.self, forKey: .name)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try super.encode(to: container.superEncoder())
        try container.encode(name, forKey: .name)
    }
}

struct Nothing: Codable, Hashable {}

/// Encodes by a closure, and decodes by none.
struct Custom: Encodable {
    var body: (any Encoder) throws -> Void
    func encode(to encoder: any Encoder) throws { try body(encoder) }
}

struct AnyKey: CodingKey, Hashable {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ string: String) { stringValue = string }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}

/// Reads whatever the bytes are, through every kind of container.
enum Anything: Codable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case unsigned(UInt64)
    case double(Double)
    case string(String)
    case list([Anything])
    case map([String: Anything])

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: AnyKey.self) {
            var map: [String: Anything] = [:]
            for key in container.allKeys {
                map[key.stringValue] = try container.decode(Anything.self, forKey: key)
            }
            self = .map(map)
        } else if var container = try? decoder.unkeyedContainer() {
            var list: [Anything] = []
            while !container.isAtEnd { list.append(try container.decode(Anything.self)) }
            self = .list(list)
        } else {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .int(value)
            } else if let value = try? container.decode(UInt64.self) {
                self = .unsigned(value)
            } else if let value = try? container.decode(Double.self) {
                self = .double(value)
            } else {
                self = .string(try container.decode(String.self))
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .map(let map):
            var container = encoder.container(keyedBy: AnyKey.self)
            for (key, value) in map { try container.encode(value, forKey: AnyKey(key)) }
        case .list(let list):
            var container = encoder.unkeyedContainer()
            for value in list { try container.encode(value) }
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .bool(let value): try container.encode(value)
            case .int(let value): try container.encode(value)
            case .unsigned(let value): try container.encode(value)
            case .double(let value): try container.encode(value)
            case .string(let value): try container.encode(value)
            default: try container.encodeNil()
            }
        }
    }

    static func random(depth: Int, using generator: inout Generator) -> Anything {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2:
            return .int(
                Int64.random(in: .min ... .max, using: &generator) >> Int64.random(in: 0..<64, using: &generator))
        case 3: return .unsigned(.random(in: (1 << 63)...UInt64.max, using: &generator))
        case 4: return .double(.random(in: -1e9...1e9, using: &generator))
        case 5: return .string(.random(using: &generator))
        case 6:
            return .list(
                (0..<Int.random(in: 1...6, using: &generator)).map { _ in random(depth: depth - 1, using: &generator) })
        default:
            var map: [String: Anything] = [:]
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                map[.random(using: &generator)] = random(depth: depth - 1, using: &generator)
            }
            return .map(map)
        }
    }
}

extension String {
    static func random(using generator: inout Generator) -> String {
        let length = Int.random(in: 0...(Int.random(in: 0..<50, using: &generator) == 0 ? 400 : 12), using: &generator)
        return String((0..<length).map { _ in "abcdefgh0123éß世👍".randomElement(using: &generator) ?? "?" })
    }
}

/// SplitMix64: small, and the same numbers each time.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
