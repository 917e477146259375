import CPosix
import Glibc

/// What the programs that a process runs leave behind, such as the delivery that a mail system does in the background.
///
/// For a process of its own with one purpose: `wait` takes the end of every child.
public enum Orphans {
    private static let lookMicroseconds: UInt32 = 5_000

    /// From now on, what a program of this process leaves behind becomes its child.
    public static func adopt() { _ = weir_become_subreaper() }

    /// Waits until this process has no children any more.
    ///
    /// - Parameter microseconds: at most so long; what lives then is left to whoever ends the process.
    public static func wait(_ microseconds: Int64) {
        let deadline = BootClock.after(microseconds)
        while BootClock.now() < deadline {
            let ended = waitpid(-1, nil, WNOHANG)
            if ended < 0, errno != EINTR { return }
            if ended == 0 { usleep(lookMicroseconds) }
        }
    }
}
