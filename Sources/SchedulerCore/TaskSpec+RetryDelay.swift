extension TaskSpec {
    /// The delay before retry `k` (from 1): `min(max_retry_delay, retry_delay * retry_backoff^(k-1))`, lengthened by up to
    /// a tenth of itself. The tenth comes from the attempt's id, so that it survives a restart and spreads herds.
    func delay(beforeRetry k: Int, attempt: Int64) -> TimeAmount {
        let base = plainDelay(beforeRetry: k)
        // The finalizer of SplitMix64 (Steele, Lea, Flood 2014): neighbouring ids give unrelated fractions.
        var bits = UInt64(bitPattern: attempt) &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        bits ^= bits >> 31
        let fraction = Double(bits >> 11) / Double(1 << 53)
        return TimeAmount(microseconds: base.microseconds + Int64(Double(base.microseconds) * 0.1 * fraction))
    }

    /// No retry of the task waits longer than this.
    var longestDelay: TimeAmount {
        let longest = plainDelay(beforeRetry: max(1, retries))
        return TimeAmount(microseconds: longest.microseconds + longest.microseconds / 10 + 1)
    }

    private func plainDelay(beforeRetry k: Int) -> TimeAmount {
        var delay = Double(retryDelay.microseconds)
        // Ten years is as long as any delay gets; it also keeps the product within Int64.
        let limit = Double(maxRetryDelay?.microseconds ?? 315_360_000_000_000)
        for _ in 1..<max(1, k) where delay < limit { delay *= retryBackoff }
        return TimeAmount(microseconds: Int64(min(delay, limit)))
    }
}
