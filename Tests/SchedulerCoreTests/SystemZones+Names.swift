import Foundation

extension SystemZones {
    /// The names of all zones of the system's tzdata, the old ones too; without its second set, which counts leap seconds.
    static let names: [String] = {
        let folder = "/usr/share/zoneinfo"
        guard let files = FileManager.default.enumerator(atPath: folder) else { return [] }
        return files.compactMap { $0 as? String }.filter { name in
            let group = name.split(separator: "/").first ?? ""
            return !["posix", "right"].contains(group) && !["localtime", "posixrules"].contains(name)
                && bytes(name)?.starts(with: Array("TZif".utf8)) == true
        }.sorted()
    }()

    /// Zones with peculiar clocks, or none of them.
    static let usual = [
        "Africa/Cairo", "Africa/Casablanca", "America/Caracas", "America/Havana", "America/New_York",
        "America/Santiago", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns", "Antarctica/Casey",
        "Antarctica/Troll", "Asia/Amman", "Asia/Beirut", "Asia/Dhaka", "Asia/Gaza", "Asia/Kathmandu", "Asia/Kolkata",
        "Asia/Pyongyang", "Asia/Tehran", "Australia/Adelaide", "Australia/Lord_Howe", "Europe/Dublin",
        "Europe/Istanbul",
        "Europe/Moscow", "Europe/Zurich", "Pacific/Apia", "Pacific/Chatham", "Pacific/Fakaofo", "Pacific/Kiritimati",
        "Pacific/Kwajalein",
    ]

    /// A file of the system as text.
    static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
