import Auth
import Testing

@Suite("Digests: published vectors")
struct DigestVectorTests {
    @Test(
        "MD5 gives the digests of RFC 1321, appendix A.5",
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f"
            ),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a"
            ),
        ])
    func md5(message: String, digest: String) {
        #expect(hexadecimal(MD5.hash(Array(message.utf8))) == digest)
    }

    @Test(
        "SHA-256 gives the digests of the FIPS 180-4 examples",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (message448, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            (message896, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
        ])
    func sha256(message: String, digest: String) {
        #expect(hexadecimal(SHA256.hash(Array(message.utf8))) == digest)
    }

    @Test(
        "SHA-384 gives the digests of the FIPS 180-4 examples",
        arguments: [
            (
                "",
                "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"
            ),
            (
                "abc",
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
            ),
            (
                message448,
                "3391fdddfc8dc7393707a65b1b4709397cf8b1d162af05abfe8f450de5f36bc6b0455a8520bc4e6f5fe95b1fe3c8452b"
            ),
            (
                message896,
                "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039"
            ),
        ])
    func sha384(message: String, digest: String) {
        #expect(hexadecimal(SHA384.hash(Array(message.utf8))) == digest)
    }

    @Test(
        "a million times the letter a gives the FIPS 180-4 digests",
        arguments: [
            (DigestAlgorithm.sha256, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
            (
                .sha384,
                "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985"
            ),
        ])
    func millionLetters(algorithm: DigestAlgorithm, digest: String) {
        #expect(hexadecimal(algorithm.hash([UInt8](repeating: 0x61, count: 1_000_000))) == digest)
    }

    @Test(
        "SHA3-256 gives the digests of the FIPS 202 examples",
        arguments: [
            ([], "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"),
            (Array("abc".utf8), "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
            (message1600, "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787"),
        ])
    func sha3With256Bits(message: [UInt8], digest: String) {
        #expect(hexadecimal(SHA3_256.hash(message)) == digest)
    }

    @Test(
        "SHA3-384 gives the digests of the FIPS 202 examples",
        arguments: [
            (
                [],
                "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004"
            ),
            (
                Array("abc".utf8),
                "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"
            ),
            (
                message1600,
                "1881de2ca7e41ef95dc4732b8f5f002b189cc1e42b74168ed1732649ce1dbcdd76197a31fd55ee989f2d7050dd473e8f"
            ),
        ])
    func sha3With384Bits(message: [UInt8], digest: String) {
        #expect(hexadecimal(SHA3_384.hash(message)) == digest)
    }
}

// The messages of the examples, by their lengths in bits.
private let message448 = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
private let message896 =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
private let message1600 = [UInt8](repeating: 0xa3, count: 200)
