import Spawn

/// Where an S3 server is and how it is spoken to.
public struct S3Settings: Sendable {
    /// `https://host:port`; nil for Amazon's of the region.
    public var endpoint: String?
    public var region: String
    /// The bucket stands in the path (`host/bucket/key`), not in the name of the host: for servers that are not Amazon's.
    public var isPathStyle: Bool
    public var source: CredentialSource
    /// How often a request is sent that fails for a reason that passes.
    public var tries = 8
    /// Before the second try; twice that before the third, and so on up to ten seconds. Milliseconds.
    public var firstPause = 100
    /// Larger files are written in parts of this size, 5 MiB at least and 10,000 at most.
    public var partSize: Int64 = 64 << 20
    /// So many objects are asked for at a time; the server's limit is a thousand.
    var pageSize = 1000

    public enum CredentialSource: Sendable, Hashable {
        case keys(S3Credentials)
        /// Those of the machine (or the container) that this runs on, asked for at its metadata service.
        case machine(endpoint: String)
        /// Requests are not signed: for buckets that anybody may read.
        case anonymous
    }

    public init(endpoint: String?, region: String, isPathStyle: Bool? = nil, source: CredentialSource) {
        self.endpoint = endpoint
        self.region = region
        self.isPathStyle = isPathStyle ?? (endpoint != nil)
        self.source = source
    }

    /// Amazon's address of the metadata service of a machine.
    static let machineEndpoint = "http://169.254.169.254"

    /// As the AWS tools find it (AWS SDKs and Tools Reference Guide): variables first, then the profile of the shared files,
    /// then the machine.
    ///
    /// - Throws: `.forbidden` when a profile is named that no file has, or a key without its secret.
    public init(variable lookUp: (String) -> String?) throws(ObjectStoreError) {
        func variable(_ name: String) -> String? { lookUp(name).flatMap { $0.isEmpty ? nil : $0 } }
        let home = variable("HOME") ?? ""
        let named = variable("AWS_PROFILE")
        let profile = named ?? "default"
        let files = [
            variable("AWS_SHARED_CREDENTIALS_FILE") ?? home + "/.aws/credentials",
            variable("AWS_CONFIG_FILE") ?? home + "/.aws/config",
        ]
        let sections = files.map { path in
            (try? File.read(path)).flatMap { SharedFile.section(profile, in: String(decoding: $0, as: UTF8.self)) }
        }
        func setting(_ name: String) -> String? { sections.lazy.compactMap { $0?[name] }.first { !$0.isEmpty } }

        endpoint = variable("AWS_ENDPOINT_URL_S3") ?? variable("AWS_ENDPOINT_URL") ?? setting("endpoint_url")
        while endpoint?.hasSuffix("/") == true { endpoint?.removeLast() }
        if let endpoint, !endpoint.hasPrefix("http://"), !endpoint.hasPrefix("https://") {
            throw ObjectStoreError(
                .refused,
                "the endpoint of S3 is '\(endpoint)'; it must begin with https:// or http:// (AWS_ENDPOINT_URL_S3)")
        }
        region = variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION") ?? setting("region") ?? "us-east-1"
        isPathStyle = endpoint != nil
        if let id = variable("AWS_ACCESS_KEY_ID") {
            guard let secret = variable("AWS_SECRET_ACCESS_KEY") else {
                throw ObjectStoreError(
                    .forbidden, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not: set both, or neither")
            }
            source = .keys(S3Credentials(id: id, secret: secret, sessionToken: variable("AWS_SESSION_TOKEN")))
        } else if let id = setting("aws_access_key_id") {
            guard let secret = setting("aws_secret_access_key") else {
                throw ObjectStoreError(
                    .forbidden,
                    "the profile '\(profile)' in \(files[0]) has aws_access_key_id and no aws_secret_access_key")
            }
            source = .keys(S3Credentials(id: id, secret: secret, sessionToken: setting("aws_session_token")))
        } else if let named, sections.allSatisfy({ $0 == nil }) {
            throw ObjectStoreError(
                .forbidden, "AWS_PROFILE is '\(named)', and neither \(files[0]) nor \(files[1]) has such a profile")
        } else {
            source = .machine(endpoint: variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? Self.machineEndpoint)
        }
    }
}
