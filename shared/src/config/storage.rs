//! `*_BUCKET`, `*_QUEUE_URL`, `BACKUP_*`, `POSTGRES_BIN`, `DATABASE_CLUSTER_ID`, `DATABASE_ENGINE`: storage and queues.

use super::section::section;

section! {
    /// Storage and queues
    pub struct Storage {
        /// The S3 bucket of the backups.
        backups: String = text("BACKUP_BUCKET", "") { allowed: "a bucket's name", example: "arches-dev-backups" };
        /// The KMS key that encrypts backups. Without it the bucket's own setting applies.
        backup_key: String = text("BACKUP_KMS_KEY", "") {
            used_by: "backup, restore-drill",
            allowed: "the ARN of a KMS key",
            example: "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        };
        /// The KMS key that authenticates the manifests of backups: an HMAC key.
        backup_mac_key: String = text("BACKUP_MAC_KEY", "") {
            allowed: "the ARN or the alias of a KMS key",
            example: "arn:aws:kms:eu-west-1:123456789012:key/0987dcba-09fe-87dc-65ba-ab0987654321"
        };
        /// The folder of `pg_dump` and `pg_restore`. The layer has them in `/opt/<architecture>/bin`.
        postgres_bin: String = text("POSTGRES_BIN", "/opt/bin") {
            used_by: "backup, restore-drill",
            allowed: "a path"
        };
        /// The database whose newest restorable time is measured.
        cluster: String = text("DATABASE_CLUSTER_ID", "") {
            allowed: "the identifier of a cluster of Aurora or of an instance of RDS",
            example: "arches-dev"
        };
        /// What that database is: a cluster of Aurora, or an instance of RDS for PostgreSQL.
        engine: &'static str = one_of("DATABASE_ENGINE", "aurora-postgresql", &["aurora-postgresql", "postgres"]) {
            used_by: "recovery-points"
        };
        /// The S3 bucket of the ledger of erasures.
        erasures: String = text("ERASURE_BUCKET", "") {
            allowed: "a bucket's name",
            example: "arches-dev-erasures"
        };
        /// The S3 bucket of the artifacts.
        artifacts: String = text("ARTIFACT_BUCKET", "") {
            allowed: "a bucket's name",
            example: "arches-dev-artifacts"
        };
        /// The queue of `extract`.
        extract_queue: String = text("EXTRACT_QUEUE_URL", "") {
            allowed: "the URL of an SQS queue",
            example: "https://sqs.eu-west-1.amazonaws.com/123456789012/arches-dev-extract"
        };
        /// The queue of `index`.
        index_queue: String = text("INDEX_QUEUE_URL", "") {
            allowed: "the URL of an SQS queue",
            example: "https://sqs.eu-west-1.amazonaws.com/123456789012/arches-dev-index"
        };
    }
}
