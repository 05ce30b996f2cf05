import Auth

/// What goes into an HMAC and, unless it stands elsewhere, what must come out.
struct Vector: Sendable {
    var key: [UInt8]
    var message: [UInt8]
    var code = ""

    init(key: [UInt8], message: [UInt8], code: String = "") {
        self.key = key
        self.message = message
        self.code = code
    }

    init(key: [UInt8], message: String, code: String = "") {
        self.init(key: key, message: Array(message.utf8), code: code)
    }
}

private func times(_ count: Int, _ byte: UInt8) -> [UInt8] {
    [UInt8](repeating: byte, count: count)
}

/// The test cases of RFC 2202, section 2.
let md5Vectors = [
    Vector(key: times(16, 0x0b), message: "Hi There", code: "9294727a3638bb1c13f48ef8158bfc9d"),
    Vector(
        key: Array("Jefe".utf8), message: "what do ya want for nothing?", code: "750c783e6ab0b503eaa86e310a5db738"),
    Vector(key: times(16, 0xaa), message: times(50, 0xdd), code: "56be34521d144c88dbb8c733f0e8b3f6"),
    Vector(key: Array(1...25), message: times(50, 0xcd), code: "697eaf0aca3a3aea3a75164746ffaa79"),
    Vector(key: times(16, 0x0c), message: "Test With Truncation", code: "56461ef2342edc00f9bab995690efd4c"),
    Vector(
        key: times(80, 0xaa), message: "Test Using Larger Than Block-Size Key - Hash Key First",
        code: "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"),
    Vector(
        key: times(80, 0xaa), message: "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
        code: "6f630fad67cda0ee1fb1f562db3aa53e"),
]

/// The test cases of RFC 4231, section 4, which have one code for each hash function.
let rfc4231Inputs = [
    Vector(key: times(20, 0x0b), message: "Hi There"),
    Vector(key: Array("Jefe".utf8), message: "what do ya want for nothing?"),
    Vector(key: times(20, 0xaa), message: times(50, 0xdd)),
    Vector(key: Array(1...25), message: times(50, 0xcd)),
    Vector(key: times(20, 0x0c), message: "Test With Truncation"),
    Vector(key: times(131, 0xaa), message: "Test Using Larger Than Block-Size Key - Hash Key First"),
    Vector(
        key: times(131, 0xaa),
        message: "This is a test using a larger than block-size key and a larger than block-size data. "
            + "The key needs to be hashed before being used by the HMAC algorithm."),
]

let sha256Codes = [
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    "a3b6167473100ee06e0c796c2955552b",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
]

let sha384Codes = [
    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
    "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
    "3abf34c3503b2a23a46efc619baef897",
    "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
    "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
]

/// NIST's "Examples with Intermediate Values" for HMAC with SHA-3: keys shorter than a block, as long, and longer.
let sha3Vectors: [(DigestAlgorithm, Vector)] = [
    (
        .sha3_256,
        Vector(
            key: Array(0..<32), message: "Sample message for keylen<blocklen",
            code: "4fe8e202c4f058e8dddc23d8c34e467343e23555e24fc2f025d598f558f67205")
    ),
    (
        .sha3_256,
        Vector(
            key: Array(0..<136), message: "Sample message for keylen=blocklen",
            code: "68b94e2e538a9be4103bebb5aa016d47961d4d1aa906061313b557f8af2c3faa")
    ),
    (
        .sha3_256,
        Vector(
            key: Array(0..<168), message: "Sample message for keylen>blocklen",
            code: "9bcf2c238e235c3ce88404e813bd2f3a97185ac6f238c63d6229a00b07974258")
    ),
    (
        .sha3_384,
        Vector(
            key: Array(0..<48), message: "Sample message for keylen<blocklen",
            code: "d588a3c51f3f2d906e8298c1199aa8ff6296218127f6b38a90b6afe2c5617725bc99987f79b22a557b6520db710b7f42")
    ),
    (
        .sha3_384,
        Vector(
            key: Array(0..<104), message: "Sample message for keylen=blocklen",
            code: "a27d24b592e8c8cbf6d4ce6fc5bf62d8fc98bf2d486640d9eb8099e24047837f5f3bffbe92dcce90b4ed5b1e7e44fa90")
    ),
    (
        .sha3_384,
        Vector(
            key: Array(0..<152), message: "Sample message for keylen>blocklen",
            code: "e5ae4c739f455279368ebf36d4f5354c95aa184c899d3870e460ebc288ef1f9470053f73f7c6da2a71bcaec38ce7d6ac")
    ),
]
