//! Public prices of AWS in `us-east-1`, on demand, without free tiers.

/// A price, and when it was seen.
#[derive(Debug, PartialEq)]
pub struct Price {
    pub dollars: f64,
    pub unit: &'static str,
    /// The year, or year and month.
    pub seen: &'static str,
    /// The page of AWS that has it.
    pub page: &'static str,
}

macro_rules! prices {
    ($($name:ident: $dollars:literal, $unit:literal, $seen:literal, $page:literal;)*) => {
        $(pub const $name: Price = Price { dollars: $dollars, unit: $unit, seen: $seen, page: $page };)*
        /// All of them.
        #[cfg(test)]
        pub const ALL: &[&Price] = &[$(&$name),*];
    };
}

prices! {
    INVOCATIONS: 0.20, "million requests", "2025", "lambda";
    // arm64.
    COMPUTE: 0.000_013_333_4, "GB-s", "2025", "lambda";
    REST_API: 3.50, "million requests", "2025", "api-gateway";
    WEB_ACL: 5.0, "web ACL", "2026", "waf";
    WEB_ACL_RULE: 1.0, "rule", "2026", "waf";
    WEB_ACL_REQUESTS: 0.60, "million requests", "2026", "waf";
    CDN_REQUESTS: 1.0, "million requests", "2025", "cloudfront";
    CDN_TRAFFIC: 0.085, "GB", "2025", "cloudfront";
    TRAFFIC_OUT: 0.09, "GB", "2025", "ec2/pricing/on-demand";
    ZONE: 0.50, "zone", "2025", "route53";
    AURORA_CAPACITY: 0.12, "ACU-h", "2026", "rds/aurora";
    AURORA_STORAGE: 0.10, "GB-month", "2026", "rds/aurora";
    AURORA_IO: 0.20, "million I/O", "2026", "rds/aurora";
    AURORA_BACKUP: 0.021, "GB-month", "2026", "rds/aurora";
    PROXY: 0.015, "ACU-h, minimum 8 ACU", "2025", "rds/proxy";
    DB_T4G_MICRO: 0.016, "hour", "2026-06", "rds/postgresql";
    DB_T4G_SMALL: 0.032, "hour", "2026-06", "rds/postgresql";
    DB_T4G_MEDIUM: 0.065, "hour", "2026-06", "rds/postgresql";
    DB_STORAGE: 0.115, "GB-month, gp3", "2026-06", "rds/postgresql";
    REDIS_T4G_MICRO: 0.016, "node-hour", "2025", "elasticache";
    REDIS_T4G_SMALL: 0.032, "node-hour", "2025", "elasticache";
    REDIS_T4G_MEDIUM: 0.065, "node-hour", "2025", "elasticache";
    REDIS_M7G_LARGE: 0.158, "node-hour", "2025", "elasticache";
    // 20 % less than Redis.
    VALKEY_T4G_MICRO: 0.0128, "node-hour", "2025", "elasticache";
    VALKEY_T4G_SMALL: 0.0256, "node-hour", "2025", "elasticache";
    VALKEY_T4G_MEDIUM: 0.052, "node-hour", "2025", "elasticache";
    NAT_GATEWAY: 0.045, "hour", "2026", "vpc";
    NAT_ADDRESS: 0.005, "hour", "2026", "vpc";
    NAT_TRAFFIC: 0.045, "GB", "2026", "vpc";
    ENDPOINT: 0.01, "hour", "2025", "privatelink";
    ENDPOINT_TRAFFIC: 0.01, "GB", "2025", "privatelink";
    ZONES_BACKUP: 0.01, "GB", "2025", "ec2/pricing/on-demand";
    // In each direction.
    ZONES_REQUESTS: 0.02, "GB", "2025", "ec2/pricing/on-demand";
    SECRET: 0.40, "secret", "2025", "secrets-manager";
    SECRET_READS: 5.0, "million calls", "2025", "secrets-manager";
    KEY: 1.0, "key", "2025", "kms";
    KEY_USES: 3.0, "million calls", "2025", "kms";
    LOGS: 0.50, "GB", "2026", "cloudwatch";
    LOGS_STORED: 0.03, "GB-month, compressed to a sixth", "2026", "cloudwatch";
    METRIC: 0.30, "metric", "2026", "cloudwatch";
    ALARM: 0.10, "monitored metric", "2026", "cloudwatch";
    COMPOSITE_ALARM: 0.50, "alarm", "2026", "cloudwatch";
    DASHBOARD: 3.0, "dashboard", "2026", "cloudwatch";
    TRACES: 5.0, "million traces", "2025", "xray";
    S3_STORAGE: 0.023, "GB-month", "2025", "s3";
    S3_WRITES: 5.0, "million requests", "2025", "s3";
    MAIL: 0.10, "thousand mails", "2025", "ses";
    QUEUE: 0.40, "million requests", "2025", "sqs";
}

/// Returns the price of an instance class of RDS for PostgreSQL.
pub fn of_instance(class: &str) -> Option<&'static Price> {
    Some(match class {
        "db.t4g.micro" => &DB_T4G_MICRO,
        "db.t4g.small" => &DB_T4G_SMALL,
        "db.t4g.medium" => &DB_T4G_MEDIUM,
        _ => return None,
    })
}

/// Returns the price of a cache node.
pub fn of_node(engine: &str, kind: &str) -> Option<&'static Price> {
    Some(match (engine, kind) {
        ("redis", "cache.t4g.micro") => &REDIS_T4G_MICRO,
        ("redis", "cache.t4g.small") => &REDIS_T4G_SMALL,
        ("redis", "cache.t4g.medium") => &REDIS_T4G_MEDIUM,
        ("redis", "cache.m7g.large") => &REDIS_M7G_LARGE,
        ("valkey", "cache.t4g.micro") => &VALKEY_T4G_MICRO,
        ("valkey", "cache.t4g.small") => &VALKEY_T4G_SMALL,
        ("valkey", "cache.t4g.medium") => &VALKEY_T4G_MEDIUM,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_has_a_date_and_a_page() {
        for price in ALL {
            let (year, month) = price.seen.split_once('-').unwrap_or((price.seen, "1"));
            assert!(year.parse::<u32>().is_ok_and(|year| year >= 2025), "{price:?}");
            assert!(month.parse::<u32>().is_ok_and(|month| (1..=12).contains(&month)), "{price:?}");
            assert!(price.dollars > 0.0 && !price.page.is_empty(), "{price:?}");
        }
    }
}
