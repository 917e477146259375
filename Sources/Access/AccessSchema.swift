import SQLite

/// The tables of access.db, as numbered migrations. One that was released is never changed; a new one is added.
enum AccessSchema {
    static let migrations = Migrations([("initial", initial)])

    /// Digests are SHA-256 in 64 hexadecimal digits, times microseconds since 1970. In `lock_out` an empty address stands
    /// for every address.
    private static let initial = """
        CREATE TABLE user (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 128),
            role TEXT NOT NULL CHECK (role IN (\(roles))),
            password TEXT NOT NULL CHECK (password GLOB '$argon2id$*'),
            disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
            created_at INTEGER NOT NULL,
            password_at INTEGER NOT NULL,
            last_sign_in_at INTEGER
        ) STRICT;

        CREATE TABLE session (
            digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
            user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
            address TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            last_used INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX session_of_user ON session (user, created_at);

        CREATE TABLE token (
            id TEXT PRIMARY KEY CHECK (length(id) = 12),
            digest TEXT NOT NULL CHECK (length(digest) = 64),
            user INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
            name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            role TEXT CHECK (role IN (\(roles))),
            is_limited INTEGER NOT NULL CHECK (is_limited IN (0, 1)),
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            revoked_at INTEGER,
            last_used INTEGER,
            last_address TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX token_of_user ON token (user);

        CREATE TABLE token_dag (
            token TEXT NOT NULL REFERENCES token (id) ON DELETE CASCADE,
            dag_id TEXT NOT NULL,
            PRIMARY KEY (token, dag_id)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE sign_in_failure (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            address TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX failure_of_name ON sign_in_failure (name, at);
        CREATE INDEX failure_by_time ON sign_in_failure (at);

        CREATE TABLE lock_out (
            name TEXT NOT NULL,
            address TEXT NOT NULL,
            level INTEGER NOT NULL CHECK (level > 0),
            until INTEGER NOT NULL,
            PRIMARY KEY (name, address)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX lock_out_by_time ON lock_out (until);

        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            details TEXT NOT NULL
        ) STRICT;
        CREATE INDEX audit_of_sign_ins ON audit (at) WHERE action GLOB 'sign_*';
        """

    private static let roles = Role.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
}
