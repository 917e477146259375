/// The candidate that a person who wrote `name` most likely meant, for "did you mean"; nil when none is near.
///
/// Near means few edits, a swap of neighbours counting as one: at most one in names of up to 3 letters, two up to 6, three
/// beyond. Letter case costs nothing. Of equally near candidates the first wins.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased().utf8)
    guard wanted.count <= 128 else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let letters = Array(candidate.lowercased().utf8)
        let longest = max(wanted.count, letters.count)
        var limit = longest <= 3 ? 1 : longest <= 6 ? 2 : 3
        if let best { limit = min(limit, best.distance - 1) }
        guard limit >= 0, abs(wanted.count - letters.count) <= limit, letters.count <= 128,
            let distance = editDistance(wanted, letters, atMost: limit), distance < longest
        else { continue }
        best = (candidate, distance)
        if distance == 0 { break }
    }
    return best?.name
}

/// `; did you mean "x"?` for messages, or the fallback when nothing is near.
func suggestion(for name: String, among candidates: some Sequence<String>, otherwise: String = "") -> String {
    nearestName(to: name, among: candidates).map { "; did you mean \"\($0)\"?" } ?? otherwise
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; nil when more than `limit`.
private func editDistance(_ a: [UInt8], _ b: [UInt8], atMost limit: Int) -> Int? {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1] + [Int](repeating: 0, count: b.count)
        for j in 0..<b.count {
            var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
            row[j + 1] = cost
        }
        if let least = row.min(), least > limit { return nil }
        (beforeLast, last) = (last, row)
    }
    return last[b.count] <= limit ? last[b.count] : nil
}
