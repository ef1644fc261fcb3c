//! The figures as the tables of `docs/performance.md`.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{
    accuracy::Accuracy,
    calls::Call,
    cold::Cold,
    samples::{Figure, Samples, Server},
};
use crate::world::millis;

/// A cold start to the first authenticated answer, in milliseconds.
const COLD_TARGET: f64 = 30.0;

pub struct Table<'a> {
    pub samples: &'a Samples,
    pub cold: &'a [Cold],
    pub accuracies: [&'a Accuracy; 2],
    pub rounds: usize,
}

impl Table<'_> {
    pub fn json(&self) -> Value {
        let delay = |one: &&Accuracy| json!({ "service": one.service, "eachWay": millis(one.wanted), "added": { "median": one.added[0], "p99": one.added[1] } });
        let cold = |one: &Cold| json!({ "function": one.function, "path": one.path, "init": one.init, "first": one.first });
        json!({
            "rounds": self.rounds,
            "delays": self.accuracies.iter().map(delay).collect::<Value>(),
            "calls": self.samples.json(),
            "cold": self.cold.iter().map(cold).collect::<Value>(),
        })
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for Accuracy { service, wanted, added, .. } in self.accuracies {
            _ = writeln!(
                text,
                "Delay of {service}: {} ms each way; a round trip took {:.3} ms longer (p99 {:.3}).",
                millis(*wanted),
                added[0],
                added[1],
            );
        }
        _ = write!(text, "{}", self.floors());
        text += "\n| ms: median (p99) | ours | better-auth, same argon2id | ÷ ours | better-auth, default | ÷ ours \
                 | trips to Redis + PostgreSQL | of better-auth | target | |\n\
                 |---|---|---|---|---|---|---|---|---|---|\n";
        for call in Call::ALL.into_iter().filter(|call| *call != Call::Health) {
            self.row(&mut text, call);
        }
        text += "\n| cold start with TLS | ms: median (min–max) | target | |\n|---|---|---|---|\n";
        for Cold { function, path, init, first } in self.cold {
            _ = writeln!(text, "| `{function}`: init | {} |  |  |", spread(init).1);
            let (median, spread) = spread(first);
            let mark = mark(median <= COLD_TARGET);
            _ = writeln!(
                text,
                "| `{function}`: init and `GET {path}` | {spread} | ≤ {COLD_TARGET} | {mark} |"
            );
        }
        text
    }

    /// Returns a sentence with what was taken off.
    fn floors(&self) -> String {
        let floor = |server| self.samples.raw(server, Call::Health).map_or(f64::NAN, |figure| figure.median);
        format!(
            "Taken off: {:.2} ms of our `/health`, {:.2} and {:.2} ms of better-auth's `/ok`. One hash: {}.\n",
            floor(Server::Ours),
            floor(Server::Argon2id),
            floor(Server::Scrypt),
            cell(self.samples.figure(Server::Hash, Call::SignIn)),
        )
    }

    fn row(&self, text: &mut String, call: Call) {
        let figure = |server| self.samples.figure(server, call);
        let others = [figure(Server::Argon2id), figure(Server::Scrypt)];
        let ours = figure(Server::Ours);
        let median = ours.map_or(f64::NAN, |figure| figure.median);
        let ratio = |figure: Option<Figure>| figure.map(|figure| format!("{:.1}", figure.median / median));
        let [redis, postgres, argon2id, _] = self.samples.trips(call).map(short);
        let hash = self.samples.figure(Server::Hash, Call::SignIn).map_or(f64::NAN, |figure| figure.median);
        let (target, limit) = target(call, hash);
        let is_ahead = others.iter().flatten().all(|figure| median < figure.median);
        _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {redis} + {postgres} | {} | {target} | {} |",
            call.name(),
            cell(ours),
            cell(others[0]),
            ratio(others[0]).unwrap_or_default(),
            cell(others[1]),
            ratio(others[1]).unwrap_or_default(),
            if others[0].is_some() { argon2id } else { String::new() },
            mark(is_ahead && median <= limit),
        );
    }
}

/// Returns the target of a call and its upper limit. A call of better-auth must also take longer than ours.
fn target(call: Call, hash: f64) -> (String, f64) {
    let limit = match call {
        Call::Row => 2.0,
        Call::Sessions | Call::Members => 3.0,
        Call::Refresh => 4.0,
        Call::Create => 5.0,
        Call::CreateWithKey => 7.5,
        Call::SignIn => return ("≤ hash + 6, ahead".to_owned(), hash + 6.0),
        Call::SignUp => return ("≤ hash + 7, ahead".to_owned(), hash + 7.0),
        Call::Health | Call::Session | Call::UncachedSession | Call::Profile => {
            return ("ahead".to_owned(), f64::INFINITY);
        }
    };
    let ahead = if call == Call::Sessions { ", ahead" } else { "" };
    (format!("≤ {limit}{ahead}"), limit)
}

fn cell(figure: Option<Figure>) -> String {
    figure.map(|Figure { median, p99 }| format!("{median:.1} ({p99:.1})")).unwrap_or_default()
}

/// Returns the median, and a cell with it and the extremes.
fn spread(values: &[f64]) -> (f64, String) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let (median, last) = (at(sorted.len() / 2), at(sorted.len().saturating_sub(1)));
    (median, format!("{median:.1} ({:.1}–{last:.1})", at(0)))
}

/// Returns a number of trips. It is not whole if some calls need one more.
fn short(trips: f64) -> String {
    if (trips - trips.round()).abs() < 0.05 { format!("{trips:.0}") } else { format!("{trips:.1}") }
}

fn mark(is_met: bool) -> char {
    if is_met { '✓' } else { '✗' }
}
