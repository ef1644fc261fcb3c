//! The bill of an environment: quantities times prices. docs/cost.md has the assumptions.

use anyhow::{Context, Result};
use serde_yaml_ng::Value;

use super::{
    durations::Durations,
    environment::{Environment, length},
    month::{DAYS, HOURS, MEASUREMENTS, Month, SWEEPS},
    prices::{self, Price},
};

/// Seconds of one run of `recovery-points`, and of the sweeper.
const MEASUREMENT_SECONDS: f64 = 0.3;
const SWEEP_SECONDS: f64 = 0.1;
/// Billed for a proxy at least.
const MIN_PROXY_ACU: f64 = 8.0;
/// Above this load the cache needs larger nodes, in millions of requests.
const LARGE_CACHE_FROM: f64 = 50.0;
const LARGE_NODE: &str = "cache.m7g.large";
/// Traces of X-Ray's default rule: one a second, and of the rest this share.
const TRACED_SHARE: f64 = 0.05;
/// Lambda keeps five receives of 20 s open for each queue, in millions a month.
const RECEIVES: f64 = 0.648;

/// A part of the bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Functions,
    Edge,
    Database,
    Cache,
    Network,
    Secrets,
    Observability,
    Storage,
}

impl Group {
    pub const ALL: [Self; 8] = [
        Self::Functions,
        Self::Edge,
        Self::Database,
        Self::Cache,
        Self::Network,
        Self::Secrets,
        Self::Observability,
        Self::Storage,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Functions => "Functions",
            Self::Edge => "Gateway, WAF, CDN",
            Self::Database => "PostgreSQL",
            Self::Cache => "Redis",
            Self::Network => "Network",
            Self::Secrets => "Secrets and keys",
            Self::Observability => "Logs, metrics, traces",
            Self::Storage => "Storage and mail",
        }
    }
}

/// A quantity and its price.
#[derive(Debug)]
pub struct Item {
    pub group: Group,
    pub name: String,
    pub price: &'static Price,
    pub quantity: f64,
}

impl Item {
    pub fn dollars(&self) -> f64 {
        self.quantity * self.price.dollars
    }
}

/// What an environment costs a month.
pub struct Bill(pub Vec<Item>);

impl Bill {
    /// `load` is in millions of requests a month.
    pub fn of(environment: &Environment, load: f64, durations: &Durations) -> Result<Self> {
        let mut bill = Self(Vec::new());
        let month = Month::of(environment, load)?;
        bill.functions(environment, &month, durations)?;
        bill.edge(environment, load)?;
        bill.database(environment, &month)?;
        bill.cache(environment, load)?;
        bill.network(environment, &month)?;
        bill.secrets(environment, load)?;
        bill.observability(environment, &month)?;
        bill.storage(environment, &month)?;
        Ok(bill)
    }

    pub fn dollars(&self, group: Group) -> f64 {
        // A sum of nothing would be -0.
        self.0.iter().filter(|item| item.group == group).map(Item::dollars).sum::<f64>() + 0.0
    }

    pub fn total(&self) -> f64 {
        self.0.iter().map(Item::dollars).sum()
    }

    fn add(&mut self, group: Group, name: impl Into<String>, price: &'static Price, quantity: f64) {
        if quantity > 0.0 {
            self.0.push(Item { group, name: name.into(), price, quantity });
        }
    }

    fn functions(&mut self, environment: &Environment, month: &Month, durations: &Durations) -> Result<()> {
        let add =
            |bill: &mut Self, name: &str, price, quantity| bill.add(Group::Functions, name, price, quantity);
        add(self, "requests", &prices::INVOCATIONS, month.load + month.jobs);
        let requests = month.load * durations.gigabyte_seconds(environment)?;
        add(self, "compute, requests", &prices::COMPUTE, requests);
        let backup = month.backups * month.backup_seconds * environment.memory_gb("Backup")?;
        add(self, "compute, `backup`", &prices::COMPUTE, backup);
        // A drill takes three times as long as a backup.
        let drill = DAYS * 3.0 * month.backup_seconds * environment.memory_gb("RestoreDrill")?;
        add(self, "compute, `restore-drill`", &prices::COMPUTE, drill);
        let retention = SWEEPS * SWEEP_SECONDS + DAYS * (5.0 + 3.0 * month.load);
        let others = MEASUREMENTS * MEASUREMENT_SECONDS * environment.memory_gb("RecoveryPoints")?
            + retention * environment.memory_gb("Retention")?;
        add(self, "compute, other jobs", &prices::COMPUTE, others);
        Ok(())
    }

    fn edge(&mut self, environment: &Environment, load: f64) -> Result<()> {
        let mut add = |name: &str, price, quantity| self.add(Group::Edge, name, price, quantity);
        add("API Gateway, REST", &prices::REST_API, load);
        for acl in environment.resources("AWS::WAFv2::WebACL")? {
            add("WAF, web ACL", &prices::WEB_ACL, 1.0);
            let rules = acl.properties["Rules"].as_sequence().context("the web ACL has Rules")?;
            // The others are for a second and a third origin.
            let rules: Vec<_> = rules.iter().filter(|rule| rule.is_mapping()).collect();
            add("WAF, rules", &prices::WEB_ACL_RULE, length(&rules));
            add("WAF, requests", &prices::WEB_ACL_REQUESTS, load);
        }
        if environment.text("edge", "ServeSite")? == "true" {
            add("CloudFront, requests", &prices::CDN_REQUESTS, 0.2 * load);
            add("CloudFront, traffic to the internet", &prices::CDN_TRAFFIC, 4.0 * load);
        }
        add("gateway, traffic to the internet", &prices::TRAFFIC_OUT, 2.0 * load);
        let zones = [("edge", "HostedZoneId"), ("app", "MailZoneId")];
        let zones = zones.map(|(stack, name)| environment.text(stack, name));
        if zones.into_iter().collect::<Result<Vec<_>>>()?.iter().any(|zone| !zone.is_empty()) {
            add("Route 53", &prices::ZONE, 1.0);
        }
        Ok(())
    }

    fn database(&mut self, environment: &Environment, month: &Month) -> Result<()> {
        let mut add = |name: &str, price, quantity| self.add(Group::Database, name, price, quantity);
        if environment.count("AWS::RDS::DBCluster")? == 0.0 {
            let class = environment.text("data", "InstanceClass")?;
            let price = prices::of_instance(&class);
            let price = price.with_context(|| format!("no price of {class} in xtask/src/cost/prices.rs"))?;
            // A standby in a second zone costs as much.
            let zones = environment.number("data", "Zones")?;
            add(&format!("RDS, {class}"), price, zones * HOURS);
            let storage = environment.number("data", "InstanceStorage")?.max(2.0 * month.database_gb);
            add("RDS, storage, and as much of backups", &prices::DB_STORAGE, zones * storage);
            return Ok(());
        }
        let instances = environment.count("AWS::RDS::DBInstance")?;
        add("Aurora, capacity", &prices::AURORA_CAPACITY, instances * month.acu * HOURS);
        let proxies = environment.count("AWS::RDS::DBProxy")?;
        let of_proxy = (instances * month.acu).max(MIN_PROXY_ACU) * HOURS;
        add("RDS Proxy", &prices::PROXY, proxies * of_proxy);
        add("Aurora, storage", &prices::AURORA_STORAGE, month.database_gb.max(1.0));
        add("Aurora, I/O", &prices::AURORA_IO, month.cluster_io());
        add("Aurora backups, 35 days", &prices::AURORA_BACKUP, month.database_gb);
        Ok(())
    }

    fn cache(&mut self, environment: &Environment, load: f64) -> Result<()> {
        let engine = environment.text("data", "CacheEngine")?;
        let own = environment.text("data", "CacheNodeType")?;
        let kind = if load < LARGE_CACHE_FROM { own.as_str() } else { LARGE_NODE };
        let price = prices::of_node(&engine, kind);
        let price =
            price.with_context(|| format!("no price of {engine} on {kind} in xtask/src/cost/prices.rs"))?;
        let nodes = environment.number("data", "Zones")?;
        self.add(Group::Cache, format!("{engine}, {kind}"), price, nodes * HOURS);
        Ok(())
    }

    fn network(&mut self, environment: &Environment, month: &Month) -> Result<()> {
        let mut add = |name: &str, price, quantity| self.add(Group::Network, name, price, quantity);
        let gateways = environment.count("AWS::EC2::NatGateway")?;
        add("NAT gateway", &prices::NAT_GATEWAY, gateways * HOURS);
        add("NAT gateway, IP address", &prices::NAT_ADDRESS, gateways * HOURS);
        let has_endpoints = environment.text("network", "InterfaceEndpoints")? == "true";
        if gateways > 0.0 && !has_endpoints {
            add("NAT gateway, traffic", &prices::NAT_TRAFFIC, 1.0);
        }
        let mut interfaces = 0.0;
        for endpoint in environment.resources("AWS::EC2::VPCEndpoint")? {
            if endpoint.properties["VpcEndpointType"] == *"Interface" {
                let subnets = endpoint.get("SubnetIds")?.as_sequence().context("an endpoint has subnets")?;
                interfaces += length(subnets);
            }
        }
        add("interface endpoints, one in each zone", &prices::ENDPOINT, interfaces * HOURS);
        if has_endpoints {
            add("interface endpoints, traffic", &prices::ENDPOINT_TRAFFIC, 1.0 + 0.2 * month.load);
        }
        // Functions are in both zones; half of the bytes cross.
        add("traffic between zones, backups", &prices::ZONES_BACKUP, month.backups * month.dump_gb / 2.0);
        add("traffic between zones, requests", &prices::ZONES_REQUESTS, 5.0 * month.load);
        Ok(())
    }

    fn secrets(&mut self, environment: &Environment, load: f64) -> Result<()> {
        let mut add = |name: &str, price, quantity| self.add(Group::Secrets, name, price, quantity);
        // RDS makes that of the owner.
        add("secrets", &prices::SECRET, environment.count("AWS::SecretsManager::Secret")? + 1.0);
        // Each instance reads its secrets every five minutes.
        let calls = (0.02 + 0.18 * load).min(0.9);
        add("reads of secrets", &prices::SECRET_READS, calls);
        add("KMS keys", &prices::KEY, environment.count("AWS::KMS::Key")?);
        add("uses of KMS keys", &prices::KEY_USES, calls);
        Ok(())
    }

    fn observability(&mut self, environment: &Environment, month: &Month) -> Result<()> {
        let mut add = |name: &str, price, quantity| self.add(Group::Observability, name, price, quantity);
        let logs = 0.6 + 3.5 * month.load;
        add("logs, ingested", &prices::LOGS, logs);
        let months = environment.number("app", "LogRetentionDays")? / DAYS;
        add("logs, stored", &prices::LOGS_STORED, logs * months / 6.0);
        add("flow logs, ingested", &prices::LOGS, 0.2 + 0.1 * month.load);
        let has_all = environment.text("app", "Alarms")? == "all";
        add("custom metrics", &prices::METRIC, if has_all { metrics(month.load) } else { METRICS_OF_FEW });
        let mut watched = 0.0;
        for alarm in environment.resources("AWS::CloudWatch::Alarm")? {
            let metrics = alarm.properties["Metrics"].as_sequence().map(Vec::as_slice).unwrap_or_default();
            let metrics: Vec<&Value> = metrics.iter().filter(|one| !one["MetricStat"].is_null()).collect();
            watched += length(&metrics).max(1.0);
        }
        add("alarms", &prices::ALARM, watched);
        let composite = environment.count("AWS::CloudWatch::CompositeAlarm")?;
        add("alarms made of others", &prices::COMPOSITE_ALARM, composite);
        add("dashboard", &prices::DASHBOARD, environment.count("AWS::CloudWatch::Dashboard")?);
        let all = month.load + month.jobs;
        // One a second, in millions.
        let first = all.min(HOURS * 3600.0 / 1e6);
        let traced = if has_all { first + TRACED_SHARE * (all - first) } else { 0.01 * all };
        add("X-Ray", &prices::TRACES, traced);
        Ok(())
    }

    fn storage(&mut self, environment: &Environment, month: &Month) -> Result<()> {
        let mut add = |name: &str, price, quantity| self.add(Group::Storage, name, price, quantity);
        add("backups in S3, 30 days", &prices::S3_STORAGE, month.backups * month.archive_gb);
        let writes = 0.0087 + 6e-6 * month.backups + 0.0014 * month.load;
        add("writes to S3, listings", &prices::S3_WRITES, writes);
        add("SES", &prices::MAIL, 10.0 * month.load);
        add("SQS, empty receives", &prices::QUEUE, RECEIVES * environment.queues_of_functions()?);
        Ok(())
    }
}

/// Custom metrics with few alarms: the three ages of `recovery-points`, and its memory.
const METRICS_OF_FEW: f64 = 4.0;

/// Returns the number of custom metrics: one per combination of dimensions, so it grows with the routes in use.
fn metrics(load: f64) -> f64 {
    match load {
        load if load < 1.0 => 89.0,
        load if load < 10.0 => 246.0,
        load if load < 100.0 => 324.0,
        _ => 402.0,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn bill(environment: &str, load: f64) -> Bill {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let environment = Environment::read(root, environment).expect("an environment");
        Bill::of(&environment, load, &Durations::assumed().expect("durations")).expect("a bill")
    }

    /// Checks a row: its quantity and dollars, as calculated by hand.
    #[track_caller]
    fn has(bill: &Bill, name: &str, quantity: f64, dollars: f64) {
        let item = bill.0.iter().find(|item| item.name == name).unwrap_or_else(|| panic!("no {name}"));
        let good = (item.quantity - quantity).abs() < 1e-6 && (item.dollars() - dollars).abs() < 1e-6;
        assert!(good, "{name}: {} for {}", item.quantity, item.dollars());
    }

    #[test]
    fn quantities_and_dollars_are_those_calculated_by_hand() {
        let million = bill("production", 1.0);
        // 2 instances × 2.02 ACU × 730 h.
        has(&million, "Aurora, capacity", 2949.2, 353.904);
        has(&million, "RDS Proxy", 5840.0, 87.6);
        // 50,000 × 0.2 s × 0.5 + 200,000 × 0.025 s × 0.5 + 750,000 × 0.025 s × 0.25 + 5,000 × 0.4 s × 0.25 GB.
        has(&million, "compute, requests", 12_687.5, 12_687.5 * 0.000_013_333_4);
        // 7 services in 2 zones.
        has(&million, "interface endpoints, one in each zone", 10_220.0, 102.2);
        has(&million, "NAT gateway", 1460.0, 65.7);
        has(&million, "SQS, empty receives", 3.888, 1.5552);
        has(&million, "alarms made of others", 2.0, 1.0);

        let idle = bill("small", 0.0);
        has(&idle, "RDS, db.t4g.micro", 730.0, 11.68);
        has(&idle, "RDS, storage, and as much of backups", 20.0, 2.3);
        has(&idle, "valkey, cache.t4g.micro", 730.0, 9.344);
        // SQS in one zone.
        has(&idle, "interface endpoints, one in each zone", 730.0, 7.3);
        has(&idle, "secrets", 13.0, 5.2);
        has(&idle, "KMS keys", 3.0, 3.0);
        has(&idle, "alarms", 17.0, 1.7);
        // 15 s + 8 s × 0.06 GB, 30 times, with 1,769 MB.
        has(&idle, "compute, `backup`", 802.269_140_625, 802.269_140_625 * 0.000_013_333_4);
    }

    #[test]
    fn backups_are_read_from_disk_only_if_they_do_not_fit_into_memory() {
        let quantity = |load: f64| {
            let bill = bill("production", load);
            bill.0.iter().find(|item| item.name == "Aurora, I/O").expect("a row").quantity
        };
        // 5 + 1.3 + 30 × 0.55 × 0.42.
        assert!((quantity(1.0) - 13.23).abs() < 1e-9, "{}", quantity(1.0));
        // 5 + 130 + 30 × 0.55 × 36.06 + 120 × 2 × 36,060 MB / 8,192 bytes.
        let read = 135.0 + 594.99 + 240.0 * 36_060.0 / 8192.0;
        assert!((quantity(100.0) - read).abs() < 1e-6, "{}", quantity(100.0));
    }

    #[test]
    fn idle_small_environment_costs_at_most_45_dollars() {
        let small = bill("small", 0.0);
        assert!(small.total() <= 45.0, "{}", small.total());
        let sum: f64 = Group::ALL.map(|group| small.dollars(group)).iter().sum();
        assert!((sum - small.total()).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn class_without_a_price_is_refused() {
        assert!(prices::of_instance("db.r9g.large").is_none());
        assert!(prices::of_node("redis", "cache.x").is_none());
    }
}
