import JSONText
import Synchronization

/// The credentials of the machine that this runs on, by its metadata service (Amazon EC2 User Guide, "Use IMDSv2").
final class MachineCredentials: Sendable {
    private struct Known {
        var credentials: S3Credentials
        var since: ContinuousClock.Instant
    }

    private let endpoint: String
    private let connections = HTTPConnections()
    private let known = Mutex<Known?>(nil)

    /// New ones are there five minutes before the old ones end.
    private static let keep = Duration.seconds(240)

    init(endpoint: String) { self.endpoint = endpoint }

    func current() throws(ObjectStoreError) -> S3Credentials {
        try known.withLock { known throws(ObjectStoreError) in
            if let known, ContinuousClock.now - known.since < Self.keep { return known.credentials }
            let credentials = try ask()
            known = Known(credentials: credentials, since: .now)
            return credentials
        }
    }

    private func ask() throws(ObjectStoreError) -> S3Credentials {
        let path = "/latest/meta-data/iam/security-credentials/"
        let token = try text("PUT", "/latest/api/token", [("X-aws-ec2-metadata-token-ttl-seconds", "300")])
        let headers = [(name: "X-aws-ec2-metadata-token", value: token)]
        let role = try text("GET", path, headers).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        let answer = try text("GET", path + role, headers)
        guard let root = (try? JSONDocument(parsing: Array(answer.utf8)))?.root, let id = root["AccessKeyId"]?.string,
            let secret = root["SecretAccessKey"]?.string
        else { throw Self.none("its metadata service has no credentials for the role '\(role)'") }
        return S3Credentials(id: id, secret: secret, sessionToken: root["Token"]?.string)
    }

    private func text(
        _ method: String, _ path: String, _ headers: [(name: String, value: String)]
    ) throws(ObjectStoreError) -> String {
        var exchange = HTTPExchange(method: method, url: endpoint + path, headers: headers)
        exchange.stallSeconds = 3
        exchange.connectMilliseconds = 1000
        if method == "PUT" { exchange.body = .bytes([]) }
        let answer = try connections.perform(exchange)
        if let failure = answer.failure { throw Self.none("\(endpoint): \(failure.message)") }
        guard answer.status == 200 else { throw Self.none("\(endpoint)\(path) answered \(answer.status)") }
        return String(decoding: answer.body, as: UTF8.self)
    }

    private static func none(_ why: String) -> ObjectStoreError {
        ObjectStoreError(
            .forbidden,
            "there are no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in "
                + "~/.aws/credentials; this machine has none either (\(why))")
    }
}
