import Glibc

/// Where this process may make cgroups for its attempts.
public enum CgroupRoot {
    /// The directory of this process's own cgroup, when cgroup v2 is mounted and a group can be made there; else nil.
    ///
    /// A group for an attempt is a directory below it, made by the supervisor. A hybrid system mounts v2 somewhere else
    /// than at /sys/fs/cgroup, so the mount is looked up.
    public static func find() -> String? {
        guard let mount = mountPoint(), let own = ownPath() else { return nil }
        let base = own == "/" ? mount : mount + own
        // Moving a process asks for the right to write here, in the common ancestor.
        guard access(base + "/cgroup.procs", W_OK) == 0 else { return nil }
        let probe = "\(base)/weir-probe-\(getpid())"
        guard let group = Cgroup.create(probe) else { return nil }
        group.remove()
        return base
    }

    private static func mountPoint() -> String? {
        for line in lines("/proc/mounts") {
            let fields = line.split(separator: " ")
            if fields.count > 2, fields[2] == "cgroup2" { return unescaped(String(fields[1])) }
        }
        return nil
    }

    /// The line `0::/path` of /proc/self/cgroup. A path above the mount's root (`/..`) cannot be reached.
    private static func ownPath() -> String? {
        guard let line = lines("/proc/self/cgroup").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        let path = line.dropFirst(3)
        return path.hasPrefix("/..") ? nil : String(path)
    }

    private static func lines(_ path: String) -> [Substring] {
        guard let bytes = try? File.read(path) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    /// proc(5): space, tab, newline and backslash stand as three octal digits.
    static func unescaped(_ field: String) -> String {
        var bytes = Array(field.utf8)[...]
        var plain: [UInt8] = []
        while let byte = bytes.popFirst() {
            let digits = bytes.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                plain.append(code)
                bytes = bytes.dropFirst(3)
            } else {
                plain.append(byte)
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }
}
