import SQLite
import SchedulerCore
import Store

/// Who has failed too often waits: one name from one address, and one name from anywhere. Names that nobody has are treated
/// as others are, or the answer would tell which there are.
enum LockOut {
    struct Limits: Sendable {
        var failuresOfAddress = 5
        var failuresOfName = 20
        /// So long a failure counts.
        var window = TimeAmount(seconds: 15 * 60)
        var shortest = TimeAmount(seconds: 60)
        var longest = TimeAmount(seconds: 3600)
        /// So long after its end a lock-out makes the next one longer.
        var memory = TimeAmount(seconds: 24 * 3600)
        /// At most so many failures and lock-outs are kept, whatever is tried.
        var mostFailures = 20_000
        var mostLocks = 10_000
    }

    /// Stands for every address.
    private static let anywhere = ""

    /// What cannot be a user's name is kept under one name, which nobody can have.
    static func key(name: String) -> String { isID(name) ? name : "" }

    static func key(address: String) -> String {
        address.isEmpty ? "unknown" : String(decoding: address.utf8.prefix(64), as: UTF8.self)
    }

    /// How long this name is still refused from this address; nil: it is not.
    static func remaining(
        name: String, address: String, now: Instant, _ connection: SQLiteConnection
    ) throws(StoreError) -> TimeAmount? {
        let until = try connection.rows(
            "SELECT max(until) FROM lock_out WHERE name = ? AND address IN (?, ?) AND until > ?",
            [.text(key(name: name)), .text(key(address: address)), .text(anywhere), SQLiteValue(now)]
        ) { $0.optionalInstant(0) }
        return until.first?.map { $0 - now }
    }

    /// A sign-in has failed; how long the next one is refused, if it is.
    static func note(
        name: String, address: String, now: Instant, _ limits: Limits, _ connection: SQLiteConnection
    ) throws(StoreError) -> TimeAmount? {
        let (name, address) = (key(name: name), key(address: address))
        try connection.execute(
            "INSERT INTO sign_in_failure (name, address, at) VALUES (?, ?, ?)", .text(name), .text(address),
            SQLiteValue(now))
        let count = "SELECT count(*) FROM sign_in_failure WHERE name = ? AND at > ?"
        let since = SQLiteValue(now - limits.window)
        let ofName = try connection.integer(count, .text(name), since) ?? 0
        let ofAddress = try connection.integer(count + " AND address = ?", .text(name), since, .text(address)) ?? 0
        if ofAddress >= Int64(limits.failuresOfAddress) { try lock(name, address, now, limits, connection) }
        if ofName >= Int64(limits.failuresOfName) { try lock(name, anywhere, now, limits, connection) }
        return try remaining(name: name, address: address, now: now, connection)
    }

    private static func lock(
        _ name: String, _ address: String, _ now: Instant, _ limits: Limits, _ connection: SQLiteConnection
    ) throws(StoreError) {
        let before =
            try connection.integer(
                "SELECT level FROM lock_out WHERE name = ? AND address = ?", .text(name), .text(address)) ?? 0
        let doubled = limits.shortest.microseconds << min(before, 20)
        let length = TimeAmount(microseconds: min(doubled, limits.longest.microseconds))
        try connection.execute(
            """
            INSERT INTO lock_out VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET level = excluded.level, until = excluded.until
            """, .text(name), .text(address), .integer(before + 1), SQLiteValue(now + length))
        try AccessStore.note(
            "sign_in.locked", name.isEmpty ? "?" : name,
            "for \(length)" + (address == anywhere ? ", from anywhere" : ", from \(address)"),
            by: "?", at: now, connection)
    }

    /// - Parameter address: what this one has done is forgotten; nil: what all have.
    static func end(name: String, address: String?, _ connection: SQLiteConnection) throws(StoreError) {
        let address = address.map { SQLiteValue.text(key(address: $0)) } ?? .null
        for table in ["sign_in_failure", "lock_out"] {
            try connection.execute(
                "DELETE FROM \(table) WHERE name = ? AND (? IS NULL OR address = ?)", .text(key(name: name)), address,
                address)
        }
    }

    /// Removes what no longer counts, and what is too much.
    static func prune(_ connection: SQLiteConnection, _ limits: Limits, now: Instant) throws(StoreError) {
        try connection.execute(
            "DELETE FROM sign_in_failure WHERE at <= ? OR id <= (SELECT max(id) FROM sign_in_failure) - ?",
            SQLiteValue(now - limits.window), SQLiteValue(limits.mostFailures))
        try connection.execute("DELETE FROM lock_out WHERE until <= ?", SQLiteValue(now - limits.memory))
        // The longest ones are kept: many short ones must not push out what somebody has earned.
        try connection.execute(
            """
            DELETE FROM lock_out WHERE (name, address) IN
            (SELECT name, address FROM lock_out ORDER BY until DESC LIMIT -1 OFFSET ?)
            """, SQLiteValue(limits.mostLocks))
    }
}
