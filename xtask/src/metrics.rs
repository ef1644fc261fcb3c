//! The metrics of the functions of `cargo xtask dev`, as Prometheus text.
//!
//! Read from the log, where the functions write them for CloudWatch: "Embedded metric format specification", Amazon CloudWatch User Guide.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Read, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::dev_log::Reader;

/// The upper limits of the buckets of every distribution.
const BUCKETS: [f64; 14] = [1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4];
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// All metrics so far. Clones share them.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<BTreeMap<String, Metric>>>);

/// A metric, by its labels as text.
enum Metric {
    Counter(BTreeMap<String, f64>),
    Histogram(BTreeMap<String, Distribution>),
}

#[derive(Default)]
struct Distribution {
    /// How many values each bucket has, without those of smaller ones.
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    /// Serves the metrics at `port` of the loopback address until the process ends.
    pub fn serve(&self, port: u16) -> Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("listen on port {port}"))?;
        let metrics = self.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A client that goes away is its own business.
                _ = metrics.answer(client);
            }
        });
        Ok(())
    }

    fn answer(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_read_timeout(Some(CLIENT_TIMEOUT))?;
        client.set_write_timeout(Some(CLIENT_TIMEOUT))?;
        let mut request = Vec::new();
        let mut piece = [0; 1024];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 16 << 10 {
            match client.read(&mut piece)? {
                0 => break,
                read => request.extend_from_slice(&piece[..read]),
            }
        }
        let (status, body) = match String::from_utf8_lossy(&request).split(' ').nth(1) {
            Some("/metrics") => ("200 OK", self.text()),
            _ => ("404 Not Found", "GET /metrics\n".to_owned()),
        };
        write!(
            client,
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    /// Adds the metrics of a line.
    fn add(&self, line: &Value) -> Option<()> {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        let names = directive["Dimensions"][0].as_array()?;
        let labels: Vec<_> = names
            .iter()
            .filter_map(|name| {
                Some(format!("{}=\"{}\"", name.as_str()?, escaped(line[name.as_str()?].as_str()?)))
            })
            .collect();
        let labels = labels.join(",");
        let mut metrics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for metric in directive["Metrics"].as_array()? {
            let name = metric["Name"].as_str()?;
            match &line[name] {
                Value::Array(values) => {
                    let name = format!("{}{}", prometheus_name(name), unit(metric["Unit"].as_str()));
                    let metric = metrics.entry(name).or_insert_with(|| Metric::Histogram(BTreeMap::new()));
                    if let Metric::Histogram(series) = metric {
                        let series = series.entry(labels.clone()).or_default();
                        values.iter().filter_map(Value::as_f64).for_each(|value| series.add(value));
                    }
                }
                value => {
                    let name = format!("{}_total", prometheus_name(name));
                    let metric = metrics.entry(name).or_insert_with(|| Metric::Counter(BTreeMap::new()));
                    if let Metric::Counter(series) = metric {
                        *series.entry(labels.clone()).or_default() += value.as_f64().unwrap_or_default();
                    }
                }
            }
        }
        Some(())
    }

    /// Returns all metrics (Prometheus documentation, "Text-based format").
    fn text(&self) -> String {
        let mut text = String::new();
        for (name, metric) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Writing to a String does not fail.
            _ = match metric {
                Metric::Counter(series) => {
                    _ = writeln!(text, "# TYPE {name} counter");
                    series.iter().try_for_each(|(labels, value)| writeln!(text, "{name}{{{labels}}} {value}"))
                }
                Metric::Histogram(series) => {
                    _ = writeln!(text, "# TYPE {name} histogram");
                    series.iter().try_for_each(|(labels, values)| values.write(&mut text, name, labels))
                }
            };
        }
        text
    }
}

impl Reader for Metrics {
    fn line(&mut self, _: &str, line: &Value) {
        // A line without metrics adds none.
        _ = self.add(line);
    }

    fn pause(&mut self) {}
}

impl Distribution {
    fn add(&mut self, value: f64) {
        if let Some(bucket) = BUCKETS.iter().position(|limit| value <= *limit) {
            self.buckets[bucket] += 1;
        }
        self.count += 1;
        self.sum += value;
    }

    fn write(&self, text: &mut String, name: &str, labels: &str) -> std::fmt::Result {
        let mut below = 0;
        for (limit, count) in BUCKETS.iter().zip(self.buckets) {
            below += count;
            writeln!(text, "{name}_bucket{{{labels},le=\"{limit}\"}} {below}")?;
        }
        writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", self.count)?;
        writeln!(text, "{name}_sum{{{labels}}} {}", self.sum)?;
        writeln!(text, "{name}_count{{{labels}}} {}", self.count)
    }
}

/// Returns `arches_cold_starts` for `ColdStarts`.
fn prometheus_name(name: &str) -> String {
    let mut words = "arches".to_owned();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// Returns the end of a name, for a unit of CloudWatch.
fn unit(unit: Option<&str>) -> String {
    match unit {
        None | Some("Count") => String::new(),
        Some(unit) => format!("_{}", unit.to_lowercase()),
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(metric: &str, unit: &str, value: &Value, status: &str) -> Value {
        let mut line = json!({
            "_aws": { "Timestamp": 1, "CloudWatchMetrics": [{
                "Namespace": "Arches", "Dimensions": [["function", "status"]], "Metrics": [{ "Name": metric, "Unit": unit }]
            }] },
            "function": "auth", "status": status
        });
        line[metric] = value.clone();
        line
    }

    #[test]
    fn counters_add_up_and_values_are_counted_in_buckets() {
        let mut metrics = Metrics::default();
        for line in [
            line("ColdStarts", "Count", &json!(2), "2xx"),
            line("ColdStarts", "Count", &json!(3), "2xx"),
            line("ColdStarts", "Count", &json!(1), "a \"b\""),
            line("Duration", "Milliseconds", &json!([0.5, 4.0]), "2xx"),
            line("Duration", "Milliseconds", &json!([60000.0]), "2xx"),
            json!({ "message": "request served" }),
        ] {
            metrics.line("", &line);
        }
        let text = metrics.text();
        for part in [
            "# TYPE arches_cold_starts_total counter\n",
            "arches_cold_starts_total{function=\"auth\",status=\"2xx\"} 5\n",
            "arches_cold_starts_total{function=\"auth\",status=\"a \\\"b\\\"\"} 1\n",
            "# TYPE arches_duration_milliseconds histogram\n",
            "arches_duration_milliseconds_bucket{function=\"auth\",status=\"2xx\",le=\"1\"} 1\n",
            "arches_duration_milliseconds_bucket{function=\"auth\",status=\"2xx\",le=\"2.5\"} 1\n",
            "arches_duration_milliseconds_bucket{function=\"auth\",status=\"2xx\",le=\"5\"} 2\n",
            "arches_duration_milliseconds_bucket{function=\"auth\",status=\"2xx\",le=\"30000\"} 2\n",
            "arches_duration_milliseconds_bucket{function=\"auth\",status=\"2xx\",le=\"+Inf\"} 3\n",
            "arches_duration_milliseconds_sum{function=\"auth\",status=\"2xx\"} 60004.5\n",
            "arches_duration_milliseconds_count{function=\"auth\",status=\"2xx\"} 3\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
