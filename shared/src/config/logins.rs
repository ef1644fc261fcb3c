//! `*_CREDENTIALS`: the database logins that `migrate` creates for the other functions.

use super::{Setting, section::section};

section! {
    /// Database logins that `migrate` creates; without a value it creates no such login
    pub struct Logins {
        /// The login of the API's functions, a member of `arches_app`. The password may have printable ASCII characters only.
        api: Setting = credentials("API_CREDENTIALS") {
            used_by: "migrate",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/database-AbCdEf"
        };
        /// The secret from which the proxy reads one of the two names of that login; `migrate` writes it.
        api_proxy: Setting = credentials("API_PROXY_CREDENTIALS") {
            used_by: "migrate",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/proxy-api-AbCdEf"
        };
        /// The same, for the other name of that login.
        api_proxy_alternate: Setting = credentials("API_PROXY_ALTERNATE_CREDENTIALS") {
            used_by: "migrate",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/proxy-api-alternate-AbCdEf"
        };
        /// The login of `retention`, a member of `arches_retention`. Characters as above.
        retention: Setting = credentials("RETENTION_CREDENTIALS") {
            used_by: "migrate",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/database-retention-AbCdEf"
        };
        /// The secret from which the proxy reads one of the two names of that login; `migrate` writes it.
        retention_proxy: Setting = credentials("RETENTION_PROXY_CREDENTIALS") {
            used_by: "migrate",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/proxy-retention-AbCdEf"
        };
        /// The same, for the other name of that login.
        retention_proxy_alternate: Setting = credentials("RETENTION_PROXY_ALTERNATE_CREDENTIALS") {
            used_by: "migrate",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/proxy-retention-alternate-AbCdEf"
        };
        /// The login of `backup`, a member of `pg_read_all_data`. Characters as above.
        backup: Setting = credentials("BACKUP_CREDENTIALS") {
            used_by: "migrate",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/database-backup-AbCdEf"
        };
    }
}
