import CPosix
import Glibc

/// Keeps the space that a growing log takes within its cap: its head and its tail stay, the middle is freed.
struct LogCap {
    private let file: Int32
    private let half: Int64
    private let block: Int64
    /// Where the hole begins: the head, in whole blocks.
    private let head: Int64
    private var freedUpTo: Int64
    /// Bytes that the task wrote, as of the last look.
    private(set) var size: Int64 = 0

    /// - Parameters:
    ///   - file: the log, open for writing; belongs to the caller.
    ///   - cap: bytes; what is kept may be up to two blocks of the file system more.
    init(file: Int32, cap: Int64) {
        self.file = file
        half = max(1, cap / 2)
        var status = stat()
        block = fstat(file, &status) == 0 ? max(4096, Int64(status.st_blksize)) : 4096
        head = (half + block - 1) / block * block
        freedUpTo = head
    }

    /// Looks at the log's size and frees what lies between head and tail.
    ///
    /// - Returns: whether the log has grown since the last look.
    mutating func trim() -> Bool {
        var status = stat()
        guard fstat(file, &status) == 0 else { return false }
        let grew = Int64(status.st_size) != size
        // The task has cut it off, for example by `> /dev/stdout`: what comes now is data again.
        if Int64(status.st_size) < size { freedUpTo = head }
        size = Int64(status.st_size)
        let end = (size - half) / block * block
        // Where the file system has no holes the log just grows.
        if end > freedUpTo, weir_punch_hole(file, freedUpTo, end - freedUpTo) == 0 { freedUpTo = end }
        return grew
    }
}
