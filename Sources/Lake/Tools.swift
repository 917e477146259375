import Glibc
import Spawn

/// Programs that `make setup` brings.
public enum Tools {
    /// Where a program stands: in `.tools` of the home, beside this program, or in `.tools` of the project that it was built in.
    ///
    /// - Parameter name: below `.tools`.
    public static func find(_ name: String, home: String) -> String? {
        var places = [home + "/.tools/" + name]
        if let own = realpath("/proc/self/exe", nil) {
            defer { free(own) }
            var folder = File.parent(of: String(cString: own))
            places.append(folder + "/" + name)
            for _ in 0..<4 {
                folder = File.parent(of: folder)
                places.append(folder + "/.tools/" + name)
            }
        }
        return places.first { access($0, X_OK) == 0 }
    }
}
