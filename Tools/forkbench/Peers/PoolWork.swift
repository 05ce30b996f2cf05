/// What the peers' script does of the pool's benchmarks, by their names.
///
/// `pool.recovery` is not among it: a worker of theirs that is killed while it waits for a task holds the lock of their queue, and
/// the pool hangs.
let poolWork: [String: [String]] = [
    "pool.roundtrip": ["pool-apply"],
    "pool.roundtrip.async": ["pool-apply"],
    "pool.roundtrip.hop": ["pool-apply"],
    "pool.map.unit": ["pool-map", "--workers", "2", "--tasks", "2000", "--chunk", "1"],
    "pool.map.chunked": ["pool-map", "--workers", "2", "--tasks", "20000"],
    "pool.payload.16MiB": ["pool-payload", "--bytes", "16777216"],
    "pool.worker.memory": ["pool-memory"],
]
